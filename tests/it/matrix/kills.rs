//! F64 and the promise of the whole: a client that sends 50 messages a second while its connection is killed again and
//! again, in every way and at any byte. `RT_KILLS` says how often (40), `RT_SEED` how exactly.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_emulator::proxy::Direction;
use rt_emulator::wire::{Cut, Shape};
use rt_emulator::{Emulator, Pacing};
use rt_lowlevel::fate::{Fate, Receipt};
use rt_lowlevel::{ConnectionEvent, Handle, State};
use rt_protocol::ServerEvent;
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit};

use super::bench::{Bench, MS, brisk, ramp, samples, server_events, text_item};

/// A source of chance that gives the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// What was sent.
#[derive(Default)]
struct Sent {
    /// Texts, by their ids, and turns of audio, by the samples of the ramp they are; in order.
    items: Vec<Piece>,
    receipts: Vec<Receipt>,
    messages: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Turn(Range<usize>),
}

/// A message each 20 ms until told to stop: audio, a text now and then, and the end of a turn.
async fn talk(handle: Handle, stop: Arc<AtomicBool>) -> Sent {
    const SAMPLES: usize = 480;
    let mut sent = Sent::default();
    let (mut start, mut end) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        sent.messages += 1;
        match sent.messages % 12 {
            4 => {
                let id = format!("text_{}", sent.messages);
                sent.receipts
                    .push(handle.send_tracked(text_item(&id)).await.unwrap());
                sent.items.push(Piece::Text(id));
            }
            // The server takes no turn below 100 ms.
            11 => {
                sent.receipts.push(
                    handle
                        .send_tracked(InputAudioBufferCommit::default())
                        .await
                        .unwrap(),
                );
                sent.items.push(Piece::Turn(start..end));
                start = end;
            }
            _ => {
                let audio = ramp(end, SAMPLES);
                handle.send(InputAudioBufferAppend::new(audio)).await.unwrap();
                end += SAMPLES;
            }
        }
        tokio::time::sleep(20 * MS).await;
    }
    if end > start {
        handle
            .send(InputAudioBufferAppend::new(ramp(end, 4800)))
            .await
            .unwrap();
        sent.receipts.push(
            handle
                .send_tracked(InputAudioBufferCommit::default())
                .await
                .unwrap(),
        );
        sent.items.push(Piece::Turn(start..end + 4800));
    }
    sent
}

