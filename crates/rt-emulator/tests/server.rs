//! The emulator over real sockets.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::Duration;

use common::{KEY, SOON, TARGET, connect, fast, http, session};
use futures::SinkExt as _;
use rt_emulator::journal::What;
use rt_emulator::{Emulator, Script, Step, Turn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};

#[tokio::test]
async fn refusals_come_after_the_101_and_close_at_once() {
    let emulator = fast().start().await.unwrap();
    for (target, headers, code, close, reason) in [
        (TARGET, vec![], Value::Null, 3000, "invalid_request_error"),
        (
            TARGET,
            vec![("authorization", "Bearer bad")],
            json!("invalid_api_key"),
            3000,
            "invalid_request_error.invalid_api_key",
        ),
        (
            "/v1/realtime?model=gpt-9",
            vec![KEY],
            json!("invalid_model"),
            4000,
            "invalid_request_error.invalid_model",
        ),
        (
            "/v1/realtime",
            vec![KEY],
            json!("missing_model"),
            4000,
            "invalid_request_error.missing_model",
        ),
        (
            TARGET,
            vec![KEY, ("openai-beta", "realtime=v1")],
            json!("beta_api_shape_disabled"),
            4000,
            "invalid_request_error.beta_api_shape_disabled",
        ),
    ] {
        let mut client = connect(&emulator, target, &headers).await.unwrap();
        let event = client.event().await;
        assert_eq!(event["type"], "error");
        assert_eq!(event["error"]["code"], code, "{event}");
        assert_eq!(event["error"]["event_id"], Value::Null);
        assert_eq!(client.close().await, (close, reason.to_owned()));
    }
    assert_eq!(emulator.journal().connects(), 5);
}

#[tokio::test]
async fn browsers_connect_with_a_protocol() {
    let emulator = fast().start().await.unwrap();
    let protocols = ("sec-websocket-protocol", "realtime, openai-insecure-api-key.ek_1");
    let mut client = connect(&emulator, TARGET, &[protocols]).await.unwrap();
    assert_eq!(client.event().await["session"]["model"], "gpt-realtime");
}

#[tokio::test]
async fn a_turn_over_the_socket_and_in_the_journal() {
    let script = Script::default().turn(Turn::default().step(Step::say("Hi.")));
    let emulator = Emulator::builder().script(script).start().await.unwrap();
    let mut client = session(&emulator).await;
    let audio = "AAAA".repeat(300);
    client
        .send(json!({"type": "input_audio_buffer.append", "audio": audio}))
        .await;
    client.send(json!({"type": "response.create"})).await;
    let types = client.until("response.done").await;
    assert_eq!(types[0], "response.created");
    client.socket.send(Frame::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.event().await["error"]["code"], "invalid_event");
    client.socket.close(None).await.unwrap();
    let journal = emulator.journal();
    let entries = journal
        .wait_for(SOON, |all| all.last().unwrap().what == What::Ended)
        .await
        .unwrap();
    assert!(matches!(&entries[0].what, What::Request { path, .. } if path == TARGET));
    assert_eq!(journal.input_audio(1).len(), 900);
    let received: Vec<String> = journal
        .received(1)
        .iter()
        .map(|message| message.event_type.clone())
        .collect();
    assert_eq!(received, ["input_audio_buffer.append", "response.create", ""]);
    let sent: Vec<String> = journal
        .sent(1)
        .iter()
        .map(|message| message.event_type.clone())
        .collect();
    assert_eq!(sent.len(), types.len() + 2);
    assert!(
        !format!("{entries:?}").contains("AAAA"),
        "no audio in what is printed"
    );
    assert!(
        !format!("{entries:?} {emulator:?}").contains("Bearer"),
        "no key either"
    );
}

#[tokio::test]
async fn a_client_that_just_drops_is_sent_no_close() {
    let emulator = fast().start().await.unwrap();
    drop(session(&emulator).await);
    let entries = emulator
        .journal()
        .wait_for(SOON, |all| all.last().unwrap().what == What::Ended)
        .await
        .unwrap();
    let closed = |what: &What| matches!(what, What::CloseSent { .. });
    assert!(!entries.iter().any(|entry| closed(&entry.what)), "{entries:?}");
}

