//! Guardrails that take their time.

use std::time::Duration;

use rt_emulator::{Script, Step, Turn};
use rt_protocol::{RealtimeSession, Text};

use super::world::{Came, World};
use crate::engine::{Command, Options};
use crate::guardrail::Guardrail;
use crate::reply::ReplyStatus;

const SECRET: &str = "All is well so far, and then the secret is out.";

fn no_secrets() -> Guardrail {
    Guardrail::new_async("secrets", |text: Text| async move {
        match text.contains("secret") {
            true => Err("it tells a secret".to_owned()),
            false => Ok(()),
        }
    })
}

fn world(text: &str, guardrails: Vec<Guardrail>, settings: RealtimeSession, check_ms: u64) -> World {
    let say = Step::Say {
        text: text.into(),
        lasting: Some(Duration::from_millis(3000)),
    };
    let script = Script::default()
        .turn(Turn::default().step(say))
        .turn(Turn::default().step(Step::say("And on.")));
    let options = Options {
        guardrails,
        ..Options::default()
    };
    let mut world = World::with(script, settings, 10, options);
    world.check_time = Duration::from_millis(check_ms);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world
}

fn guarded(text: &str, guardrail: Guardrail, check_ms: u64) -> World {
    let settings = RealtimeSession::new().manual_turns();
    let mut world = world(text, vec![guardrail], settings, check_ms);
    world.run(20_000);
    over(&world);
    world
}

fn over(world: &World) {
    let mut refused = world
        .errors
        .iter()
        .filter(|error| !error.starts_with("response_cancel_not_active"));
    assert_eq!(refused.next(), None);
    assert!(world.reported.is_empty(), "{:?}", world.reported);
    assert!(world.engine.is_idle());
}

#[test]
fn what_passes_is_heard_whole_and_in_order() {
    for hold in [true, false] {
        for check_ms in [0, 40, 2000] {
            let guardrail = if hold { no_secrets().hold() } else { no_secrets() };
            let guardrail = guardrail.timeout(Duration::from_secs(10));
            let world = guarded("All is well, and will be.", guardrail, check_ms);
            assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Completed)]);
            assert_eq!(world.received_of.values().copied().collect::<Vec<_>>(), [72_000]);
            assert_eq!(world.engine.history()[0].text, "All is well, and will be.");
            assert_eq!(world.lines.len(), 1);
            assert!(world.checks_run > 0 && world.blocked.is_empty());
        }
    }
}

#[test]
fn what_is_held_and_blocked_is_never_heard() {
    // Quicker than the reply comes, and long after the server has ended it.
    for check_ms in [0, 40, 2000] {
        let settings = RealtimeSession::new().manual_turns();
        for settings in [settings.clone(), settings.text_only()] {
            let guardrail = no_secrets().hold().timeout(Duration::from_secs(10));
            let mut world = world(
                "The secret is out, and more.",
                vec![guardrail],
                settings,
                check_ms,
            );
            world.run(20_000);
            over(&world);
            assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Interrupted)]);
            assert!(world.received_of.is_empty(), "{:?}", world.received_of);
            assert!(world.engine.history().is_empty(), "{:?}", world.engine.history());
            assert!(world.lines.iter().all(|line| line.text.is_empty()));
            assert_eq!(world.blocked.len(), 1);
            assert_eq!(world.blocked[0].reason, "it tells a secret");
            // And the next one is answered.
            let reply = world.ticket();
            world.command(Command::Respond { reply, params: None });
            world.run(20_000);
            assert_eq!(world.came[&reply], [Came::Reply(ReplyStatus::Completed)]);
        }
    }
}

#[test]
fn without_holding_the_model_is_stopped_when_the_verdict_comes() {
    for check_ms in [0, 40, 1000] {
        let world = guarded(SECRET, no_secrets(), check_ms);
        assert_eq!(world.blocked.len(), 1);
        let played: u64 = world.played_of.values().sum();
        assert!(played < 24 * 3000, "{played}");
        let cut = &world.engine.history()[0];
        assert!(!cut.text.contains("secret"), "{:?}", &*cut.text);
    }
}

#[test]
fn no_verdict_blocks_unless_it_is_to_pass() {
    let never =
        || Guardrail::new_async("never", |_| std::future::pending()).timeout(Duration::from_millis(500));
    let panics = || Guardrail::new_async("panics", |_| async { panic!("its own fault") });
    for (guardrail, open, why) in [
        (never(), never(), "it took too long"),
        (panics(), panics(), "it panicked"),
    ] {
        let world = guarded("All is well.", guardrail.hold(), 10);
        assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Interrupted)]);
        assert_eq!(world.blocked[0].reason, why);
        assert!(world.received_of.is_empty());
        let world = guarded("All is well.", open.hold().fail_open(), 10);
        assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Completed)]);
        assert_eq!(world.engine.history()[0].text, "All is well.");
    }
}

#[test]
fn several_check_side_by_side_and_text_that_waits_is_checked_at_once() {
    let first = || no_secrets().timeout(Duration::from_secs(10));
    let settings = RealtimeSession::new().manual_turns();
    let words = "one two three four five six seven eight nine ten ".repeat(4);
    let mut world = world(&words, vec![first().hold(), first()], settings, 300);
    world.run(20_000);
    over(&world);
    assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Completed)]);
    // Two guardrails, and far fewer rounds than there are pieces of text.
    assert!((4..=10).contains(&world.checks_run), "{}", world.checks_run);
}

#[test]
fn an_interruption_drops_what_waits_for_a_verdict() {
    let guardrail = no_secrets().hold().timeout(Duration::from_secs(10));
    let settings = RealtimeSession::new().manual_turns();
    let mut world = world("All is well.", vec![guardrail], settings, 3000);
    // The server has ended the reply, and nothing of it was heard.
    world.run(1500);
    assert!(world.came[&1].is_empty());
    world.command(Command::Interrupt);
    world.run(10_000);
    over(&world);
    assert_eq!(world.came[&1], [Came::Reply(ReplyStatus::Interrupted)]);
    assert!(world.received_of.is_empty() && world.engine.history().is_empty());
}
