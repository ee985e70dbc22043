//! What is logged and printed shows no key, no text and no audio.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::io::Write;
use std::sync::{Arc, Mutex};

use common::connect;
use rt_emulator::{Emulator, Fault, Pacing, Script, Step, Turn};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_key_no_text_no_audio() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let script = Script::parrot()
        .hear("canary-heard")
        .turn(Turn::default().step(Step::say("canary-said")));
    let builder = Emulator::builder()
        .pacing(Pacing::instant())
        .script(script)
        .key("canary-key")
        .fault(5, Fault::status(401));
    let mut printed = format!("{builder:?}");
    let emulator = builder.start().await.unwrap();
    printed.push_str(&format!("{emulator:?}"));
    let target = "/v1/realtime?model=gpt-realtime&token=canary-query";
    let mut client = connect(&emulator, target, &[("authorization", "Bearer canary-key")])
        .await
        .unwrap();
    client
        .send(json!({"type": "canary-type", "event_id": "canary-id"}))
        .await;
    client
        .send(
            json!({"type": "session.update", "session": {"type": "realtime", "instructions": "canary-text",
        "audio": {"input": {"turn_detection": null}}}}),
        )
        .await;
    // "canary" in base64, over and over.
    client
        .send(json!({"type": "input_audio_buffer.append", "audio": "Y2FuYXJ5".repeat(1600)}))
        .await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    client.send(json!({"type": "response.create"})).await;
    let sent = client.until("response.done").await;
    assert!(sent.len() > 10);
    // The other manners of coming in, and the other kinds of session.
    let azure = "/openai/v1/realtime?intent=transcription&api-key=canary-key";
    let mut client = connect(&emulator, azure, &[]).await.unwrap();
    client
        .send(
            json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input":
            {"transcription": {"model": "whisper-1", "prompt": "canary-prompt"}, "turn_detection": null}}}}),
        )
        .await;
    client
        .send(json!({"type": "input_audio_buffer.append", "audio": "Y2FuYXJ5".repeat(1600)}))
        .await;
    client.send(json!({"type": "input_audio_buffer.commit"})).await;
    client
        .until("conversation.item.input_audio_transcription.completed")
        .await;
    let translation = "/v1/realtime/translations?model=gpt-realtime-translate";
    let key = ("authorization", "Bearer canary-key");
    let mut client = connect(&emulator, translation, &[key]).await.unwrap();
    client
        .send(json!({"type": "session.input_audio_buffer.append", "audio": "Y2FuYXJ5".repeat(2400)}))
        .await;
    client.send(json!({"type": "session.close"})).await;
    client.until("session.closed").await;
    let preview = "/openai/realtime?api-version=canary-version&deployment=gpt-realtime";
    let mut client = connect(&emulator, preview, &[("api-key", "canary-key")])
        .await
        .unwrap();
    client
        .send(
            json!({"type": "session.update", "session": {"instructions": "canary-text", "canary-field": 1}}),
        )
        .await;
    client.until("error").await;
    let journal = emulator.journal();
    printed.push_str(&format!("{:?}", journal.entries()));
    assert!(
        connect(&emulator, target, &[("authorization", "Bearer canary-key")])
            .await
            .is_err()
    );
    emulator.shutdown().await;
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("response.done") && logged.contains("connection accepted"),
        "{logged}"
    );
    for shown in [printed, logged, format!("{journal:?}")] {
        assert!(
            !shown.contains("canary") && !shown.contains("Y2FuYXJ5"),
            "{shown}"
        );
    }
}
