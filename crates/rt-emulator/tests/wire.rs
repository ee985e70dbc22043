//! What goes wrong on the wire: cuts at a byte, stalls, slices, bad frames, odd closes.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use common::{Client, KEY, SOON, TARGET, connect, fast, session};
use futures::{SinkExt as _, StreamExt as _};
use rt_emulator::fault::{Action, BadFrame, Trigger};
use rt_emulator::journal::What;
use rt_emulator::wire::{Cut, Shape};
use rt_emulator::{Emulator, Fault};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};

const MS: Duration = Duration::from_millis(1);

/// A raw handshake; what the server then says, until that is enough or ends.
async fn raw(emulator: &Emulator, is_enough: impl Fn(&[u8]) -> bool) -> (Vec<u8>, TcpStream) {
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    let request = format!(
        "GET {TARGET} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer x\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while !is_enough(&all) {
        match timeout(SOON, stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(length)) => all.extend_from_slice(&buffer[..length]),
            Err(_) => panic!("waited in vain behind {} bytes", all.len()),
        }
    }
    (all, stream)
}

/// What follows the head of the answer.
fn after_head(all: &[u8]) -> Option<&[u8]> {
    let head = all.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(&all[head + 4..])
}

#[tokio::test]
async fn the_stream_is_cut_at_the_byte() {
    // Within the header of a frame, within its payload, and before it.
    for after in [1, 100, 0] {
        let emulator = fast()
            .fault(
                1,
                Fault::at(Trigger::Upgraded, Action::CutSending { after, how: Cut::Fin }),
            )
            .start()
            .await
            .unwrap();
        let (all, _) = raw(&emulator, |_| false).await;
        assert_eq!(after_head(&all).unwrap().len() as u64, after);
        emulator
            .journal()
            .wait_for(SOON, |entries| {
                entries.iter().any(|entry| entry.what == What::Ended)
            })
            .await
            .unwrap();
    }
    let emulator = fast()
        .fault_always(Fault::at(
            Trigger::SentMessages(1),
            Action::CutReceiving {
                after: 20,
                how: Cut::Reset,
            },
        ))
        .start()
        .await
        .unwrap();
    let mut client = session(&emulator).await;
    client.send(json!({"type": "response.create"})).await;
    let end = client.frame().await;
    assert!(
        matches!(end, Some(Err(WsError::Io(_) | WsError::Protocol(_)))),
        "{end:?}"
    );
    assert!(emulator.journal().session(1).commands().is_empty());
}

#[tokio::test]
async fn handshakes_fail_in_every_way() {
    let emulator = fast()
        .fault(1, Fault::status(429).body("slow down").body_after(50 * MS))
        .fault(2, Fault::BadAccept)
        .fault(3, Fault::Answer(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()))
        .fault(4, Fault::NoAnswer)
        .fault(5, Fault::no_session())
        .start()
        .await
        .unwrap();
    // The head comes alone, the body after it.
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    let request = format!("GET {TARGET} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 4096];
    let length = stream.read(&mut first).await.unwrap();
    assert!(first[..length].ends_with(b"\r\n\r\n"));
    let mut body = String::new();
    stream.read_to_string(&mut body).await.unwrap();
    assert_eq!(body, "slow down");

    let refused = connect(&emulator, TARGET, &[KEY]).await.unwrap_err();
    assert!(
        matches!(
            refused,
            WsError::Protocol(ProtocolError::SecWebSocketAcceptKeyMismatch)
        ),
        "{refused:?}"
    );
    assert!(connect(&emulator, TARGET, &[KEY]).await.is_err());
    let mut silent = TcpStream::connect(emulator.address()).await.unwrap();
    silent.write_all(request.as_bytes()).await.unwrap();
    assert!(timeout(100 * MS, silent.read(&mut first)).await.is_err());
    drop(silent);

    let mut client = connect(&emulator, TARGET, &[KEY]).await.unwrap();
    client.socket.send(Frame::Ping("x".into())).await.unwrap();
    assert!(matches!(client.frame().await, Some(Ok(Frame::Pong(_)))));
    assert!(timeout(100 * MS, client.socket.next()).await.is_err());
}

#[tokio::test]
async fn slices_and_drips_change_nothing_but_the_time() {
    let emulator = fast()
        .fault(
            1,
            Fault::at(Trigger::Upgraded, Action::Shape(Shape::default().slice(1))),
        )
        .fault(
            2,
            Fault::at(Trigger::Upgraded, Action::Shape(Shape::default().drip(200, MS))),
        )
        .fault(
            3,
            Fault::at(
                Trigger::Upgraded,
                Action::Shape(Shape::default().delay(20 * MS).jitter(30 * MS)),
            ),
        )
        .start()
        .await
        .unwrap();
    let mut types = Vec::new();
    for _ in 0..4 {
        let start = Instant::now();
        let mut client = session(&emulator).await;
        client
            .send(
                json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
                "content": [{"type": "input_text", "text": "Hello"}]}}),
            )
            .await;
        client
            .send(json!({"type": "response.create", "response": {"output_modalities": ["text"]}}))
            .await;
        types.push((client.until("response.done").await, start.elapsed()));
    }
    let (plain, _) = types.pop().unwrap();
    for (shaped, _) in &types {
        assert_eq!(*shaped, plain);
    }
    assert!(types[2].1 >= 40 * MS, "two ways of 20 ms: {:?}", types[2].1);
}

