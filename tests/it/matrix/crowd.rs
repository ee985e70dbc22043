//! F62 and F63: many at once, and more than there is room for.

use std::time::Duration;

use rt_emulator::wire::Cut;
use rt_emulator::{Emulator, Pacing};
use rt_lowlevel::config::Liveness;
use rt_lowlevel::fate::Fate;
use rt_lowlevel::{ConnectionEvent, TrySendErrorKind};

use super::bench::{Bench, Client, MS, brisk, patient, text_item};

/// How many clients are cut off at once, unless `RT_CROWD` says it.
///
/// Each takes four descriptors, and many systems allow 1,024.
const CROWD: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f62_a_crowd_is_cut_off_at_once() {
    let crowd = std::env::var("RT_CROWD").ok().and_then(|text| text.parse().ok());
    let crowd: usize = crowd.unwrap_or(CROWD);
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant()).keep_audio(false)).await;
    let mut config = patient();
    // As by default: the spread is what this is about, and hundreds that ping ten times a second are another matter.
    config.retry.base = Duration::from_millis(250);
    config.retry.cap = Duration::from_secs(8);
    config.liveness = Liveness::default();
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..crowd {
        let client = bench.client(config.clone()).await;
        // A connection that has proved itself: its end is an outage of its own, and no retry.
        client.handle.send(text_item("hello")).await.unwrap();
        client.server("conversation.item.done", 1).await;
        clients.push(client);
    }
    assert_eq!(bench.line.cut(Cut::Reset), crowd as u64);
    let mut delays = Vec::new();
    for client in &clients {
        client.restored(2).await;
        let delay = client.look(|events| {
            events.iter().find_map(|event| match event {
                ConnectionEvent::Retrying(retrying) => Some(retrying.delay),
                _ => None,
            })
        });
        delays.push(delay.unwrap());
    }
    // Spread: no hundredth of a second has more than thrice its share of the first quarter, where nobody stands in line.
    assert!(delays.iter().all(|delay| *delay <= Duration::from_millis(250)));
    let busiest = (0..25)
        .map(|bin| {
            delays
                .iter()
                .filter(|delay| delay.as_millis() / 10 == bin)
                .count()
        })
        .max()
        .unwrap();
    assert!(busiest <= crowd * 3 / 25, "{busiest} of {crowd} within 10 ms");
    let early = delays.iter().filter(|delay| delay.as_millis() < 125).count();
    assert!(
        (crowd / 3..=crowd * 2 / 3).contains(&early),
        "{early} of {crowd} in the first half"
    );
    let connects = bench.journal().connects();
    assert!(
        connects <= crowd as u64 * 5 / 2,
        "{connects} connects for {crowd} clients"
    );
    for client in clients {
        client.close().await;
    }
}

#[tokio::test]
async fn f63_no_room_while_there_is_no_connection() {
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant())).await;
    let mut config = brisk();
    config.limits.control_messages = 20;
    let client = bench.client(config).await;
    bench.line.refuse(true);
    bench.line.cut(Cut::Fin);
    client.retrying(1).await;
    let mut taken = Vec::new();
    let refused = loop {
        let id = format!("note_{}", taken.len());
        match client.handle.try_send(text_item(&id)) {
            Ok(_) => taken.push(id),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), TrySendErrorKind::Full);
    assert_eq!(taken.len(), 20);
    // It comes back as it was given.
    assert_eq!(refused.into_inner(), text_item("note_20").into());
    // Who can wait, waits.
    let handle = client.handle.clone();
    let waiting = tokio::spawn(async move { handle.send_tracked(text_item("late")).await.unwrap().await });
    tokio::time::sleep(50 * MS).await;
    assert!(!waiting.is_finished());
    bench.line.heal();
    assert_eq!(waiting.await.unwrap(), Fate::Acknowledged);
    client.settled().await;
    taken.push("late".to_owned());
    assert_eq!(bench.last_session().item_ids(), taken);
    client.close().await;
}
