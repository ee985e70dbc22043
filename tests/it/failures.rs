//! What goes wrong, one test each: how it is classified, how many connects it takes, what the error says.

use std::time::{Duration, Instant};

use rt_emulator::fault::{Action, Trigger};
use rt_emulator::{Emulator, Fault};
use rt_lowlevel::{Connection, ConnectionEvent, Credentials, Endpoint, ErrorKind, State, TrySendErrorKind};
use rt_protocol::client_event::{ConversationItemCreate, SessionUpdate};
use rt_protocol::{ClientEvent, Item, RealtimeSession, ServerEvent};

use crate::support::{Server, key, next, quick, respond, say, send, speech, until, until_closed};

#[tokio::test]
async fn a_bad_key_is_final_although_the_server_says_so_after_the_upgrade() {
    let server = Server::start(Emulator::builder().key("good")).await;
    let bad = Credentials::api_key("sk-wrong-canary").unwrap();
    let error = Connection::builder(server.endpoint(), bad)
        .config(quick())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(!error.is_retryable());
    assert_eq!(error.code(), Some("invalid_api_key"));
    assert!(error.to_string().contains("key"), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn an_unknown_model_is_final() {
    let server = Server::start(Emulator::builder()).await;
    let error = Connection::builder(server.endpoint_for("gpt-nonsense"), key())
        .config(quick())
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(!error.is_retryable());
    assert_eq!(error.code(), Some("invalid_model"));
    assert!(error.to_string().contains("model"), "{error}");
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn a_refused_port_is_tried_again_as_often_as_allowed() {
    // A port that is taken, so that no other test gets it, and on which nobody listens.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let endpoint =
        Endpoint::from_url(&format!("ws://127.0.0.1:{port}/v1/realtime?model=gpt-realtime")).unwrap();
    let mut config = quick();
    config.retry.max_attempts = 4;
    let error = Connection::builder(endpoint, key())
        .config(config)
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tcp, "{error}");
    assert!(error.is_retryable());
    assert_eq!(error.attempts(), Some(4));
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn a_401_is_final() {
    let fault = Fault::status(401).body(r#"{"error":{"message":"Access denied.","code":"401"}}"#);
    let server = Server::start(Emulator::builder().fault_always(fault)).await;
    let error = server.connect().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::Unauthorized, Some(401)),
        "{error}"
    );
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("401"), "{error}");
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn a_429_is_tried_again_when_the_server_says() {
    let wait = Duration::from_secs(1);
    let server = Server::start(Emulator::builder().fault(
        1,
        Fault::status(429).header("Retry-After", wait.as_secs().to_string()),
    ))
    .await;
    let started = Instant::now();
    let mut connection = server.connect().await.unwrap();
    assert!(started.elapsed() >= wait, "{:?}", started.elapsed());
    let ConnectionEvent::Retrying(retrying) = next(&mut connection).await else {
        panic!("no retry was told")
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::RateLimited);
    assert!(retrying.cause.to_string().contains("429"), "{}", retrying.cause);
    assert_eq!(retrying.cause.http_status(), Some(429));
    assert_eq!(retrying.cause.retry_after(), Some(wait));
    assert!(retrying.delay >= wait, "{:?}", retrying.delay);
    assert_eq!(server.connects(), 2);
    connection.close().await;
}

#[tokio::test]
async fn a_drop_in_mid_turn_is_told_and_mended() {
    let cut = Fault::at(
        Trigger::Sent {
            event_type: "response.output_audio.delta".into(),
            count: 3,
        },
        Action::Reset,
    );
    let server = Server::start(Emulator::builder().fault(1, cut)).await;
    let mut connection = server.connect().await.unwrap();
    say(&connection, &speech("question.wav")).await;

    let (mut epochs, mut causes) = (Vec::new(), Vec::new());
    while epochs.len() < 2 {
        match next(&mut connection).await {
            ConnectionEvent::Opened(opened) => epochs.push(opened.epoch),
            ConnectionEvent::Retrying(retrying) => causes.push(retrying.cause),
            ConnectionEvent::Closed(closed) => panic!("{closed:?}"),
            _ => {}
        }
    }
    assert_eq!(epochs, [1, 2]);
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(causes[0].kind(), ErrorKind::ConnectionLost);
    assert!(causes[0].is_retryable());
    assert!(causes[0].to_string().contains("connection"), "{}", causes[0]);
    assert_eq!(server.connects(), 2);

    // The new session works.
    send(
        &connection,
        ConversationItemCreate {
            item: Item::user_text("Still there?"),
            ..Default::default()
        },
    )
    .await;
    respond(&connection).await;
    let events = until(&mut connection, "response.done").await;
    let Some(ServerEvent::ResponseDone(_)) = events.last() else {
        unreachable!()
    };
    assert_eq!(*connection.state().borrow(), State::Connected);
    connection.close().await;
    let ended = until_closed(&mut connection).await;
    assert!(
        matches!(ended.last(), Some(ConnectionEvent::Closed(closed)) if closed.error.is_none()),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_garbage_message_is_an_event_and_the_session_goes_on() {
    let garbage = "{\"type\":\"response.done\",\"response\":\"canary\"}";
    for (text, event_type) in [("not JSON: canary", None), (garbage, Some("response.done"))] {
        let fault = Fault::at(Trigger::SentMessages(1), Action::Text(text.into()));
        let server = Server::start(Emulator::builder().fault(1, fault)).await;
        let mut connection = server.connect().await.unwrap();
        let error = loop {
            if let ConnectionEvent::Malformed(error) = next(&mut connection).await {
                break error;
            }
        };
        assert_eq!((error.event_type(), error.raw()), (event_type, text));
        assert!(!error.to_string().contains("canary"), "{error}");

        send(
            &connection,
            ConversationItemCreate {
                item: Item::user_text("Go on."),
                ..Default::default()
            },
        )
        .await;
        respond(&connection).await;
        until(&mut connection, "response.done").await;
        assert_eq!(server.connects(), 1);
        connection.close().await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_frame_are_a_new_connection() {
    // A reserved opcode with reserved bits.
    let fault = Fault::at(Trigger::SentMessages(1), Action::Raw(vec![0xff, 0x03, 1, 2, 3]));
    let server = Server::start(Emulator::builder().fault(1, fault)).await;
    let mut connection = server.connect().await.unwrap();
    let cause = loop {
        if let ConnectionEvent::Retrying(retrying) = next(&mut connection).await {
            break retrying.cause;
        }
    };
    assert_eq!(cause.kind(), ErrorKind::Protocol, "{cause}");
    assert!(cause.is_retryable());
    assert!(cause.to_string().contains("WebSocket"), "{cause}");
    until(&mut connection, "session.created").await;
    assert_eq!(server.connects(), 2);
    connection.close().await;
}

#[tokio::test]
async fn an_event_beyond_a_documented_limit_is_refused_before_it_is_sent() {
    let server = Server::start(Emulator::builder()).await;
    let mut session = RealtimeSession::default();
    session.audio.or_default().output.or_default().speed = 2.0.into();
    let update = ClientEvent::from(SessionUpdate {
        session: session.into(),
        ..Default::default()
    });

    let connection = server.connect().await.unwrap();
    let error = connection.send(update.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    assert!(
        error
            .to_string()
            .contains("session.audio.output.speed is 2: allowed is 0.25 to 1.5"),
        "{error}"
    );
    let refused = connection.handle().try_send(update.clone()).unwrap_err();
    assert_eq!(refused.kind(), TrySendErrorKind::Invalid);
    assert_eq!(refused.into_inner(), update);
    connection.close().await;
    assert!(server.emulator.journal().received(1).is_empty());

    // Not strict: the server decides.
    let mut config = quick();
    config.strict = false;
    let mut connection = Connection::builder(server.endpoint(), key())
        .config(config)
        .connect()
        .await
        .unwrap();
    send(&connection, update).await;
    let events = until(&mut connection, "error").await;
    let Some(ServerEvent::Error(event)) = events.last() else {
        unreachable!()
    };
    assert_eq!(event.error.param.as_deref(), Some("session.audio.output.speed"));
    connection.close().await;
}
