//! What the server refuses is answered by nobody, and whoever waits for the answer is told.

use std::time::Duration;

use rt_emulator::{Script, Step, Turn};
use rt_protocol::session::ServerVad;
use rt_protocol::{Item, RealtimeSession};

use super::world::{Came, World};
use crate::ErrorKind;
use crate::engine::{Command, Options};
use crate::reply::ReplyStatus;

fn talkative(ms: u64) -> Script {
    let say = || Step::Say {
        text: "One two three four five six.".into(),
        lasting: Some(Duration::from_millis(ms)),
    };
    let turn = || Turn::default().step(say());
    Script::default().turn(turn()).turn(turn()).turn(turn())
}

/// Says the same item twice: the second one is refused.
fn say_twice(world: &mut World) -> u64 {
    let item = || Box::new(Item::user_text("Hello").with_id("item_mine"));
    let ack = world.ticket();
    world.command(Command::Insert {
        ack,
        item: item(),
        after: None,
    });
    world.run(200);
    let reply = world.ticket();
    world.command(Command::Say { reply, item: item() });
    reply
}

#[test]
fn a_refused_item_is_not_answered() {
    for delay in [0, 5, 80] {
        let mut world = World::new(talkative(1000), RealtimeSession::new().manual_turns(), delay);
        let reply = say_twice(&mut world);
        world.run(10_000);
        assert_eq!(world.came[&reply], [Came::Nothing(ErrorKind::Refused)]);
        // Perhaps the server began before it heard of it: nobody else did.
        assert!(world.received_of.is_empty(), "{:?}", world.received_of);
        assert_eq!(
            world.engine.history().len(),
            1,
            "{delay}: {:?}",
            world.engine.history()
        );
        assert!(world.reported.is_empty(), "{:?}", world.reported);
        assert!(world.engine.is_idle());
        // And the next one is answered.
        let reply = world.ticket();
        world.command(Command::Respond { reply, params: None });
        world.run(10_000);
        assert_eq!(world.came[&reply], [Came::Reply(ReplyStatus::Completed)]);
    }
}

#[test]
fn a_refused_item_behind_a_reply_is_never_asked_about() {
    let mut world = World::new(talkative(2000), RealtimeSession::new().manual_turns(), 5);
    let first = world.ticket();
    world.command(Command::Respond {
        reply: first,
        params: None,
    });
    world.run(50);
    let reply = say_twice(&mut world);
    world.run(100);
    assert_eq!(world.came[&reply], [Came::Nothing(ErrorKind::Refused)]);
    world.run(10_000);
    assert_eq!(world.came[&first], [Came::Reply(ReplyStatus::Completed)]);
    assert_eq!(world.created, 1);
    assert!(world.engine.is_idle());
}

#[test]
fn a_refused_commit_is_not_answered() {
    let mut world = World::new(talkative(1000), RealtimeSession::new().manual_turns(), 5);
    let (ack, reply) = (world.ticket(), world.ticket());
    world.command(Command::Commit {
        ack,
        reply: Some(reply),
    });
    world.run(10_000);
    assert_eq!(world.came[&ack], [Came::Refused]);
    assert_eq!(world.came[&reply], [Came::Nothing(ErrorKind::Refused)]);
    assert!(world.received_of.is_empty(), "{:?}", world.received_of);
    assert!(world.reported.is_empty(), "{:?}", world.reported);
    assert!(world.engine.is_idle());
}

/// A response calls a slow tool and speaks; the user interrupts it, and the tool returns. How many responses there were.
fn interrupted_with_a_call(keep_follow_ups: bool, by_server: bool) -> World {
    let story = || Step::Say {
        text: "A long story about nothing at all.".into(),
        lasting: Some(Duration::from_secs(4)),
    };
    let script = Script::default()
        .turn(Turn::default().step(Step::call("price", "{}")).step(story()))
        .turn(Turn::default().step(Step::say("Yes.")))
        .turn(Turn::default().step(Step::say("Three euros.")));
    let vad = ServerVad::new()
        .interrupt_response(by_server)
        .create_response(by_server);
    let settings = if by_server {
        RealtimeSession::new().server_vad(vad)
    } else {
        RealtimeSession::new().manual_turns()
    };
    let options = Options {
        keep_follow_ups,
        ..Options::default()
    };
    let mut world = World::with(script, settings, 5, options);
    // While the user still speaks: its follow-up waits for the end of the sentence.
    world.tool_time = Duration::from_millis(100);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(350);
    if by_server {
        world.speak(400, true);
        world.run(400);
        world.speak(700, false);
    } else {
        world.command(Command::Interrupt);
    }
    world.run(20_000);
    assert_eq!(world.came[&reply], [Came::Reply(ReplyStatus::Interrupted)]);
    assert!(world.engine.is_idle());
    world
}

#[test]
fn follow_ups_survive_an_interruption_if_they_are_to() {
    // Interrupted by the server, which answers the user first.
    assert_eq!(interrupted_with_a_call(false, true).created, 2);
    let kept = interrupted_with_a_call(true, true);
    assert_eq!(kept.created, 3);
    assert!(kept.reported.is_empty(), "{:?}", kept.reported);
}

#[test]
fn a_sink_that_fails_leaves_playback_to_the_clock() {
    let mut world = World::new(talkative(8000), RealtimeSession::new().manual_turns(), 5);
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(500);
    assert!(world.engine.is_playing());
    world.lose_sink();
    // What comes from now on is heard as time goes by.
    world.run(100);
    assert!(world.engine.is_playing());
    world.run(20_000);
    assert!(!world.engine.is_playing());
    assert_eq!(world.came[&reply], [Came::Reply(ReplyStatus::Completed)]);
    // The next interruption is as exact as the clock is.
    let reply = world.ticket();
    world.command(Command::Respond { reply, params: None });
    world.run(1000);
    world.command(Command::Interrupt);
    world.run(5000);
    let cut = world.engine.history().last().and_then(|item| item.heard);
    let heard = cut.expect("it was cut").as_millis();
    assert!((500..1000).contains(&heard), "{heard}");
    assert!(
        world
            .errors
            .iter()
            .all(|error| error.starts_with("response_cancel_not_active"))
    );
}
