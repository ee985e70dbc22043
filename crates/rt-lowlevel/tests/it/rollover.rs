//! A second connection takes over, over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use rt_lowlevel::config::SlowConsumerPolicy;
use rt_lowlevel::event::RestoreCause;
use rt_lowlevel::fate::Fate;
use rt_lowlevel::{ConnectionEvent, State};
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_under_traffic_loses_and_repeats_nothing() {
    const RESTARTS: usize = 5;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ends = Arc::new(Mutex::new(Vec::new()));
    let (log, closes) = (Arc::clone(&seen), Arc::clone(&ends));
    let server = Server::sessions(move |number, mut ws| {
        let (log, closes) = (Arc::clone(&log), Arc::clone(&closes));
        async move {
            ws.send(NEWS).await;
            while let Some(Ok(message)) = ws.0.next().await {
                match message {
                    Message::Text(text) => {
                        let tag: usize = tag(text.as_str()).parse().unwrap();
                        log.lock().unwrap().push((number, tag));
                    }
                    Message::Close(Some(frame)) => {
                        closes.lock().unwrap().push((number, u16::from(frame.code)))
                    }
                    _ => {}
                }
            }
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let handle = connection.handle().clone();
    let state = connection.state();
    let sender = {
        let (handle, server_connects) = (handle.clone(), Arc::clone(&server.connects));
        tokio::spawn(async move {
            let mut receipts = Vec::new();
            while server_connects.load(std::sync::atomic::Ordering::SeqCst) <= RESTARTS
                || receipts.len() % 50 != 0
            {
                receipts.push(
                    handle
                        .send_tracked(message(&receipts.len().to_string()))
                        .await
                        .unwrap(),
                );
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            receipts
        })
    };
    let mut restored = 0;
    while restored < RESTARTS {
        handle.restart().unwrap();
        loop {
            match next(&mut connection).await {
                ConnectionEvent::Restored(report) => {
                    assert!(matches!(report.cause, RestoreCause::Restart), "{report:?}");
                    assert_eq!(report.discarded, 0);
                    restored += 1;
                    break;
                }
                ConnectionEvent::Retrying(retrying) => panic!("{retrying:?}"),
                ConnectionEvent::Settled(settled) => panic!("{settled:?}"),
                _ => {}
            }
        }
        assert_eq!(*state.borrow(), State::Connected);
    }
    let receipts = within(sender).await.unwrap();
    let count = receipts.len();
    within(connection.close()).await;
    for receipt in receipts {
        assert_eq!(within(receipt).await, Fate::Acknowledged);
    }
    // Whatever reads the sockets of the server is done when they are closed.
    within(async {
        while seen.lock().unwrap().len() < count || ends.lock().unwrap().len() <= RESTARTS {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let seen = seen.lock().unwrap();
    let tags: Vec<usize> = seen.iter().map(|(_, tag)| *tag).collect();
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().map(|(_, tag)| *tag).eq(0..count), "{tags:?}");
    assert!(ends.lock().unwrap().iter().all(|(_, code)| *code == 1000));
    assert_eq!(server.connects(), RESTARTS + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_may_lose_audio_but_nothing_else() {
    let server = Server::sessions(|_, mut ws| async move {
        for _ in 0..40 {
            ws.send(r#"{"type":"response.output_audio.delta","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"AAAAAAAA"}"#)
                .await;
        }
        ws.send(r#"{"type":"last"}"#).await;
        ws.drain().await;
    })
    .await;
    let mut config = quick();
    config.limits.events = 8;
    config.limits.slow_after = Duration::from_millis(50);
    config.limits.slow_consumer = SlowConsumerPolicy::DropAudio;
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let (mut deltas, mut dropped, mut told) = (0, 0, 0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    loop {
        match next(&mut connection).await {
            ConnectionEvent::AudioGap(gap) => {
                assert_eq!(gap.bytes, 6 * gap.events);
                dropped += gap.events;
            }
            ConnectionEvent::SlowConsumer(_) => told += 1,
            event if name(&event) == "last" => break,
            event if name(&event) == "response.output_audio.delta" => deltas += 1,
            _ => {}
        }
    }
    assert_eq!(deltas + dropped, 40);
    assert!(dropped > 0 && told > 0, "{dropped} {told}");
}
