//! What goes over an open connection, and how it ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::{FutureExt, SinkExt, StreamExt};
use rt_lowlevel::config::AudioPolicy;
use rt_lowlevel::fate::{DiscardReason, Fate};
use rt_lowlevel::protocol::{ClientEvent, DecodeErrorKind};
use rt_lowlevel::{ConnectionEvent, ErrorKind, State, TrySendErrorKind};
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

#[tokio::test]
async fn f54_what_is_not_understood_does_not_end_the_session() {
    let server = Server::sessions(|_, mut ws| async move {
        for text in [
            "{garbage",
            r#"{"type":"response.output_text.delta","delta":7}"#,
            r#"{"type":"session.hummed","tune":7}"#,
            NEWS,
        ] {
            ws.send(text).await;
        }
        ws.drain().await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    next(&mut connection).await;
    next(&mut connection).await;
    let ConnectionEvent::Malformed(garbage) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(garbage.raw(), "{garbage");
    let _: DecodeErrorKind = garbage.kind();
    let ConnectionEvent::Malformed(wrong) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(wrong.event_type(), Some("response.output_text.delta"));
    assert_eq!(name(&next(&mut connection).await), "session.hummed");
    assert_eq!(name(&next(&mut connection).await), "input_audio_buffer.cleared");
    assert_eq!(*connection.state().borrow(), State::Connected);
}

#[tokio::test]
async fn f50_a_message_beyond_the_limit_is_final() {
    let (sender, mut closes) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::sessions(move |_, mut ws| {
        let sender = sender.clone();
        async move {
            ws.send(&format!(r#"{{"type":"big","x":"{}"}}"#, "x".repeat(5000)))
                .await;
            if let Some(Ok(Message::Close(Some(frame)))) = ws.0.next().await {
                sender.send(u16::from(frame.code)).unwrap();
            }
        }
    })
    .await;
    let mut config = quick();
    config.limits.message = 4096;
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let long = format!(
        r#"{{"type":"session.update","session":{{"type":"realtime","instructions":"{}"}}}}"#,
        "x".repeat(5000)
    );
    let refused = connection
        .handle()
        .try_send(ClientEvent::from_json(&long).unwrap())
        .unwrap_err();
    assert_eq!(refused.kind(), TrySendErrorKind::TooLarge);
    let events = all(&mut connection).await;
    let error = cause(&events);
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
    assert!(error.to_string().contains("4096"), "{error}");
    assert_eq!(within(closes.recv()).await, Some(1009));
    assert_eq!(server.connects(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_in_a_storm_keep_the_order_and_repeat_nothing() {
    const KILLS: usize = 30;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::sessions(move |number, mut ws| {
        let log = Arc::clone(&log);
        async move {
            ws.send(NEWS).await;
            // Each connection takes a few, and is then cut off in one way or another.
            let mut left = if number > KILLS {
                usize::MAX
            } else {
                number % 7 + 1
            };
            while left > 0 {
                let Some(text) = ws.text().await else { return };
                log.lock().unwrap().push(tag(&text).parse::<usize>().unwrap());
                left -= 1;
            }
            if number % 2 == 0 {
                let stream = ws.0.into_inner();
                socket2::SockRef::from(&stream)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
            }
        }
    })
    .await;
    let mut config = quick();
    config.retry.healthy_after = Duration::ZERO;
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let handle = connection.handle().clone();
    let connects = server.connects.clone();
    let sender = tokio::spawn(async move {
        let mut sent = 0;
        while connects.load(Ordering::SeqCst) <= KILLS {
            handle.send(message(&sent.to_string())).await.unwrap();
            sent += 1;
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        // The last connection is being made. Closing before it has a session would leave what waits unsent.
        handle
            .state()
            .wait_for(|state| *state == State::Connected)
            .await
            .unwrap();
        handle.send(message(&sent.to_string())).await.unwrap();
        handle.close().await;
        sent
    });
    let mut epochs = Vec::new();
    while let Some(event) = within(connection.recv()).await {
        match event {
            ConnectionEvent::Opened(opened) => epochs.push(opened.epoch),
            ConnectionEvent::Closed(closed) => assert!(closed.error.is_none(), "{closed:?}"),
            _ => {}
        }
    }
    let last = within(sender).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
    assert_eq!(seen.last(), Some(&last));
    assert!(epochs.iter().copied().eq(1..=epochs.len() as u64), "{epochs:?}");
    assert!(epochs.len() > KILLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pings_are_answered_while_the_consumer_sleeps() {
    let pongs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&pongs);
    let server = Server::sessions(move |_, ws| {
        let counter = Arc::clone(&counter);
        async move {
            let (mut sink, mut stream) = ws.0.split();
            // More than the client's queue takes, then pings.
            for _ in 0..3 {
                sink.send(Message::text(NEWS)).await.unwrap();
            }
            for round in 0..20u8 {
                sink.send(Message::Ping(vec![round].into())).await.unwrap();
                loop {
                    match stream.next().await {
                        Some(Ok(Message::Pong(payload))) => {
                            assert_eq!(payload.as_ref(), [round]);
                            break;
                        }
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    }
                }
                counter.fetch_add(1, Ordering::SeqCst);
            }
            sink.send(Message::text(NEWS)).await.unwrap();
            while let Some(Ok(_)) = stream.next().await {}
        }
    })
    .await;
    let mut config = quick();
    // Room for exactly what comes before the pings: `session.created` and three events.
    config.limits.events = 4;
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    within(async {
        while pongs.load(Ordering::SeqCst) < 20 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    // Nothing was lost meanwhile.
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(name(&next(&mut connection).await));
    }
    assert_eq!(seen[..2], ["opened 1", "session.created"]);
    assert!(
        seen[2..].iter().all(|name| name == "input_audio_buffer.cleared"),
        "{seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_slows_the_server_and_loses_nothing() {
    const COUNT: usize = 3000;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let server = Server::sessions(move |_, mut ws| {
        let counter = Arc::clone(&counter);
        async move {
            for index in 0..COUNT {
                let text = format!(r#"{{"type":"n.{index}","x":"{}"}}"#, "x".repeat(10_000));
                ws.0.send(Message::text(text)).await.unwrap();
                counter.fetch_add(1, Ordering::SeqCst);
            }
            ws.drain().await;
        }
    })
    .await;
    let mut config = quick();
    config.limits.events = 8;
    config.limits.event_bytes = 64 << 10;
    // Quick to die, if being paused were not taken into account.
    config.liveness.ping_interval = Duration::from_millis(50);
    config.liveness.ping_timeout = Duration::from_millis(300);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1000)).await;
    assert!(
        sent.load(Ordering::SeqCst) < COUNT,
        "30 MB do not fit into the buffers of a socket"
    );
    next(&mut connection).await;
    next(&mut connection).await;
    for index in 0..COUNT {
        assert_eq!(name(&next(&mut connection).await), format!("n.{index}"));
    }
}

#[tokio::test]
async fn a_dead_peer_is_noticed() {
    let server = Server::sessions(|number, mut ws| async move {
        if number == 1 {
            ws.send(NEWS).await;
            // Does not read, so does not answer pings.
            std::future::pending::<()>().await;
        }
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    config.liveness.ping_interval = Duration::from_millis(50);
    config.liveness.ping_timeout = Duration::from_millis(100);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let begin = Instant::now();
    for expected in ["opened 1", "session.created", "input_audio_buffer.cleared"] {
        assert_eq!(name(&next(&mut connection).await), expected);
    }
    let ConnectionEvent::Retrying(retrying) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(retrying.cause.kind(), ErrorKind::PingTimeout);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(name(&next(&mut connection).await), "opened 2");
    // The second answers pings: it stays.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(*connection.state().borrow(), State::Connected);
}

fn audio(bytes: usize) -> ClientEvent {
    let samples = rt_lowlevel::protocol::Pcm16::from_samples(&vec![7; bytes / 2]);
    ClientEvent::InputAudioBufferAppend(rt_lowlevel::protocol::client_event::InputAudioBufferAppend {
        event_id: rt_lowlevel::protocol::Field::Absent,
        audio: samples.into(),
    })
}

#[tokio::test]
async fn a_stalled_writer_gives_the_room_back_and_is_noticed() {
    let server = Server::sessions(|number, mut ws| async move {
        if number == 1 {
            std::future::pending::<()>().await;
        }
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    config.liveness.write_stall = Duration::from_millis(700);
    config.limits.audio = AudioPolicy::Keep(Duration::from_secs(2));
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let handle = connection.handle().clone();
    let mut accepted = 0;
    let refused = loop {
        match handle.try_send(audio(48_000)) {
            Ok(_) => accepted += 1,
            Err(refused) => break refused,
        }
        tokio::task::yield_now().await;
        assert!(accepted < 10_000);
    };
    assert_eq!(refused.kind(), TrySendErrorKind::Full);
    assert_eq!(refused.into_inner(), audio(48_000));
    // Control messages have room of their own.
    handle.try_send(message("control")).unwrap();
    assert!(handle.stats().waiting_audio >= Duration::from_secs(1));
    // A sender that gives up has sent nothing; one that waits gets through after the reconnect.
    let waiting = handle.stats().waiting_messages;
    assert!(handle.send(audio(48_000)).now_or_never().is_none());
    assert_eq!(handle.stats().waiting_messages, waiting);
    within(handle.send(audio(48_000))).await.unwrap();
    let mut causes = Vec::new();
    while causes.is_empty() {
        if let ConnectionEvent::Retrying(retrying) = next(&mut connection).await {
            causes.push(retrying.cause.kind());
        }
    }
    assert_eq!(causes, [ErrorKind::WriteStall]);
}

#[tokio::test]
async fn large_audio_arrives_in_pieces_that_add_up() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::sessions(move |_, mut ws| {
        let sender = sender.clone();
        async move {
            while let Some(text) = ws.text().await {
                let Ok(ClientEvent::InputAudioBufferAppend(append)) = ClientEvent::from_json(&text) else {
                    panic!()
                };
                let _ = sender.send(append.audio.len());
            }
        }
    })
    .await;
    let connection = within(server.builder().connect()).await.unwrap();
    connection.send(audio(1_000_000)).await.unwrap();
    within(connection.close()).await;
    drop(server);
    let mut total = 0;
    while let Some(len) = within(receiver.recv()).await {
        assert!(len <= 64 << 10);
        total += len;
    }
    assert_eq!(total, 1_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_directions_full_is_no_deadlock() {
    let server = Server::start(|number, stream| async move {
        let mut ws = Ws::accept(stream).await;
        ws.created(number).await;
        // An echo that reads only when it has written, as far from helpful as a peer can be.
        while let Some(text) = ws.text().await {
            let text = format!(
                r#"{{"type":"echo","tag":{},"x":"{}"}}"#,
                tag(&text),
                "x".repeat(20_000)
            );
            ws.send(&text).await;
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let handle = connection.handle().clone();
    let sender = tokio::spawn(async move {
        for index in 0..2000 {
            handle.send(message(&index.to_string())).await.unwrap();
        }
    });
    let mut echoes = 0;
    while echoes < 2000 {
        if name(&next(&mut connection).await) == "echo" {
            echoes += 1;
        }
    }
    within(sender).await.unwrap();
}

#[tokio::test]
async fn events_are_a_stream_too() {
    let server = Server::sessions(|_, mut ws| async move {
        ws.send(NEWS).await;
        ws.close(1008, "").await;
        ws.drain().await;
    })
    .await;
    let connection = within(server.builder().connect()).await.unwrap();
    let events: Vec<ConnectionEvent> = within(connection.collect()).await;
    assert_eq!(
        names(&events),
        [
            "opened 1",
            "session.created",
            "input_audio_buffer.cleared",
            "closed"
        ]
    );
}

#[tokio::test]
async fn the_fate_of_a_command_can_be_awaited() {
    let server = Server::sessions(|number, mut ws| async move {
        if number == 1 {
            // Reads, and answers the ping behind it.
            ws.text().await;
            ws.send(NEWS).await;
            let _ = ws.0.next().await;
            // The next one is read, and nothing is said.
            let _ = ws.text().await;
            return;
        }
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    config.liveness.barrier_interval = Duration::from_millis(20);
    let connection = within(server.builder().config(config).connect()).await.unwrap();
    let handle = connection.handle();
    let first = within(handle.send_tracked(audio(960))).await.unwrap();
    let first_id = first.id();
    assert_eq!(within(first).await, Fate::Acknowledged);
    let retrieve = ClientEvent::from_json(r#"{"type":"conversation.item.retrieve","item_id":"i"}"#).unwrap();
    let second = within(handle.send_tracked(retrieve)).await.unwrap();
    assert!(second.id() > first_id);
    let lost = Fate::Discarded(DiscardReason::ConnectionLost);
    assert_eq!(within(second).await, lost);
    let stats = handle.stats();
    assert_eq!((stats.accepted, stats.acknowledged), (2, 1));
    assert_eq!((stats.discarded, stats.pending), (1, 0));
}
