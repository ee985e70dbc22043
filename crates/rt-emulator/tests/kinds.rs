//! The kinds of session and the dialects, over sockets.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Client, KEY, SOON, connect, fast};
use rt_emulator::journal::What;
use rt_emulator::{Emulator, Script};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as Frame;

async fn open(emulator: &Emulator, target: &str) -> (Client, Value) {
    let key = if target.starts_with("/openai") {
        ("api-key", "x")
    } else {
        KEY
    };
    let mut client = connect(emulator, target, &[key]).await.unwrap();
    let created = client.event().await;
    (client, created)
}

#[tokio::test]
async fn a_transcription() {
    let emulator = fast()
        .script(Script::parrot().hear("Good day."))
        .start()
        .await
        .unwrap();
    for target in [
        "/v1/realtime?intent=transcription",
        "/openai/v1/realtime?intent=transcription",
    ] {
        let (mut client, created) = open(&emulator, target).await;
        assert_eq!(created["session"]["object"], "realtime.transcription_session");
        client
            .send(
                json!({"type": "session.update", "session": {"type": "transcription", "audio": {"input":
                {"transcription": {"model": "whisper-1"}, "turn_detection": null}}}}),
            )
            .await;
        let audio = STANDARD.encode(vec![0; 48_000]);
        client
            .send(json!({"type": "input_audio_buffer.append", "audio": audio}))
            .await;
        client.send(json!({"type": "input_audio_buffer.commit"})).await;
        let last = "conversation.item.input_audio_transcription.completed";
        let mut types = client.until(last).await;
        types.dedup();
        assert_eq!(
            types,
            [
                "session.updated",
                "input_audio_buffer.committed",
                "conversation.item.added",
                "conversation.item.done",
                "conversation.item.input_audio_transcription.delta",
                last,
            ]
        );
        client
            .send(json!({"type": "response.create", "event_id": "mine"}))
            .await;
        let error = client.event().await["error"].clone();
        assert_eq!(
            (&error["code"], &error["event_id"]),
            (&json!("invalid_value"), &json!("mine"))
        );
    }
    let (mut client, refused) = open(&emulator, "/v1/realtime?intent=transcription&model=gpt-realtime").await;
    assert_eq!(refused["error"]["code"], "invalid_model");
    assert_eq!(client.close().await.0, 4000);
}

#[tokio::test]
async fn a_translation_until_its_end() {
    let emulator = fast().start().await.unwrap();
    let (mut client, created) = open(
        &emulator,
        "/v1/realtime/translations?model=gpt-realtime-translate",
    )
    .await;
    assert_eq!(created["session"]["type"], "translation");
    let audio: Vec<u8> = (0..24_000u32)
        .flat_map(|n| ((n * 37 % 9000) as i16).to_le_bytes())
        .collect();
    for piece in audio.chunks(9600) {
        let audio = STANDARD.encode(piece);
        client
            .send(json!({"type": "session.input_audio_buffer.append", "audio": audio}))
            .await;
    }
    client.send(json!({"type": "session.close"})).await;
    let mut back = Vec::new();
    let mut types = Vec::new();
    loop {
        let event = client.event().await;
        types.push(event["type"].as_str().unwrap().to_owned());
        match types.last().unwrap().as_str() {
            "session.output_audio.delta" => {
                back.extend(STANDARD.decode(event["delta"].as_str().unwrap()).unwrap())
            }
            "session.closed" => break,
            _ => {}
        }
    }
    assert!(back == audio, "bit for bit");
    for text in [
        "session.input_transcript.delta",
        "session.output_transcript.delta",
    ] {
        assert!(types.iter().any(|one| one == text), "{text}");
    }
    assert_eq!(client.close().await.0, 1000);
    assert!(client.frame().await.is_none());
    let journal = emulator.journal();
    journal
        .wait_for(SOON, |all| all.last().unwrap().what == What::Ended)
        .await
        .unwrap();
    assert_eq!(journal.input_audio(1), audio);
    let (_, refused) = open(&emulator, "/v1/realtime/translations?model=gpt-realtime").await;
    assert_eq!(refused["error"]["code"], "invalid_model");
}

#[tokio::test]
async fn beta_at_the_preview_address() {
    let emulator = fast().script(Script::parrot()).start().await.unwrap();
    let target = "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-4o-realtime-preview";
    let (mut client, created) = open(&emulator, target).await;
    assert_eq!(created["session"]["modalities"], json!(["text", "audio"]));
    assert_eq!(created["session"].get("type"), None);
    assert_eq!(client.event().await["type"], "conversation.created");
    client
        .send(json!({"type": "session.update", "session": {"modalities": ["text"]}}))
        .await;
    assert_eq!(client.event().await["session"]["modalities"], json!(["text"]));
    client
        .send(
            json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "Hello there."}]}}),
        )
        .await;
    assert_eq!(client.event().await["type"], "conversation.item.created");
    client.send(json!({"type": "response.create"})).await;
    let types = client.until("response.done").await;
    assert_eq!(types[..2], ["response.created", "rate_limits.updated"]);
    assert!(types.iter().any(|one| one == "response.text.delta"), "{types:?}");
    assert!(
        !types
            .iter()
            .any(|one| one.contains("output_text") || one == "conversation.item.done")
    );
    client.socket.close(None).await.unwrap();
    let sent = emulator.journal().sent(1);
    assert!(
        sent.iter()
            .any(|message| message.event_type == "response.text.done")
    );
    // A session at the other address of the same resource speaks GA.
    let (_, created) = open(&emulator, "/openai/v1/realtime?model=gpt-realtime").await;
    assert_eq!(created["session"]["type"], "realtime");
}

#[tokio::test]
async fn binary_and_odd_messages_are_errors_everywhere() {
    use futures::SinkExt as _;
    let emulator = fast().start().await.unwrap();
    for target in [
        "/v1/realtime?intent=transcription",
        "/v1/realtime/translations?model=gpt-realtime-translate",
        "/openai/v1/realtime?model=gpt-realtime",
    ] {
        let (mut client, _) = open(&emulator, target).await;
        client.socket.send(Frame::binary(vec![0; 5])).await.unwrap();
        assert_eq!(client.event().await["error"]["code"], "invalid_event", "{target}");
        client.socket.send(Frame::text("{")).await.unwrap();
        assert_eq!(client.event().await["error"]["code"], "invalid_json", "{target}");
        client.send(json!({"type": "nonsense"})).await;
        assert_eq!(client.event().await["error"]["param"], "type", "{target}");
    }
}