/// Breaks the connection in one of many ways, and waits until there is a session again.
async fn kill(bench: &Bench, handle: &Handle, dice: &mut Dice) {
    let connections = bench.line.traffic().connections;
    let how = if dice.roll(2) == 0 { Cut::Fin } else { Cut::Reset };
    let direction = if dice.roll(2) == 0 {
        Direction::Up
    } else {
        Direction::Down
    };
    match dice.roll(12) {
        0 => {
            bench.line.shape(Direction::Down, Shape::default().hole());
            if dice.roll(2) == 0 {
                bench.line.shape(Direction::Up, Shape::default().hole());
            }
        }
        1..=6 => bench.line.cut_after(direction, dice.roll(3000), how),
        _ => drop(bench.line.cut(how)),
    }
    let mut healed = false;
    let mut waited = 0;
    while bench.line.traffic().connections == connections || *handle.state().borrow() != State::Connected {
        tokio::time::sleep(2 * MS).await;
        waited += 1;
        let is_lost = *handle.state().borrow() != State::Connected;
        // A cut at a byte may be far away, and a hole lets nobody back in.
        if !healed && (is_lost || waited == 100) {
            healed = true;
            bench.line.heal();
            if !is_lost {
                bench.line.cut(how);
            }
        }
        assert!(waited < 20_000, "it does not come back");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f64_nothing_is_lost_doubled_or_reordered_by_random_kills() {
    let (kills, seed) = (number("RT_KILLS", 40), number("RT_SEED", 0x2545_f491_4f6c_dd1d));
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant())).await;
    let mut config = brisk();
    // Bounds that are reached, so that the long run has a restore of constant size.
    config.restore.max_items = 40;
    let client = bench.client(config).await;
    client.manual_turns().await;
    let stop = Arc::new(AtomicBool::new(false));
    let talking = tokio::spawn(talk(client.handle.clone(), Arc::clone(&stop)));
    let mut dice = Dice(seed | 1);
    for count in 1..=kills {
        if count % 100 == 0 {
            println!("{count} kills");
        }
        tokio::time::sleep(Duration::from_millis(dice.roll(150))).await;
        kill(&bench, &client.handle, &mut dice).await;
    }
    bench.line.heal();
    stop.store(true, Ordering::SeqCst);
    let sent = talking.await.unwrap();

    let mut fates = Vec::new();
    for receipt in sent.receipts {
        fates.push(
            tokio::time::timeout(crate::support::PATIENCE, receipt)
                .await
                .expect("a fate"),
        );
    }
    let stats = client.settled().await;
    let context = format!("RT_SEED={seed} RT_KILLS={kills}: {stats:?}");
    // Every command has one fate, and all but the good ones were told.
    assert_eq!(
        stats.accepted,
        stats.acknowledged + stats.rejected + stats.superseded + stats.discarded,
        "{context}"
    );
    let told: u64 = client.look(|events| {
        let settled = events.iter().filter_map(|event| match event {
            ConnectionEvent::Settled(settled) => Some(settled.count),
            _ => None,
        });
        settled.sum()
    });
    assert_eq!(
        told,
        stats.rejected + stats.superseded + stats.discarded,
        "{context}"
    );

    let good: Vec<&Piece> = sent
        .items
        .iter()
        .zip(&fates)
        .filter(|(_, fate)| fate.is_acknowledged())
        .map(|(piece, _)| piece)
        .collect();
    let turns: Vec<&Range<usize>> = good
        .iter()
        .filter_map(|piece| match piece {
            Piece::Turn(range) => Some(range),
            Piece::Text(_) => None,
        })
        .collect();
    // The turns that the client saw become items, in order: one for each that is acknowledged.
    let committed = client
        .until("the last turn", |events| {
            let ids = server_events(events).filter_map(|event| match event {
                ServerEvent::InputAudioBufferCommitted(event) => Some(event.item_id.clone()),
                _ => None,
            });
            Some(ids.collect::<Vec<_>>()).filter(|ids| ids.len() >= turns.len())
        })
        .await;
    assert_eq!(committed.len(), turns.len(), "{context}");
    let mut next_turn = committed.iter();
    let expected: Vec<&str> = good
        .iter()
        .map(|piece| match piece {
            Piece::Text(id) => id.as_str(),
            Piece::Turn(_) => next_turn.next().unwrap(),
        })
        .collect();

    // Unreported loss, duplicates, order: the last session knows the end of the conversation, as much of it as the
    // bounds of the restore allow, and nothing else.
    let known = bench.last_session().item_ids();
    for (name, is_of_class) in [("texts", true), ("turns", false)] {
        let of_class = |id: &&str| id.starts_with("text_") == is_of_class;
        let known: Vec<&str> = known.iter().map(String::as_str).filter(of_class).collect();
        let expected: Vec<&str> = expected.iter().copied().filter(of_class).collect();
        assert!(
            expected.ends_with(&known),
            "{name}: {known:?} is no end of {expected:?}; {context}"
        );
        assert!(
            known.len() >= expected.len().min(10),
            "{name}: {} of {}; {context}",
            known.len(),
            expected.len()
        );
    }

    // The audio of each turn arrived whole: no sample too many, none too few; later turns later.
    let all_turns: Vec<&Range<usize>> = sent
        .items
        .iter()
        .filter_map(|piece| match piece {
            Piece::Turn(range) => Some(range),
            Piece::Text(_) => None,
        })
        .collect();
    let mut arrived = vec![0; all_turns.len()];
    // The ramp repeats itself after a thousand turns, and sessions do not go back that far.
    let mut newest = 0_usize;
    for (connection, record) in bench.journal().sessions() {
        let mut last = None;
        for commit in record.commits() {
            let audio = samples(&commit.audio);
            let oldest = newest.saturating_sub(500);
            let found = all_turns[oldest..].iter().position(|turn| {
                turn.len() == audio.len()
                    && ramp(turn.start, 1).samples().next() == audio.first().copied()
                    && ramp(turn.start, turn.len()).to_samples() == audio
            });
            let turn = found.map(|place| oldest + place);
            newest = newest.max(turn.unwrap_or_default());
            let Some(turn) = turn else {
                panic!(
                    "connection {connection}: {} samples from {:?} are no turn; {context}",
                    audio.len(),
                    audio.first()
                );
            };
            assert!(
                last < Some(turn),
                "connection {connection}: turn {turn} after {last:?}; {context}"
            );
            last = Some(turn);
            arrived[turn] += 1;
        }
    }
    for (turn, fate) in turns_with_fates(&sent.items, &fates).into_iter().enumerate() {
        assert!(
            !fate.is_acknowledged() || arrived[turn] > 0,
            "turn {turn} is acknowledged and never arrived; {context}"
        );
    }
    println!(
        "{kills} kills, {} connections, {} messages; lost without a word 0, doubled 0, out of order 0; {stats:?}",
        bench.journal().connects(),
        sent.messages
    );
    client.close().await;
}

fn turns_with_fates(items: &[Piece], fates: &[Fate]) -> Vec<Fate> {
    let turns = items
        .iter()
        .zip(fates)
        .filter(|(piece, _)| matches!(piece, Piece::Turn(_)));
    turns.map(|(_, fate)| fate.clone()).collect()
}
