//! Servers that speak beta: the program says and hears GA.

use rt_lowlevel::protocol::{ClientEvent, ServerEvent};
use rt_lowlevel::{Connection, ConnectionEvent, Endpoint, ErrorKind, Provider};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::*;

const CREATED: &str = r#"{"type":"session.created","event_id":"e1","session":{"id":"sess_b","object":"realtime.session","modalities":["text","audio"],"voice":"alloy","input_audio_format":"pcm16","output_audio_format":"pcm16","turn_detection":null,"temperature":0.8}}"#;

/// A beta server that greets, hands over what it is sent, and answers each message with a turn.
async fn beta() -> (Server, mpsc::UnboundedReceiver<String>) {
    let (sender, received) = mpsc::unbounded_channel();
    let server = Server::start(move |_, stream: TcpStream| {
        let sender = sender.clone();
        async move {
            let mut ws = Ws::accept(stream).await;
            ws.send(CREATED).await;
            while let Some(text) = ws.text().await {
                sender.send(text).unwrap();
                for text in [
                    r#"{"type":"conversation.item.created","event_id":"e2","previous_item_id":null,"item":{"id":"i1","type":"message","role":"user","status":"completed","content":[{"type":"input_text","text":"Hi"}]}}"#,
                    r#"{"type":"response.audio.delta","event_id":"e3","response_id":"r","item_id":"i2","output_index":0,"content_index":0,"delta":"AQID"}"#,
                    r#"{"type":"response.audio.done","event_id":"e4","response_id":"r","item_id":"i2","output_index":0,"content_index":0}"#,
                ] {
                    ws.send(text).await;
                }
            }
        }
    })
    .await;
    (server, received)
}

async fn turn(mut connection: Connection, received: &mut mpsc::UnboundedReceiver<String>) -> String {
    assert!(matches!(next(&mut connection).await, ConnectionEvent::Opened(opened) if opened.epoch == 1));
    assert_eq!(name(&next(&mut connection).await), "session.created");
    let update = r#"{"type":"session.update","session":{"type":"realtime","output_modalities":["audio"],"reasoning":{"effort":"low"},"audio":{"input":{"turn_detection":null},"output":{"voice":"marin"}}}}"#;
    within(connection.send(ClientEvent::from_json(update).unwrap()))
        .await
        .unwrap();
    let ConnectionEvent::Warning(warning) = next(&mut connection).await else {
        panic!("no warning")
    };
    assert_eq!(warning.path(), "session.reasoning");

    let mut names = Vec::new();
    for _ in 0..4 {
        let event = next(&mut connection).await;
        if let ConnectionEvent::Server(ServerEvent::ResponseOutputAudioDelta(delta)) = &event {
            assert_eq!(delta.delta.len(), 3);
        }
        names.push(name(&event));
    }
    let expected = [
        "conversation.item.added",
        "conversation.item.done",
        "response.output_audio.delta",
        "response.output_audio.done",
    ];
    assert_eq!(names, expected);

    let close = ClientEvent::from_json(r#"{"type":"session.close"}"#).unwrap();
    assert_eq!(
        connection.send(close).await.unwrap_err().kind(),
        ErrorKind::InvalidEvent
    );
    connection.close().await;
    received.recv().await.unwrap()
}

#[tokio::test]
async fn the_first_message_tells_the_dialect_of_an_unknown_server() {
    let (server, mut received) = beta().await;
    assert_eq!(server.endpoint().dialect(), None);
    let connection = within(server.builder().connect()).await.unwrap();
    let sent = turn(connection, &mut received).await;
    // It has an id by now, so that a refusal can be told.
    let mut sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    assert!(sent.as_object_mut().unwrap().remove("event_id").is_some());
    let session =
        serde_json::json!({"modalities": ["text", "audio"], "voice": "marin", "turn_detection": null});
    assert_eq!(
        sent,
        serde_json::json!({"type": "session.update", "session": session})
    );
}

#[tokio::test]
async fn the_address_tells_the_dialect_of_azures_preview() {
    let (server, mut received) = beta().await;
    let endpoint: Endpoint = server.endpoint().with_provider(Provider::AzurePreview);
    let connection = within(builder(endpoint).connect()).await.unwrap();
    let sent = turn(connection, &mut received).await;
    assert!(sent.contains(r#""turn_detection":{"type":"none"}"#), "{sent}");
}

#[tokio::test]
async fn voice_live_takes_16_khz_and_is_not_held_to_the_limits_of_others() {
    let (server, mut received) = beta().await;
    let update = r#"{"type":"session.update","session":{"type":"realtime","audio":{"input":{"format":{"type":"audio/pcm","rate":16000}}}}}"#;
    let update = ClientEvent::from_json(update).unwrap();
    let connection = within(server.builder().connect()).await.unwrap();
    let refused = within(connection.send(update.clone())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidEvent);
    connection.close().await;

    let url = format!("ws://{}/voice-live/realtime?model=m", server.address);
    let connection = within(builder(Endpoint::from_url(&url).unwrap()).connect())
        .await
        .unwrap();
    within(connection.send(update)).await.unwrap();
    let sent: serde_json::Value = serde_json::from_str(&within(received.recv()).await.unwrap()).unwrap();
    assert_eq!(sent["session"]["input_audio_format"], "pcm16");
    assert_eq!(sent["session"]["input_audio_sampling_rate"], 16000);
    connection.close().await;
}
