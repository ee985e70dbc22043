//! F65: a new session takes over from the old one, again and again, while the caller speaks and is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_emulator::{Emulator, Fault, Pacing};
use rt_lowlevel::{ConnectionEvent, Fate, RestoreCause};
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit};

use super::bench::{Bench, MS, patient, ramp, samples};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f65_rollovers_while_audio_flows() {
    const ROUNDS: u64 = 12;
    const SAMPLES: usize = 480;
    const PER_TURN: usize = 10;
    // Every third new connection fails, each in its own way.
    let mut emulator = Emulator::builder().pacing(Pacing::instant());
    for (n, fault) in [
        Fault::status(503),
        Fault::Refuse,
        Fault::error("server_error", 1011),
        Fault::no_session(),
    ]
    .into_iter()
    .enumerate()
    {
        emulator = emulator.fault(3 + 3 * n as u64, fault);
    }
    let bench = Bench::start(emulator).await;
    let mut config = patient();
    config.rollover.patience = 300 * MS;
    config.timeouts.session_created = 500 * MS;
    let client = bench.client(config).await;
    client.manual_turns().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (handle, told) = (client.handle.clone(), Arc::clone(&stop));
    let talking = tokio::spawn(async move {
        let mut at = 0;
        let mut turns = 0;
        while !told.load(Ordering::SeqCst) {
            for _ in 0..PER_TURN {
                handle
                    .send(InputAudioBufferAppend::new(ramp(at, SAMPLES)))
                    .await
                    .unwrap();
                at += SAMPLES;
                tokio::time::sleep(10 * MS).await;
            }
            let commit = handle
                .send_tracked(InputAudioBufferCommit::default())
                .await
                .unwrap();
            assert_eq!(commit.await, Fate::Acknowledged);
            turns += 1;
            // A breath, in which it is quiet.
            tokio::time::sleep(30 * MS).await;
        }
        turns
    });
    for round in 0..ROUNDS {
        client.handle.restart().unwrap();
        client.restored(round + 2).await;
        tokio::time::sleep(Duration::from_millis(37 * (round % 4))).await;
    }
    stop.store(true, Ordering::SeqCst);
    let turns = talking.await.unwrap();
    client.settled().await;
    // No turn is missing, cut, or there twice.
    let mut arrived = Vec::new();
    for (_, record) in bench.journal().sessions() {
        arrived.extend(record.commits().iter().map(|commit| samples(&commit.audio)));
    }
    assert_eq!(arrived.len(), turns);
    for (turn, audio) in arrived.iter().enumerate() {
        let length = SAMPLES * PER_TURN;
        assert!(
            *audio == ramp(turn * length, length).to_samples(),
            "turn {turn}: {} samples",
            audio.len()
        );
    }
    assert_eq!(bench.last_session().item_ids().len(), turns);
    let events = client.close().await;
    // The old connection is never lost: a failure of the new one is nobody's business.
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, ConnectionEvent::Retrying(_)))
    );
    let restarts = events.iter().filter(|event| match event {
        ConnectionEvent::Restored(report) => matches!(report.cause, RestoreCause::Restart),
        _ => false,
    });
    assert_eq!(restarts.count() as u64, ROUNDS);
}
