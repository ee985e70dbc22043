//! F65: a new session takes over from the old one, again and again, while the caller speaks and is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_emulator::brain::SessionRecord;
use rt_emulator::{Builder, Emulator, Fault, Pacing};
use rt_lowlevel::ConnectionEvent;
use rt_lowlevel::event::RestoreCause;
use rt_lowlevel::fate::Fate;
use rt_protocol::ServerEvent;
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate};
use rt_protocol::response::ResponseStatus;
use tokio::task::JoinHandle;

use super::bench::{Bench, Client, MS, patient, ramp, samples, server_events};

const SAMPLES: usize = 480;
const PER_TURN: usize = 5;

/// A server at which four new connections fail, each in its own way, and not twice in a row.
fn unsteady() -> Builder {
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
    emulator
}

async fn client(bench: &Bench, patience: Duration) -> Client {
    let mut config = patient();
    config.rollover.patience = patience;
    // A call is told whole to the next session, however long it became.
    config.restore.max_items = 100_000;
    config.restore.max_text = 10_000_000;
    config.timeouts.session_created = 500 * MS;
    let client = bench.client(config).await;
    client.manual_turns().await;
    client
}

/// Speaks turn after turn until told to stop; returns how many there were.
fn speak(client: &Client, answered: bool, stop: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let (handle, stop) = (client.handle.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        let mut turns = 0;
        while !stop.load(Ordering::SeqCst) {
            for piece in 0..PER_TURN {
                let at = (turns * PER_TURN + piece) * SAMPLES;
                handle
                    .send(InputAudioBufferAppend::new(ramp(at, SAMPLES)))
                    .await
                    .unwrap();
                tokio::time::sleep(5 * MS).await;
            }
            let commit = handle
                .send_tracked(InputAudioBufferCommit::default())
                .await
                .unwrap();
            assert_eq!(commit.await, Fate::Acknowledged);
            if answered {
                handle.send(ResponseCreate::default()).await.unwrap();
            }
            turns += 1;
            // A breath, in which it is quiet.
            tokio::time::sleep(30 * MS).await;
        }
        turns
    })
}

/// The numbers of the turns that a session was told by audio; each of them whole.
fn turns_of(record: &SessionRecord) -> Vec<usize> {
    let length = SAMPLES * PER_TURN;
    let turn_of = |audio: &[i16]| {
        // Numbers of samples repeat after 65,536, which no turn divides: what they begin with names the turn.
        let turn = (0..4096).find(|turn| *audio == ramp(turn * length, length).to_samples());
        turn.unwrap_or_else(|| panic!("{} samples are no turn", audio.len()))
    };
    let commits = record.commits();
    commits
        .iter()
        .map(|commit| turn_of(&samples(&commit.audio)))
        .collect()
}

fn restarts(events: &[ConnectionEvent]) -> usize {
    let restarts = events.iter().filter(|event| match event {
        ConnectionEvent::Restored(report) => matches!(report.cause, RestoreCause::Restart),
        _ => false,
    });
    restarts.count()
}

/// The old connection is never lost: a failure of the new one is nobody's business.
fn nothing_was_lost(events: &[ConnectionEvent]) {
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, ConnectionEvent::Retrying(_)))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f65_rollovers_while_audio_flows() {
    const ROUNDS: usize = 100;
    let bench = Bench::start(unsteady()).await;
    // The quiet point is waited for, however busy the machine is.
    let client = client(&bench, Duration::from_secs(600)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let speaker = speak(&client, true, &stop);
    for round in 0..ROUNDS {
        client.handle.restart().unwrap();
        client.restored(round as u64 + 2).await;
    }
    stop.store(true, Ordering::SeqCst);
    let turns = speaker.await.unwrap();
    client.settled().await;
    client.server("response.done", turns).await;
    // No turn is missing, cut, there twice, or out of order.
    let sessions = bench.journal().sessions();
    let told: Vec<usize> = sessions.iter().flat_map(|(_, record)| turns_of(record)).collect();
    assert_eq!(told, (0..turns).collect::<Vec<_>>());
    assert_eq!(bench.last_session().item_ids().len(), 2 * turns);
    let events = client.close().await;
    nothing_was_lost(&events);
    assert_eq!(restarts(&events), ROUNDS);
    // No answer is cut, or given twice.
    let done: Vec<_> = server_events(&events)
        .filter_map(|event| match event {
            ServerEvent::ResponseDone(done) => Some(done.response.status.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(done.len(), turns);
    assert!(
        done.iter()
            .all(|status| status.value() == Some(&ResponseStatus::Completed)),
        "{done:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f65_rollovers_at_the_deadline_send_the_open_turn_again() {
    const ROUNDS: usize = 12;
    let bench = Bench::start(unsteady()).await;
    let client = client(&bench, Duration::ZERO).await;
    let stop = Arc::new(AtomicBool::new(false));
    let speaker = speak(&client, false, &stop);
    for round in 0..ROUNDS {
        client.handle.restart().unwrap();
        client.restored(round as u64 + 2).await;
        tokio::time::sleep(Duration::from_millis(37 * (round as u64 % 4))).await;
    }
    stop.store(true, Ordering::SeqCst);
    let turns = speaker.await.unwrap();
    client.settled().await;
    // A session hears a turn once, whole. The next one hears it again only if this one's answer was not waited for: at
    // most the one that was under way.
    let mut next = 0;
    for (_, record) in bench.journal().sessions() {
        for (n, turn) in turns_of(&record).into_iter().enumerate() {
            let again = n == 0 && turn + 1 == next;
            assert!(turn == next || again, "turn {turn} after {next} turns");
            next = turn + 1;
        }
    }
    assert_eq!(next, turns);
    // The conversation that counts has each turn once.
    assert_eq!(bench.last_session().item_ids().len(), turns);
    let events = client.close().await;
    nothing_was_lost(&events);
    assert_eq!(restarts(&events), ROUNDS);
}
