//! Tools: each call is answered once, and each batch gets one response.

use std::time::Duration;

use proptest::prelude::*;
use rt_emulator::{Script, Step, Turn};
use rt_protocol::RealtimeSession;
use rt_protocol::session::ServerVad;

use super::verdict::no_conflict_of_our_own;
use super::world::World;
use crate::engine::Command;

/// A response with so many calls, then one that ends it.
fn script(batches: &[u8], say_first: bool) -> Script {
    let mut script = Script::default();
    for calls in batches {
        let mut turn = Turn::default();
        if say_first {
            turn = turn.step(Step::say("One moment."));
        }
        for _ in 0..*calls {
            turn = turn.step(Step::call("price", "{}"));
        }
        script = script.turn(turn);
    }
    script.turn(Turn::default().step(Step::say("Done.")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn each_call_is_answered_once_and_each_batch_followed_once(
        batches in prop::collection::vec(1_u8..5, 1..4),
        say_first: bool,
        delay in 0_u64..150,
        tool_ms in 0_u64..900,
    ) {
        let mut world = World::new(script(&batches, say_first), RealtimeSession::new().manual_turns(), delay);
        world.tool_time = Duration::from_millis(tool_ms);
        let reply = world.ticket();
        world.command(Command::Respond { reply, params: None });
        world.run(30_000);
        let calls: usize = batches.iter().map(|calls| usize::from(*calls)).sum();
        prop_assert_eq!(world.outputs.len(), calls);
        prop_assert!(world.outputs.values().all(|count| *count == 1), "{:?}", world.outputs);
        // One asked for, and one after each batch.
        prop_assert_eq!(usize::try_from(world.created).unwrap(), 1 + batches.len());
        // And not before all outputs of that batch were there.
        let mut sum = 0;
        for (calls, before) in batches.iter().zip(&world.outputs_before[1..]) {
            sum += usize::from(*calls);
            prop_assert_eq!(*before, sum);
        }
        prop_assert!(world.errors.is_empty(), "{:?}", world.errors);
        prop_assert!(world.engine.is_idle());
    }

    #[test]
    fn interrupted_or_not_no_call_is_answered_twice(
        batches in prop::collection::vec(1_u8..5, 1..4),
        waits in prop::collection::vec(0_u64..1500, 1..5),
        tool_ms in 0_u64..1500,
    ) {
        let mut world = World::new(script(&batches, true), RealtimeSession::new().manual_turns(), 20);
        world.tool_time = Duration::from_millis(tool_ms);
        for wait in waits {
            let reply = world.ticket();
            world.command(Command::Respond { reply, params: None });
            world.run(wait);
            world.command(Command::Interrupt);
        }
        world.run(40_000);
        prop_assert!(world.outputs.values().all(|count| *count == 1), "{:?}", world.outputs);
        prop_assert!(
            world.errors.iter().all(|error| error.starts_with("response_cancel_not_active")),
            "{:?}", world.errors
        );
        prop_assert!(world.engine.is_idle());
    }

    #[test]
    fn with_turn_detection_each_call_is_answered_once_and_no_batch_is_followed_twice(
        batches in prop::collection::vec(1_u8..4, 1..4),
        turns in prop::collection::vec((0_u64..1500, 100_u64..900), 1..5),
        tool_ms in 0_u64..500,
        delay in 0_u64..150,
        answers: bool,
    ) {
        let vad = ServerVad::new().create_response(answers);
        let mut world = World::new(script(&batches, true), RealtimeSession::new().server_vad(vad), delay);
        world.tool_time = Duration::from_millis(tool_ms);
        let asked = turns.len();
        for (wait, ms) in turns {
            let reply = world.ticket();
            world.command(Command::Respond { reply, params: None });
            world.run(wait);
            world.speak(ms, true);
            world.run(ms);
            world.speak(800, false);
            world.run(100);
        }
        world.run(60_000);
        prop_assert!(world.outputs.values().all(|count| *count == 1), "{:?}", world.outputs);
        prop_assert!(world.calls.iter().all(|call| world.outputs.contains_key(call)), "{:?} {:?}", world.calls, world.outputs);
        let ours = usize::try_from(world.created - world.unasked).unwrap();
        prop_assert!(ours <= asked + world.batches.len(), "{} responses after {:?}", ours, world.batches);
        no_conflict_of_our_own(&world)?;
        prop_assert!(world.engine.is_idle());
    }
}

#[test]
fn a_tool_that_takes_too_long_is_answered_for() {
    let mut world = World::new(script(&[1], false), RealtimeSession::new().manual_turns(), 5);
    world.tool_time = Duration::from_secs(60);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(10_000);
    assert_eq!(world.outputs.values().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(world.created, 2);
    assert_eq!(world.reported.len(), 1);
    // Its result comes after all, and nobody wants it.
    world.run(60_000);
    assert_eq!(world.outputs.values().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_slow_tool_is_followed_once_its_output_is_there() {
    let script = Script::default()
        .turn(Turn::default().step(Step::call("slow", "{}")))
        .turn(Turn::default().step(Step::say("Done.")));
    let mut world = World::new(script, RealtimeSession::new().manual_turns(), 50);
    // Longer than the server may take to accept an output.
    world.tool_time = Duration::from_secs(30);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(50_000);
    assert!(world.reported.is_empty(), "{:?}", world.reported);
    assert_eq!(world.outputs.values().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(world.outputs_before, [0, 1]);
    assert!(world.engine.is_idle());
}

#[test]
fn a_tool_that_runs_across_a_reconnect_is_answered_once() {
    let mut world = World::new(script(&[1], false), RealtimeSession::new().manual_turns(), 5);
    world.tool_time = Duration::from_millis(1500);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(1000);
    world.reconnect(Script::default());
    world.run(5000);
    // The emulator of this test restores nothing: it does not know the call, and says so.
    let answers = world.outputs.values().sum::<u32>() as usize + world.errors.len();
    assert_eq!(answers, 1, "{:?} {:?}", world.outputs, world.errors);
    assert!(world.engine.is_idle());
}
