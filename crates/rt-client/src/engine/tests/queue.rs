//! The queue of responses: no conflict, and every handle ends once.

use proptest::prelude::*;
use rt_emulator::{Script, Step, Turn};
use rt_protocol::session::ServerVad;
use rt_protocol::{ClientEvent, Item, RealtimeSession, ResponseParams};

use super::verdict::no_conflict_of_our_own;
use super::world::{Came, World};
use crate::engine::Command;
use crate::reply::ReplyStatus;

#[derive(Debug, Clone)]
enum Act {
    Respond,
    OutOfBand,
    Say,
    Raw,
    Cancel,
    Interrupt,
    Watch,
    Speak(u64),
    Wait(u64),
}

fn acts(with_speech: bool) -> impl Strategy<Value = Vec<Act>> {
    let speech = if with_speech { 3 } else { 0 };
    let act = prop_oneof![
        3 => Just(Act::Respond),
        1 => Just(Act::OutOfBand),
        3 => Just(Act::Say),
        1 => Just(Act::Raw),
        1 => Just(Act::Cancel),
        2 => Just(Act::Interrupt),
        1 => Just(Act::Watch),
        speech => (100_u64..900).prop_map(Act::Speak),
        6 => (0_u64..900).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..14)
}

fn text(script: &str) -> Script {
    let mut turns = Script::default();
    for (n, kind) in script.chars().enumerate() {
        let step = match kind {
            'c' => Step::call("price", format!(r#"{{"n":{n}}}"#)),
            'f' => Step::fail("rate_limit_exceeded"),
            _ => Step::say("One two three four five six seven eight."),
        };
        turns = turns.turn(Turn::default().step(step));
    }
    turns
}

/// Does the acts, then waits until everything is over.
fn perform(world: &mut World, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Respond => {
                let reply = world.ticket();
                world.command(Command::Respond { reply, params: None });
            }
            Act::OutOfBand => {
                let reply = world.ticket();
                let params = Some(Box::new(ResponseParams::new().out_of_band()));
                world.command(Command::Respond { reply, params });
            }
            Act::Say => {
                let reply = world.ticket();
                let item = Box::new(Item::user_text("Hello"));
                world.command(Command::Say { reply, item });
            }
            Act::Raw => world.command(Command::Raw(
                ClientEvent::from_json(r#"{"type":"response.create"}"#).unwrap(),
            )),
            Act::Cancel => world.command(Command::Raw(
                ClientEvent::from_json(r#"{"type":"response.cancel"}"#).unwrap(),
            )),
            Act::Interrupt => world.command(Command::Interrupt),
            Act::Watch => {
                let reply = world.ticket();
                world.command(Command::Watch { reply });
            }
            Act::Speak(ms) => {
                world.speak(*ms, true);
                world.run(*ms);
                world.speak(800, false);
            }
            Act::Wait(ms) => world.run(*ms),
        }
    }
    world.run(40_000);
    // Whoever waits for a response that nobody asks for is told so in the end.
    world.run(301_000);
}

fn each_ended_once(world: &World) -> Result<(), TestCaseError> {
    for (ticket, came) in &world.came {
        prop_assert_eq!(came.len(), 1, "ticket {}: {:?}", ticket, came);
    }
    prop_assert!(world.engine.is_idle());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn without_turn_detection_there_is_never_a_conflict(
        acts in acts(false),
        script in "[scf]{0,6}",
        delay in 0_u64..150,
    ) {
        let settings = RealtimeSession::new().manual_turns();
        let mut world = World::new(text(&script), settings, delay);
        perform(&mut world, &acts);
        each_ended_once(&world)?;
        no_conflict_of_our_own(&world)?;
        prop_assert_eq!(world.unasked, 0);
    }

    #[test]
    fn with_turn_detection_only_what_the_server_begins_is_in_the_way(
        acts in acts(true),
        script in "[scf]{0,6}",
        delay in 0_u64..150,
        interrupts: bool,
        answers: bool,
    ) {
        let vad = ServerVad::new().interrupt_response(interrupts).create_response(answers);
        let mut world = World::new(text(&script), RealtimeSession::new().server_vad(vad), delay);
        perform(&mut world, &acts);
        each_ended_once(&world)?;
        no_conflict_of_our_own(&world)?;
        prop_assert!(answers || world.unasked == 0, "the server answers nothing");
    }

    #[test]
    fn every_handle_ends_over_reconnects(
        acts in acts(true),
        more in acts(true),
        script in "[scf]{0,6}",
        delay in 0_u64..150,
    ) {
        let mut world = World::new(text(&script), RealtimeSession::new(), delay);
        perform_some(&mut world, &acts);
        world.reconnect(text(&script));
        perform(&mut world, &more);
        each_ended_once(&world)?;
    }
}

fn perform_some(world: &mut World, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Wait(ms) => world.run(*ms),
            Act::Speak(ms) => world.speak(*ms, true),
            Act::Interrupt => world.command(Command::Interrupt),
            _ => {
                let reply = world.ticket();
                world.command(Command::Respond { reply, params: None });
            }
        }
    }
}

#[test]
fn requests_are_answered_in_order_one_at_a_time() {
    let mut world = World::new(text("ssss"), RealtimeSession::new().manual_turns(), 30);
    for _ in 0..3 {
        let reply = world.ticket();
        world.command(Command::Respond { reply, params: None });
    }
    world.run(10_000);
    assert_eq!(world.created, 3);
    for came in world.came.values() {
        assert_eq!(*came, [Came::Reply(ReplyStatus::Completed)]);
    }
    assert!(world.errors.is_empty(), "{:?}", world.errors);
}

#[test]
fn a_connection_lost_during_a_swap_is_back_when_it_is_restored() {
    let mut world = World::new(text("ss"), RealtimeSession::new().manual_turns(), 5);
    // The new session of a restart dies before it is restored; the cause stays that of the restart.
    world.engine.lost(world.now, true);
    world.run(100);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(1000);
    assert_eq!(world.created, 0);
    world.engine.restored(world.now);
    world.command(Command::Interrupt);
    world.run(10_000);
    assert_eq!(world.came[&reply].len(), 1);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(10_000);
    assert_eq!(world.came[&reply], [Came::Reply(ReplyStatus::Completed)]);
}

#[test]
fn a_response_goes_on_when_the_session_is_restored_without_a_loss() {
    let mut world = World::new(text("ss"), RealtimeSession::new().manual_turns(), 5);
    let first = world.ticket();
    world.command(Command::Respond {
        reply: first,
        params: None,
    });
    world.engine.restored(world.now);
    world.run(10_000);
    assert_eq!(world.came[&first], [Came::Reply(ReplyStatus::Completed)]);
    assert!(world.reported.is_empty(), "{:?}", world.reported);
    assert!(world.engine.is_idle());
}

#[test]
fn a_failed_response_tells_its_code() {
    let mut world = World::new(text("f"), RealtimeSession::new().manual_turns(), 5);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(3000);
    let [Came::Reply(ReplyStatus::Failed { code, .. })] = &world.came[&reply][..] else {
        panic!("{:?}", world.came);
    };
    assert_eq!(code.as_deref(), Some("rate_limit_exceeded"));
}
