//! Interruptions: no cut is refused, and what is left is what was heard.

use std::time::Duration;

use proptest::prelude::*;
use rt_emulator::{Script, Step, Turn};
use rt_protocol::RealtimeSession;
use rt_protocol::session::ServerVad;

use super::world::World;
use crate::engine::Command;
use crate::history::{HistoryItem, HistoryKind};
use crate::transcript::Speaker;

fn script(lengths: &[u64], with_call: bool) -> Script {
    let mut script = Script::default();
    for ms in lengths {
        let mut turn = Turn::default().step(Step::Say {
            text: "Alpha beta gamma delta epsilon zeta eta theta.".into(),
            lasting: Some(Duration::from_millis(*ms)),
        });
        if with_call {
            turn = turn.step(Step::call("price", "{}"));
        }
        script = script.turn(turn);
    }
    script
}

/// What the history says was heard is what the sink played.
fn history_is_what_was_heard(world: &World) -> Result<(), TestCaseError> {
    for item in world.engine.history() {
        if item.kind != HistoryKind::Message(Speaker::Assistant) {
            continue;
        }
        let played = world.played_of.get(&item.id).copied().unwrap_or(0);
        let whole = world.texts.get(&item.id).cloned().unwrap_or_default();
        prop_assert!(whole.starts_with(&*item.text), "{:?} {:?}", &*item.text, whole);
        match item.heard {
            Some(heard) => {
                prop_assert_eq!(u64::try_from(heard.as_millis()).unwrap(), played / 24);
                let received = world.received_of[&item.id];
                let share = whole.len() as u64 * played / received.max(1);
                prop_assert!(
                    item.text.len() as u64 <= share,
                    "{} of {}",
                    item.text.len(),
                    share
                );
            }
            None => {
                prop_assert_eq!(played, world.received_of.get(&item.id).copied().unwrap_or(0));
                prop_assert_eq!(&*item.text, whole.as_str());
            }
        }
    }
    // Told once: in the line, and as the whole text.
    let lines = world.lines.iter().map(|line| (&*line.item_id, &line.text));
    let finals = world.finals.iter().map(|said| (&*said.item_id, &said.text));
    for told in [lines.collect::<Vec<_>>(), finals.collect()] {
        let mut told: Vec<(&str, &str)> = told.into_iter().map(|(id, text)| (id, &**text)).collect();
        told.sort_unstable();
        let said = |item: &&HistoryItem| item.kind == HistoryKind::Message(Speaker::Assistant);
        let said = world.engine.history().iter().filter(said);
        let mut said: Vec<(&str, &str)> = said.map(|item| (item.id.as_str(), &*item.text)).collect();
        said.retain(|(_, text)| !text.is_empty());
        said.sort_unstable();
        prop_assert_eq!(told, said);
    }
    // What was received and of which nothing was played is gone.
    for (item, received) in &world.received_of {
        let played = world.played_of.get(item).copied().unwrap_or(0);
        let known = world.engine.history().iter().any(|known| known.id == *item);
        if played < 24 && *received > 0 {
            prop_assert!(!known, "{} was not heard and is there", item);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_left_is_what_was_heard(
        lengths in prop::collection::vec(40_u64..2500, 1..4),
        waits in prop::collection::vec(0_u64..2600, 1..4),
        delay in 0_u64..120,
        by_voice: bool,
    ) {
        let settings = if by_voice {
            RealtimeSession::new().server_vad(ServerVad::new())
        } else {
            RealtimeSession::new().manual_turns()
        };
        let mut world = World::new(script(&lengths, false), settings, delay);
        for wait in &waits {
            let reply = world.ticket();
            world.command(Command::Respond { reply, params: None });
            world.run(*wait);
            if by_voice {
                world.speak(300, true);
                world.run(300);
                world.speak(700, false);
                world.run(50);
            } else {
                world.command(Command::Interrupt);
            }
        }
        world.run(30_000);
        let bad: Vec<&String> = world.errors.iter()
            .filter(|error| !error.starts_with("response_cancel_not_active") && !error.contains("active_response"))
            .collect();
        prop_assert!(bad.is_empty(), "{:?}", bad);
        prop_assert!(world.reported.is_empty(), "{:?}", world.reported);
        history_is_what_was_heard(&world)?;
    }

    #[test]
    fn several_replies_in_the_sink_are_all_settled(
        lengths in prop::collection::vec(200_u64..3000, 3),
        wait in 0_u64..6000,
        with_call: bool,
    ) {
        let settings = RealtimeSession::new().manual_turns();
        let mut world = World::new(script(&lengths, with_call), settings, 10);
        for _ in 0..3 {
            let reply = world.ticket();
            world.command(Command::Respond { reply, params: None });
        }
        world.run(wait);
        world.command(Command::Interrupt);
        world.run(30_000);
        prop_assert!(
            world.errors.iter().all(|error| error.starts_with("response_cancel_not_active")),
            "{:?}", world.errors
        );
        if !with_call {
            history_is_what_was_heard(&world)?;
        }
    }

    #[test]
    fn a_truncation_of_the_applications_own_is_never_too_long(
        length in 40_u64..2000,
        wait in 0_u64..1500,
        ms in 0_u64..100_000,
    ) {
        let settings = RealtimeSession::new().manual_turns();
        let mut world = World::new(script(&[length], false), settings, 20);
        let reply = world.ticket();
        world.command(Command::Respond { reply, params: None });
        world.run(wait);
        let items: Vec<String> = world.received_of.keys().cloned().collect();
        for item_id in items {
            let event = rt_protocol::client_event::ConversationItemTruncate::new(item_id, ms);
            world.command(Command::Raw(event.into()));
        }
        world.run(500);
        prop_assert!(world.errors.is_empty(), "{:?}", world.errors);
    }
}

#[test]
fn the_tail_can_be_cut_after_the_response_is_done() {
    let mut world = World::new(script(&[3000], false), RealtimeSession::new().manual_turns(), 5);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    // Sent eight times faster than it plays: the response is over, and two thirds are not heard.
    world.run(1200);
    assert_eq!(world.came[&reply].len(), 1);
    world.command(Command::Interrupt);
    world.run(200);
    let item = &world.engine.history()[0];
    let heard = item.heard.expect("it was cut").as_millis();
    assert!((900..1200).contains(&heard), "{heard}");
    assert!(!item.text.is_empty() && item.text.len() < 30, "{:?}", &*item.text);
    assert!(world.errors.is_empty(), "{:?}", world.errors);
}

#[test]
fn what_begins_after_the_interruption_is_gone_too() {
    let mut world = World::new(script(&[2000], false), RealtimeSession::new().manual_turns(), 80);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    // It was created, and nothing of it has come; the server speaks before it hears of the interruption.
    world.run(165);
    world.command(Command::Interrupt);
    world.run(5000);
    assert!(!world.texts.is_empty(), "the server did not speak");
    assert!(world.received_of.is_empty());
    assert!(world.engine.history().is_empty(), "{:?}", world.engine.history());
    assert!(world.errors.is_empty(), "{:?}", world.errors);
}
