//! What goes wrong on command, over real sockets.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::Duration;

use common::{KEY, TARGET, connect, fast, session};
use futures::StreamExt as _;
use rt_emulator::Fault;
use rt_emulator::fault::{Action, Trigger};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};

#[tokio::test]
async fn each_connection_has_its_own_faults() {
    let emulator = fast()
        .fault(1, Fault::Refuse)
        .fault(2, Fault::status(401))
        .fault(3, Fault::status(429).header("Retry-After", "2").body("slow down"))
        .fault(4, Fault::error("insufficient_quota", 4000))
        .start()
        .await
        .unwrap();
    let refused = connect(&emulator, TARGET, &[KEY]).await.unwrap_err();
    assert!(
        matches!(refused, WsError::Io(_) | WsError::Protocol(_)),
        "{refused:?}"
    );
    let Err(WsError::Http(unauthorized)) = connect(&emulator, TARGET, &[KEY]).await else {
        panic!()
    };
    assert_eq!(unauthorized.status(), 401);
    let Err(WsError::Http(throttled)) = connect(&emulator, TARGET, &[KEY]).await else {
        panic!()
    };
    assert_eq!(throttled.status(), 429);
    assert_eq!(throttled.headers()["retry-after"], "2");
    let mut client = connect(&emulator, TARGET, &[KEY]).await.unwrap();
    assert_eq!(client.event().await["error"]["code"], "insufficient_quota");
    assert_eq!(
        client.close().await,
        (4000, "invalid_request_error.insufficient_quota".to_owned())
    );
    session(&emulator).await;
    assert_eq!(emulator.journal().connects(), 5);
}

#[tokio::test]
async fn sessions_break_on_command() {
    let delta = |count| Trigger::Sent {
        event_type: "response.output_audio.delta".into(),
        count,
    };
    let received = |event_type: &str| Trigger::Received {
        event_type: event_type.to_owned(),
        count: 1,
    };
    let emulator = fast()
        .fault(1, Fault::at(delta(2), Action::Reset))
        .fault(2, Fault::at(delta(1), Action::HangUp))
        .fault(
            3,
            Fault::at(
                Trigger::SentMessages(1),
                Action::Close {
                    code: 1011,
                    reason: "oops".into(),
                },
            ),
        )
        .fault(
            4,
            Fault::at(received("response.create"), Action::Text("{garbage".into())),
        )
        .fault(
            5,
            Fault::at(Trigger::SentMessages(1), Action::Raw(vec![0xff; 32])),
        )
        .fault(
            6,
            Fault::at(Trigger::After(Duration::from_millis(20)), Action::Expire),
        )
        .fault(7, Fault::at(received("response.create"), Action::Stall))
        .start()
        .await
        .unwrap();
    let create = json!({"type": "response.create"});

    for _ in 0..2 {
        let mut client = session(&emulator).await;
        client.send(create.clone()).await;
        let mut deltas = 0;
        let error = loop {
            match client.frame().await {
                Some(Ok(Frame::Text(text))) => deltas += u32::from(text.contains("audio.delta")),
                other => break other,
            }
        };
        assert!(matches!(error, Some(Err(_)) | None), "{error:?}");
        assert!(deltas <= 2, "nothing follows the cut");
    }

    let mut client = session(&emulator).await;
    assert_eq!(client.close().await, (1011, "oops".to_owned()));

    let mut client = session(&emulator).await;
    client.send(create.clone()).await;
    let Some(Ok(Frame::Text(garbage))) = client.frame().await else {
        panic!()
    };
    assert_eq!(garbage.as_str(), "{garbage");
    client.until("response.done").await;

    let mut client = session(&emulator).await;
    assert!(matches!(client.frame().await, Some(Err(WsError::Protocol(_)))));

    let mut client = session(&emulator).await;
    assert_eq!(client.event().await["error"]["code"], "session_expired");
    assert_eq!(
        client.close().await,
        (
            1001,
            "Your session hit the maximum duration of 60 minutes.".to_owned()
        )
    );

    let mut client = session(&emulator).await;
    client.send(create.clone()).await;
    let quiet = timeout(Duration::from_millis(200), client.socket.next()).await;
    assert!(quiet.is_err(), "a stalled session says nothing: {quiet:?}");

    session(&emulator).await;
    emulator.fault(9, Fault::status(503));
    assert!(connect(&emulator, TARGET, &[KEY]).await.is_err());
}

#[tokio::test]
async fn an_open_session_breaks_when_told_to() {
    let emulator = fast().start().await.unwrap();
    let mut first = session(&emulator).await;
    let mut second = session(&emulator).await;
    emulator.act(1, Action::Text("{}".into()));
    emulator.act(1, Action::Reset);
    let Some(Ok(Frame::Text(text))) = first.frame().await else {
        panic!()
    };
    assert_eq!(text.as_str(), "{}");
    assert!(matches!(first.frame().await, Some(Err(_)) | None));
    second.send(json!({"type": "response.create"})).await;
    second.until("response.done").await;
    emulator.act(
        2,
        Action::Close {
            code: 1012,
            reason: String::new(),
        },
    );
    assert_eq!(second.close().await.0, 1012);
}
