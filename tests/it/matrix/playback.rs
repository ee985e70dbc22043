//! F45 to F47: consumers that are slow, panic, or never come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use rt_client::{ErrorKind, Session};
use rt_emulator::journal::{Journal, What};
use rt_emulator::{Emulator, Pacing};
use rt_lowlevel::ConnectionEvent;
use rt_lowlevel::config::SlowConsumerPolicy;
use rt_protocol::client_event::{
    InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate, SessionUpdate,
};
use rt_protocol::{RealtimeSession, ServerEvent};

use super::bench::{Bench, MS, patient, ramp};
use crate::support::{PATIENCE, key};

fn heartbeats(journal: &Journal) -> usize {
    let entries = journal.entries();
    entries
        .iter()
        .filter(|entry| entry.what == What::Heartbeat)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f45_a_callback_that_blocks() {
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant()).ping_every(20 * MS)).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let blocked = Arc::new(AtomicBool::new(false));
    let release = Arc::new(AtomicBool::new(false));
    let (log, entered, gate) = (Arc::clone(&seen), Arc::clone(&blocked), Arc::clone(&release));
    let session = Session::builder(bench.endpoint(), key())
        .on_event(move |event| {
            log.lock().unwrap().push(event.event_type().to_owned());
            if matches!(event, ServerEvent::ResponseCreated(_)) {
                entered.store(true, Ordering::SeqCst);
                while !gate.load(Ordering::SeqCst) {
                    std::thread::sleep(MS);
                }
            }
        })
        .connect()
        .await
        .unwrap();
    session.send(ResponseCreate::default()).await.unwrap();
    let waiting = async {
        while !blocked.load(Ordering::SeqCst) {
            tokio::time::sleep(MS).await;
        }
        // While the callback is blocked the server's pings are answered.
        let before = heartbeats(&bench.journal());
        while heartbeats(&bench.journal()) < before + 10 {
            tokio::time::sleep(5 * MS).await;
        }
        assert_eq!(seen.lock().unwrap().last().unwrap(), "response.created");
        release.store(true, Ordering::SeqCst);
        while !seen.lock().unwrap().iter().any(|event| event == "response.done") {
            tokio::time::sleep(MS).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    // Nothing is missing, and all is in order.
    let sent: Vec<String> = bench
        .journal()
        .sent(1)
        .iter()
        .map(|message| message.event_type.clone())
        .collect();
    let seen = seen.lock().unwrap().clone();
    let from = sent.iter().position(|event| *event == seen[0]).unwrap();
    assert_eq!(seen, sent[from..from + seen.len()]);
    assert_eq!(bench.journal().connects(), 1);
    session.close().await;
}

#[tokio::test]
async fn f46_a_callback_that_panics() {
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant())).await;
    let errors = Arc::new(Mutex::new(Vec::new()));
    let done = Arc::new(AtomicU64::new(0));
    let (log, count) = (Arc::clone(&errors), Arc::clone(&done));
    let session = Session::builder(bench.endpoint(), key())
        .on_event(move |event| {
            if matches!(event, ServerEvent::ResponseDone(_)) {
                count.fetch_add(1, Ordering::SeqCst);
                panic!("a mistake of the application");
            }
        })
        .on_error(move |error| log.lock().unwrap().push(error.kind()))
        .connect()
        .await
        .unwrap();
    for round in 1..=2 {
        session.send(ResponseCreate::default()).await.unwrap();
        let waiting = async {
            while done.load(Ordering::SeqCst) < round
                || errors.lock().unwrap().len() < usize::try_from(round).unwrap()
            {
                tokio::time::sleep(MS).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    }
    assert_eq!(
        *errors.lock().unwrap(),
        [ErrorKind::Callback, ErrorKind::Callback]
    );
    assert_eq!(bench.journal().connects(), 1);
    session.close().await;
}

/// How much audio there is, in seconds.
const SECONDS: usize = 300;

/// A response with five minutes of audio, none of which is taken for a while.
async fn nobody_listens(policy: SlowConsumerPolicy) -> (Bench, Vec<ConnectionEvent>) {
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant())).await;
    let mut config = patient();
    config.limits.event_bytes = 1 << 20;
    config.limits.slow_after = 300 * MS;
    config.limits.slow_consumer = policy;
    let mut connection = rt_lowlevel::Connection::builder(bench.endpoint(), key())
        .config(config)
        .connect()
        .await
        .unwrap();
    let handle = connection.handle().clone();
    let session = RealtimeSession::new().manual_turns();
    handle.send(SessionUpdate::new(session)).await.unwrap();
    for n in 0..SECONDS {
        handle
            .send(InputAudioBufferAppend::new(ramp(n * 24_000, 24_000)))
            .await
            .unwrap();
    }
    handle.send(InputAudioBufferCommit::default()).await.unwrap();
    handle.send(ResponseCreate::default()).await.unwrap();
    // Long enough for all of it to come, if it could: until no more than Pongs arrives.
    let mut windows = [0, 0];
    for _ in 0..100 {
        windows = [windows[1], bench.line.traffic().down];
        if windows[0] > 1 << 20 && windows[1] - windows[0] < 4096 {
            break;
        }
        tokio::time::sleep(400 * MS).await;
    }
    // What is there at once, while nothing else runs: no more than the limit says, whatever is still on its way.
    let mut events = Vec::new();
    while let Some(Some(event)) = tokio::task::unconstrained(connection.recv()).now_or_never() {
        events.push(event);
    }
    if policy == SlowConsumerPolicy::Wait {
        let held = audio_in(&events);
        assert!(held > 0 && held < 5 << 18, "{held} bytes");
    }
    let is_last = |event: &ConnectionEvent| {
        matches!(
            event,
            ConnectionEvent::Server(ServerEvent::ResponseDone(_)) | ConnectionEvent::Closed(_)
        )
    };
    while !events.last().is_some_and(is_last)
        && let Ok(Some(event)) = tokio::time::timeout(PATIENCE, connection.recv()).await
    {
        events.push(event);
    }
    handle.close().await;
    (bench, events)
}