/// The HTTP answer to a request.
async fn answer(emulator: &Emulator, request: &str) -> String {
    let stream = TcpStream::connect(emulator.address()).await.unwrap();
    http(stream, request).await
}

#[tokio::test]
async fn other_requests_get_an_answer() {
    let emulator = fast().start().await.unwrap();
    let health = answer(&emulator, "GET /health HTTP/1.1").await;
    assert!(
        health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with(r#"{"status":"ok"}"#),
        "{health}"
    );
    let lost = answer(&emulator, "GET /v1/models HTTP/1.1").await;
    assert!(
        lost.starts_with("HTTP/1.1 404 ") && lost.contains("Invalid URL (GET /v1/models)"),
        "{lost}"
    );
    let plain = answer(&emulator, "GET /v1/realtime?model=gpt-realtime HTTP/1.1").await;
    assert!(plain.starts_with("HTTP/1.1 400 "), "{plain}");
    let odd = answer(&emulator, "\u{0}\u{1}").await;
    assert!(odd.starts_with("HTTP/1.1 400 "), "{odd}");
    let long = answer(&emulator, &format!("GET /{} HTTP/1.1", "x".repeat(40_000))).await;
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    let call = connect(&emulator, "/v1/realtime?call_id=rtc_1", &[KEY])
        .await
        .unwrap_err();
    assert!(matches!(call, WsError::Http(answer) if answer.status() == 404));
}

#[tokio::test]
async fn pings_and_a_graceful_end() {
    let emulator = fast()
        .ping_every(Duration::from_millis(30))
        .start()
        .await
        .unwrap();
    let mut client = session(&emulator).await;
    let Some(Ok(Frame::Ping(payload))) = client.frame().await else {
        panic!("no ping")
    };
    assert_eq!(payload.len(), 4);
    let end = tokio::spawn(emulator.shutdown());
    loop {
        match client.frame().await {
            Some(Ok(Frame::Close(Some(frame)))) => break assert_eq!(u16::from(frame.code), 1001),
            Some(Ok(Frame::Ping(_))) => {}
            other => panic!("{other:?}"),
        }
    }
    drop(client);
    timeout(SOON, end).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_told() {
    let emulator = fast().start().await.unwrap();
    // A frame without a mask.
    let mut client = session(&emulator).await;
    client
        .socket
        .get_mut()
        .write_all(&[0x81, 0x02, b'{', b'}'])
        .await
        .unwrap();
    assert_eq!(client.close().await.0, 1002);
    // Text that is not UTF-8.
    let mut client = session(&emulator).await;
    client
        .socket
        .get_mut()
        .write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff])
        .await
        .unwrap();
    assert_eq!(client.close().await.0, 1007);
    // A message of 4 GiB, by its own account.
    let mut client = session(&emulator).await;
    let header = [0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    client.socket.get_mut().write_all(&header).await.unwrap();
    assert_eq!(client.close().await.0, 1009);
    session(&emulator).await;
}

#[tokio::test]
async fn random_bytes_do_no_harm() {
    let emulator = fast().start().await.unwrap();
    let mut rng = fastrand::Rng::with_seed(4);
    for round in 0..60 {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        if round % 2 == 0 {
            let head = format!(
                "GET {TARGET} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: Upgrade\r\nUpgrade: \
                 websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
        }
        let bytes: Vec<u8> = (0..rng.usize(1..2000)).map(|_| rng.u8(..)).collect();
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap();
    }
    session(&emulator).await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let emulator = fast().start().await.unwrap();
    let error = fast().listen(emulator.address()).start().await.unwrap_err();
    assert_eq!(error.kind(), rt_emulator::ErrorKind::Listen);
    assert!(
        error.to_string().contains(&emulator.address().to_string()),
        "{error}"
    );
}
