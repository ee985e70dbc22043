//! What happens after the upgrade: sessions, error events, closes, drops.

use std::time::{Duration, Instant};

use rt_lowlevel::event::{CloseInitiator, RestoreCause};
use rt_lowlevel::fate::{DiscardReason, Fate};
use rt_lowlevel::{ConnectionEvent, ErrorKind, State};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::support::*;

#[tokio::test]
async fn f25_a_bad_key_that_is_told_after_the_upgrade_costs_one_connect() {
    let server = Server::start(|_, stream| async move {
        let mut ws = Ws::accept(stream).await;
        ws.send(&error("invalid_api_key")).await;
        ws.close(3000, "invalid_request_error.invalid_api_key").await;
        ws.drain().await;
    })
    .await;
    let error = within(server.builder().connect()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Unauthorized, Some("invalid_api_key"))
    );
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn f25_a_close_alone_says_it_too() {
    for (code, reason, kind) in [
        (
            3000,
            "invalid_request_error.invalid_api_key",
            ErrorKind::Unauthorized,
        ),
        (4000, "invalid_request_error.invalid_model", ErrorKind::NotFound),
        (1008, "policy", ErrorKind::ClosedByServer),
    ] {
        let server = Server::start(move |_, stream| async move {
            let mut ws = Ws::accept(stream).await;
            ws.close(code, reason).await;
            ws.drain().await;
        })
        .await;
        let error = within(server.builder().connect()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.close_code(), error.close_reason()),
            (kind, Some(code), Some(reason))
        );
        assert_eq!(server.connects(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f24_an_empty_account_that_is_told_in_a_session_costs_one_connect() {
    let server = Server::sessions(|_, mut ws| async move {
        ws.send(&error("insufficient_quota")).await;
        ws.close(1011, "").await;
        ws.drain().await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let events = all(&mut connection).await;
    assert_eq!(names(&events), ["opened 1", "session.created", "error", "closed"]);
    let error = cause(&events);
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Quota, Some(1011)));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn f26_a_flapping_server_is_left_alone_after_eight() {
    let server = Server::sessions(|_, mut ws| async move {
        ws.close(1011, "").await;
        ws.drain().await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let events = all(&mut connection).await;
    assert_eq!(server.connects(), 8);
    let error = cause(&events);
    assert_eq!((error.close_code(), error.attempts()), (Some(1011), Some(8)));
}

#[tokio::test]
async fn f23_an_upgrade_without_a_session_is_a_failed_attempt() {
    let server = Server::start(|number, stream| async move {
        let mut ws = Ws::accept(stream).await;
        if number == 2 {
            ws.created(number).await;
        }
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    config.timeouts.session_created = Duration::from_millis(100);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let ConnectionEvent::Retrying(retrying) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::Handshake);
    assert_eq!(server.connects(), 2);
}

#[tokio::test]
async fn f22_frames_in_the_packet_of_the_upgrade_are_not_lost() {
    let server = Server::start(|number, mut stream| async move {
        let request = request(&mut stream).await;
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .unwrap();
        let mut bytes = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        )
        .into_bytes();
        for text in [created(number).as_str(), NEWS] {
            let len = u8::try_from(text.len()).unwrap();
            if len < 126 {
                bytes.extend([0x81, len]);
            } else {
                bytes.extend([0x81, 126, 0, len]);
            }
            bytes.extend(text.as_bytes());
        }
        stream.write_all(&bytes).await.unwrap();
        Ws(tokio_tungstenite::WebSocketStream::from_raw_socket(
            stream,
            tungstenite::protocol::Role::Server,
            None,
        )
        .await)
        .drain()
        .await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    for expected in ["opened 1", "session.created", "input_audio_buffer.cleared"] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
}

/// How a server leaves.
#[derive(Clone, Copy)]
enum End {
    Fin,
    Reset,
    Close(u16),
    /// A close frame without a code.
    CloseWithout,
}

/// After such an end there is a new session, and what was sent meanwhile goes there.
async fn comes_back_after(end: End) {
    let server = Server::sessions(move |number, mut ws| async move {
        if number == 1 {
            ws.send(NEWS).await;
            // Until the client has it: a reset throws away what is unread.
            ws.text().await;
            match end {
                End::Fin => drop(ws.0.into_inner()),
                End::Reset => {
                    let stream = ws.0.into_inner();
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                }
                End::Close(code) => {
                    ws.close(code, "said").await;
                    ws.drain().await;
                }
                End::CloseWithout => {
                    ws.0.close(None).await.unwrap();
                    ws.drain().await;
                }
            }
            return;
        }
        while let Some(text) = ws.text().await {
            ws.send(&format!(r#"{{"type":"echo.{}"}}"#, tag(&text))).await;
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    for expected in ["opened 1", "session.created", "input_audio_buffer.cleared"] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
    let sent = connection.send(message("go")).await.unwrap();
    let ConnectionEvent::Settled(settled) = next(&mut connection).await else {
        panic!()
    };
    let lost = Fate::Discarded(DiscardReason::ConnectionLost);
    assert_eq!((settled.first, settled.fate), (sent, lost));
    let retrying = loop {
        match next(&mut connection).await {
            ConnectionEvent::Retrying(retrying) => break retrying,
            ConnectionEvent::Server(event) => panic!("{}", event.event_type()),
            _ => {}
        }
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::ConnectionLost);
    assert_eq!(retrying.cause.session_id(), Some("sess_1"));
    match end {
        End::Close(code) => {
            assert_eq!(
                (retrying.cause.close_code(), retrying.cause.close_reason()),
                (Some(code), Some("said"))
            );
        }
        End::CloseWithout => assert_eq!(retrying.cause.close_code(), Some(1005)),
        End::Fin | End::Reset => assert_eq!(retrying.cause.close_code(), None),
    }
    // Sent while there may be no connection: it waits.
    connection.send(message("waited")).await.unwrap();
    let ConnectionEvent::Opened(opened) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!((opened.epoch, opened.session_id.as_deref()), (2, Some("sess_2")));
    assert_eq!(name(&next(&mut connection).await), "session.created");
    let ConnectionEvent::Restored(restored) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!((restored.epoch, restored.restored, restored.discarded), (2, 0, 1));
    assert!(matches!(restored.cause, RestoreCause::ConnectionLost(_)));
    assert_eq!(name(&next(&mut connection).await), "echo.waited");
    assert_eq!(*connection.state().borrow(), State::Connected);
    assert_eq!(server.connects(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_a_close_that_may_pass_is_followed_by_a_new_session() {
    for code in [1001, 1011, 1012, 1013] {
        comes_back_after(End::Close(code)).await;
    }
    comes_back_after(End::CloseWithout).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f34_an_end_without_a_close_is_followed_by_a_new_session() {
    comes_back_after(End::Fin).await;
    comes_back_after(End::Reset).await;
}

#[tokio::test]
async fn f27_an_expired_session_is_replaced_at_once() {
    let server = Server::sessions(|number, mut ws| async move {
        if number == 1 {
            ws.send(NEWS).await;
            tokio::time::sleep(Duration::from_millis(60)).await;
            ws.send(&error("session_expired")).await;
            ws.close(1001, "Your session hit the maximum duration of 60 minutes.")
                .await;
        }
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    config.retry.base = Duration::from_secs(100);
    config.retry.cap = Duration::from_secs(100);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let begin = Instant::now();
    for expected in [
        "opened 1",
        "session.created",
        "input_audio_buffer.cleared",
        "error",
        "retrying 1",
        "opened 2",
    ] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn f29_a_normal_close_unasked_is_the_end() {
    let server = Server::sessions(|_, mut ws| async move {
        ws.close(1000, "bye").await;
        ws.drain().await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let events = all(&mut connection).await;
    let Some(ConnectionEvent::Closed(closed)) = events.last() else {
        panic!()
    };
    assert_eq!(closed.by, CloseInitiator::Peer);
    assert_eq!(cause(&events).kind(), ErrorKind::ClosedByServer);
    let refused = connection.send(message("late")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
    assert_eq!(server.connects(), 1);
}

/// How often a server is connected to that greets each time, and then writes these bytes and nothing more.
async fn connects_to_one_that_writes(bytes: Vec<u8>) -> (usize, Vec<ConnectionEvent>) {
    let server = Server::sessions(move |_, ws| {
        let bytes = bytes.clone();
        async move {
            let mut stream = ws.0.into_inner();
            stream.write_all(&bytes).await.unwrap();
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let events = all(&mut connection).await;
    (server.connects(), events)
}

#[tokio::test]
async fn f30_closes_that_would_come_again_are_final() {
    for code in [1002u16, 1003, 1007, 1008, 1010] {
        let [high, low] = code.to_be_bytes();
        let (connects, events) =
            connects_to_one_that_writes(vec![0x88, 5, high, low, b'w', b'h', b'y']).await;
        let error = cause(&events);
        assert_eq!(
            (connects, error.close_code(), error.close_reason()),
            (1, Some(code), Some("why"))
        );
        assert_eq!(error.kind(), ErrorKind::ClosedByServer);
    }
}

#[tokio::test]
async fn f31_closes_with_codes_that_nobody_may_send_are_forgiven_twice() {
    for code in [1014u16, 999, 1006, 2999, 5000] {
        let [high, low] = code.to_be_bytes();
        let (connects, events) = connects_to_one_that_writes(vec![0x88, 2, high, low]).await;
        assert_eq!(
            (connects, cause(&events).close_code()),
            (3, Some(code)),
            "{:?}",
            names(&events)
        );
    }
}

#[tokio::test]
async fn f32_a_message_that_is_too_large_is_named_and_not_sent_again() {
    let server = Server::sessions(|number, mut ws| async move {
        if number == 1 {
            ws.text().await;
            ws.text().await;
            ws.close(1009, "too big").await;
        }
        // Nothing that it could have meant is left.
        if number == 2 {
            ws.close(1009, "too big").await;
        }
        ws.drain().await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    connection.send(message("small")).await.unwrap();
    let big = connection.send(message(&"big".repeat(100))).await.unwrap();
    let events = all(&mut connection).await;
    let too_large = Fate::Discarded(DiscardReason::TooLarge);
    let is_big = |event: &ConnectionEvent| matches!(event, ConnectionEvent::Settled(settled) if settled.first == big && settled.fate == too_large);
    assert!(events.iter().any(is_big), "{events:?}");
    let retrying = events.iter().find_map(|event| match event {
        ConnectionEvent::Retrying(retrying) => Some(&retrying.cause),
        _ => None,
    });
    let named = retrying.unwrap();
    assert_eq!(
        (named.kind(), named.close_code()),
        (ErrorKind::MessageTooLarge, Some(1009))
    );
    assert!(named.to_string().contains("bytes"), "{named}");
    let error = cause(&events);
    assert_eq!(
        (error.kind(), error.close_code(), server.connects()),
        (ErrorKind::MessageTooLarge, Some(1009), 2)
    );
}

#[tokio::test]
async fn f33_closes_that_are_none_are_forgiven_twice() {
    let mut long = vec![0x88, 126, 0, 202, 3, 232];
    long.extend([b'x'; 200]);
    for bytes in [vec![0x88, 1, 3], vec![0x88, 3, 3, 232, 0xff], long] {
        let (connects, events) = connects_to_one_that_writes(bytes).await;
        assert_eq!((connects, cause(&events).kind()), (3, ErrorKind::Protocol));
    }
}

#[tokio::test]
async fn f35_an_end_inside_a_frame_is_a_lost_connection_and_no_event() {
    let text = br#"{"type":"cut"}"#;
    let mut whole = vec![0x81, u8::try_from(text.len()).unwrap()];
    whole.extend(text);
    for cut in [1, 2, 5, whole.len() - 1] {
        let bytes = whole[..cut].to_vec();
        let server = Server::sessions(move |number, ws| {
            let bytes = bytes.clone();
            async move {
                if number > 1 {
                    let mut ws = ws;
                    return ws.drain().await;
                }
                let mut stream = ws.0.into_inner();
                stream.write_all(&bytes).await.unwrap();
                stream.shutdown().await.unwrap();
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            }
        })
        .await;
        let mut connection = within(server.builder().connect()).await.unwrap();
        for expected in ["opened 1", "session.created"] {
            assert_eq!(name(&next(&mut connection).await), expected);
        }
        let ConnectionEvent::Retrying(retrying) = next(&mut connection).await else {
            panic!("cut at {cut}")
        };
        assert_eq!(retrying.cause.kind(), ErrorKind::ConnectionLost);
        assert_eq!(name(&next(&mut connection).await), "opened 2");
    }
}

#[tokio::test]
async fn f53_frames_that_break_the_protocol_are_forgiven_twice() {
    // Masked by a server; a reserved bit; a reserved opcode; text that is not UTF-8; text within a binary message.
    let frames: [&[u8]; 5] = [
        &[0x81, 0x81, 1, 2, 3, 4, b'x'],
        &[0xc1, 1, b'x'],
        &[0x83, 0],
        &[0x81, 1, 0xff],
        &[0x02, 1, b'x', 0x81, 1, b'y'],
    ];
    for frame in frames {
        let (connects, events) = connects_to_one_that_writes(frame.to_vec()).await;
        assert_eq!(
            (connects, cause(&events).kind()),
            (3, ErrorKind::Protocol),
            "{frame:x?}: {:?}",
            names(&events)
        );
    }
}

#[tokio::test]
async fn deadlines_without_end_are_no_deadlines() {
    let server = Server::sessions(|number, mut ws| async move {
        if number == 1 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            return ws.close(1011, "").await;
        }
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    let timeouts = &mut config.timeouts;
    for limit in [
        &mut timeouts.dns,
        &mut timeouts.tcp,
        &mut timeouts.stagger,
        &mut timeouts.tls,
        &mut timeouts.upgrade,
        &mut timeouts.refusal_body,
        &mut timeouts.attempt,
        &mut timeouts.session_created,
        &mut timeouts.close,
        &mut config.liveness.ping_timeout,
        &mut config.liveness.write_stall,
        &mut config.liveness.tcp_user_timeout,
        &mut config.retry.max_downtime,
        &mut config.retry.healthy_after,
    ] {
        *limit = Duration::MAX;
    }
    config.liveness.ping_interval = Duration::from_millis(10);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    for expected in ["opened 1", "session.created", "retrying 2", "opened 2"] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
    within(connection.close()).await;
}