/// The bytes of audio in the events.
fn audio_in(events: &[ConnectionEvent]) -> u64 {
    let lengths = super::bench::server_events(events).filter_map(|event| match event {
        ServerEvent::ResponseOutputAudioDelta(delta) => Some(delta.delta.as_bytes().len() as u64),
        _ => None,
    });
    lengths.sum()
}

const ALL: u64 = SECONDS as u64 * 48_000;

#[tokio::test]
async fn f47_nobody_takes_the_events() {
    let (bench, events) = nobody_listens(SlowConsumerPolicy::Wait).await;
    let slow = events
        .iter()
        .filter(|event| matches!(event, ConnectionEvent::SlowConsumer(_)))
        .count();
    assert!(slow >= 1);
    // They waited, and none is missing.
    assert_eq!(audio_in(&events), ALL);
    assert_eq!(bench.journal().connects(), 1);
}

#[tokio::test]
async fn f47_nobody_takes_the_events_and_audio_may_be_dropped() {
    let (_bench, events) = nobody_listens(SlowConsumerPolicy::DropAudio).await;
    let dropped: u64 = events
        .iter()
        .map(|event| match event {
            ConnectionEvent::AudioGap(gap) => gap.bytes,
            _ => 0,
        })
        .sum();
    assert!(dropped > 0);
    assert_eq!(audio_in(&events) + dropped, ALL);
}

#[tokio::test]
async fn f47_nobody_takes_the_events_and_that_is_the_end() {
    let (_bench, events) = nobody_listens(SlowConsumerPolicy::Fail).await;
    let Some(ConnectionEvent::Closed(closed)) = events.last() else {
        panic!("{:?}", events.last())
    };
    let kind = closed.error.as_ref().map(|error| error.kind());
    assert_eq!(kind, Some(rt_lowlevel::ErrorKind::SlowConsumer));
}