#[tokio::test]
async fn a_stalled_reader_and_a_stalled_writer_come_back() {
    let emulator = fast().start().await.unwrap();
    let mut client = session(&emulator).await;
    emulator.act(1, Action::StallWriting(100 * MS));
    emulator.act(1, Action::StallReading(100 * MS));
    tokio::time::sleep(20 * MS).await;
    client.send(json!({"type": "response.create"})).await;
    client.until("response.done").await;
    assert_eq!(emulator.journal().session(1).commands().len(), 1);
    emulator.act(1, Action::Stall);
    tokio::time::sleep(20 * MS).await;
    client.send(json!({"type": "response.create"})).await;
    assert!(timeout(100 * MS, client.socket.next()).await.is_err());
    assert_eq!(emulator.journal().session(1).commands().len(), 1);
    // It still obeys.
    emulator.act(1, Action::Reset);
    assert!(matches!(client.frame().await, Some(Err(_)) | None));
}

#[tokio::test]
async fn a_peer_may_live_without_answering_pings() {
    let emulator = fast().start().await.unwrap();
    let mut client = session(&emulator).await;
    client.socket.send(Frame::Ping("one".into())).await.unwrap();
    assert!(matches!(client.frame().await, Some(Ok(Frame::Pong(_)))));
    emulator.act(1, Action::IgnorePings);
    tokio::time::sleep(20 * MS).await;
    client.socket.send(Frame::Ping("two".into())).await.unwrap();
    client.send(json!({"type": "response.create"})).await;
    loop {
        match client.frame().await {
            Some(Ok(Frame::Text(text))) if text.contains("\"response.done\"") => break,
            Some(Ok(Frame::Text(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn after_action(action: Action) -> (Client, Emulator) {
    let emulator = fast()
        .fault(1, Fault::at(Trigger::SentMessages(1), action))
        .start()
        .await
        .unwrap();
    (session(&emulator).await, emulator)
}

#[tokio::test]
async fn bad_frames_break_the_protocol() {
    for frame in [
        BadFrame::Garbage,
        BadFrame::Masked,
        BadFrame::Rsv,
        BadFrame::ReservedOpcode,
        BadFrame::BadUtf8,
        BadFrame::Continuation,
        BadFrame::Interleaved,
        BadFrame::FragmentedPing,
        BadFrame::LongPing,
        BadFrame::OneByteClose,
        BadFrame::BadUtf8Close,
        BadFrame::LongClose,
    ] {
        let (mut client, _emulator) = after_action(Action::Frame(frame)).await;
        let broken = client.frame().await;
        assert!(
            matches!(broken, Some(Err(WsError::Protocol(_) | WsError::Utf8(_)))),
            "{frame:?}: {broken:?}"
        );
    }
    let (mut client, _emulator) = after_action(Action::Claim(1 << 62)).await;
    let broken = client.frame().await;
    assert!(
        matches!(
            broken,
            Some(Err(WsError::Capacity(CapacityError::MessageTooLong { .. })))
        ),
        "{broken:?}"
    );
    let (mut client, _emulator) = after_action(Action::Fragments { count: 300, size: 1 }).await;
    let Some(Ok(Frame::Text(text))) = client.frame().await else {
        panic!()
    };
    assert_eq!(text.len(), 300);
    let (mut client, _emulator) = after_action(Action::Pings(2500)).await;
    for _ in 0..2500 {
        assert!(matches!(client.frame().await, Some(Ok(Frame::Ping(_)))));
    }
}

#[tokio::test]
async fn every_close_code_is_sent_as_it_is() {
    for code in [
        999, 1000, 1001, 1004, 1011, 1012, 1013, 1014, 1015, 3000, 4999, 5000,
    ] {
        let emulator = fast()
            .fault(1, Fault::at(Trigger::SentMessages(1), Action::close(code, "why")))
            .start()
            .await
            .unwrap();
        let [high, low] = code.to_be_bytes();
        let close = [0x88, 5, high, low, b'w', b'h', b'y'];
        let (all, _) = raw(&emulator, |all| all.ends_with(&close)).await;
        assert!(all.ends_with(&close), "{code}");
    }
    let (mut client, _emulator) = after_action(Action::CloseWithoutCode).await;
    assert!(matches!(client.frame().await, Some(Ok(Frame::Close(None)))));
}

#[tokio::test]
async fn events_come_twice_and_in_the_wrong_order() {
    let emulator = fast()
        .fault(
            1,
            Fault::at(Trigger::sent("conversation.item.added", 1), Action::Repeat),
        )
        .fault(2, Fault::at(Trigger::SentMessages(1), Action::Swap))
        .start()
        .await
        .unwrap();
    let create = json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user",
        "content": [{"type": "input_text", "text": "Hello"}]}});
    let mut client = session(&emulator).await;
    client.send(create.clone()).await;
    let (first, second) = (client.event().await, client.event().await);
    assert_eq!(first, second);
    assert_eq!(client.event().await["type"], "conversation.item.done");
    let mut client = session(&emulator).await;
    client.send(create).await;
    assert_eq!(client.event().await["type"], "conversation.item.done");
    assert_eq!(client.event().await["type"], "conversation.item.added");
}

#[tokio::test]
async fn an_item_is_refused_by_its_id() {
    let emulator = fast().fault(1, Fault::refuse_item("two")).start().await.unwrap();
    let mut client = session(&emulator).await;
    for id in ["one", "two", "three"] {
        client
            .send(json!({"type": "conversation.item.create", "event_id": id, "item": {"id": id, "type": "message",
                "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}}))
            .await;
    }
    let error = loop {
        let event = client.event().await;
        if event["type"] == "error" {
            break event;
        }
    };
    assert_eq!(error["error"]["event_id"], "two");
    client.until("conversation.item.done").await;
    let record = emulator.journal().session(1);
    assert_eq!(record.item_ids(), ["one", "three"]);
    assert_eq!(record.commands()[1].refused.as_deref(), Some("invalid_value"));
}

#[tokio::test]
async fn the_end_of_a_call_closes_its_sideband() {
    let emulator = fast().start().await.unwrap();
    let id = emulator.ring();
    let post = async |path: &str, body: &str| {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    post(
        &format!("/v1/realtime/calls/{id}/accept"),
        r#"{"type":"realtime"}"#,
    )
    .await;
    let mut other = session(&emulator).await;
    let mut client = connect(&emulator, &format!("/v1/realtime?call_id={id}"), &[KEY])
        .await
        .unwrap();
    assert_eq!(client.event().await["type"], "session.created");
    post(&format!("/v1/realtime/calls/{id}/hangup"), "").await;
    assert_eq!(client.close().await.0, 1000);
    other.send(json!({"type": "response.create"})).await;
    other.until("response.done").await;
}

#[tokio::test]
async fn waits_without_end_are_just_that() {
    let endless = [
        Shape::default().delay(Duration::MAX).jitter(Duration::MAX),
        Shape::default().drip(1, Duration::MAX),
    ];
    for shape in endless {
        let emulator = fast()
            .fault(1, Fault::at(Trigger::Upgraded, Action::Shape(shape)))
            .start()
            .await
            .unwrap();
        let (mut all, mut stream) = raw(&emulator, |all| after_head(all).is_some()).await;
        let mut buffer = [0; 64];
        while let Ok(Ok(length @ 1..)) = timeout(300 * MS, stream.read(&mut buffer)).await {
            all.extend_from_slice(&buffer[..length]);
        }
        assert!(after_head(&all).unwrap().len() <= 1);
    }
    let emulator = fast()
        .fault(
            1,
            Fault::at(Trigger::Upgraded, Action::StallReading(Duration::MAX)),
        )
        .start()
        .await
        .unwrap();
    let (_, _stream) = raw(&emulator, |all| {
        after_head(all).is_some_and(|rest| !rest.is_empty())
    })
    .await;
}
