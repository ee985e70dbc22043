//! Guardrails and doubtful interruptions.

use std::time::Duration;

use rt_emulator::{Script, Step, Turn};
use rt_protocol::RealtimeSession;
use rt_protocol::session::ServerVad;

use super::world::{Came, World};
use crate::engine::{Command, Options};
use crate::guardrail::Guardrail;
use crate::reply::ReplyStatus;

fn script(text: &str, ms: u64) -> Script {
    let say = Step::Say {
        text: text.into(),
        lasting: Some(Duration::from_millis(ms)),
    };
    Script::default().turn(Turn::default().step(say))
}

/// But for a cancel that came when the response was over.
fn nothing_refused(world: &World) {
    let mut refused = world
        .errors
        .iter()
        .filter(|error| !error.starts_with("response_cancel_not_active"));
    assert_eq!(refused.next(), None);
}

fn no_secrets() -> Guardrail {
    Guardrail::new("secrets", |text| match text.contains("secret") {
        true => Err("it tells a secret".to_owned()),
        false => Ok(()),
    })
}

fn guarded(text: &str, settings: RealtimeSession, hold: bool) -> World {
    let guardrail = if hold { no_secrets().hold() } else { no_secrets() };
    let options = Options {
        guardrails: vec![guardrail],
        ..Options::default()
    };
    let mut world = World::with(script(text, 3000), settings, 10, options);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(5000);
    world
}

#[test]
fn what_is_held_and_blocked_was_never_heard() {
    let settings = RealtimeSession::new().manual_turns();
    let world = guarded("The secret is out, and more.", settings.clone(), true);
    assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Interrupted)]);
    assert!(world.received_of.is_empty(), "{:?}", world.received_of);
    assert!(world.engine.history().is_empty());
    nothing_refused(&world);

    // In writing too.
    let world = guarded("The secret is out.", settings.text_only(), true);
    assert!(world.engine.history().is_empty());
    nothing_refused(&world);
}

#[test]
fn what_passes_is_heard_whole() {
    for hold in [true, false] {
        let world = guarded("All is well.", RealtimeSession::new().manual_turns(), hold);
        assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Completed)]);
        assert_eq!(world.received_of.values().copied().collect::<Vec<_>>(), [72_000]);
        assert_eq!(world.engine.history()[0].text, "All is well.");
    }
}

#[test]
fn without_holding_the_model_is_stopped_at_once() {
    let words = "one two three four five six seven eight nine ten secret".repeat(2);
    let world = guarded(&words, RealtimeSession::new().manual_turns(), false);
    assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Interrupted)]);
    let played: u64 = world.played_of.values().sum();
    assert!(played < 24 * 3000, "{played}");
    let told = world
        .engine
        .history()
        .iter()
        .all(|item| !item.text.contains("secret"));
    assert!(told);
    nothing_refused(&world);
}

fn confirming() -> World {
    let vad = ServerVad::new().interrupt_response(false).create_response(false);
    let options = Options {
        confirm: Some(Duration::from_millis(400)),
        ..Options::default()
    };
    let script = script("A long story about nothing at all.", 4000);
    let mut world = World::with(script, RealtimeSession::new().server_vad(vad), 10, options);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(1000);
    world
}

#[test]
fn a_cough_holds_the_model_and_it_goes_on() {
    let mut world = confirming();
    world.speak(150, true);
    world.run(150);
    world.speak(300, false);
    world.run(8000);
    assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Completed)]);
    assert_eq!(world.created, 1);
    let played: u64 = world.played_of.values().sum();
    assert_eq!(played, 24 * 4000);
    assert!(world.engine.history().iter().all(|item| item.heard.is_none()));
}

#[test]
fn who_goes_on_speaking_is_answered() {
    let mut world = confirming();
    for _ in 0..10 {
        world.speak(100, true);
        world.run(100);
    }
    world.speak(600, false);
    world.run(20_000);
    assert_eq!(world.created, 2);
    let story = world.engine.history().iter().find(|item| item.heard.is_some());
    assert!(story.is_some());
    nothing_refused(&world);
}
