//! Interruptions the session is to be sure of first, while replies come and go.

use std::time::Duration;

use super::fed::Fed;
use crate::engine::{Command, Options, Output};

fn confirming(sink: bool) -> Fed {
    let options = Options {
        sink,
        confirm: Some(Duration::from_millis(400)),
        ..Options::default()
    };
    Fed::new(options, false, false)
}

#[test]
fn a_reply_that_said_nothing_does_not_leave_the_next_one_silent() {
    for (sink, status) in [(true, "completed"), (true, "failed"), (false, "completed")] {
        let mut fed = confirming(sink);
        fed.respond(1);
        fed.answered("a");
        fed.at(100);
        fed.speech(true);
        assert!(fed.is_held());
        fed.at(200);
        fed.ended("a", status);
        fed.at(900);
        assert!(!fed.is_held(), "nothing is left to be held");
        fed.speech(false);
        fed.committed();
        fed.answered("b");
        fed.audio("b", 100);
        fed.done("b");
        assert!(!fed.is_held());
        fed.at(2000);
        assert_eq!(fed.engine.is_playing(), sink, "the clock plays it");
    }
}

#[test]
fn who_speaks_before_the_reply_begins_interrupts_it() {
    for created_at in [100, 600] {
        let mut fed = confirming(true);
        fed.respond(1);
        fed.speech(true);
        fed.at(created_at);
        fed.answered("a");
        fed.audio("a", 100);
        assert!(fed.is_held() || created_at > 400, "the model talks over the user");
        fed.at(1000);
        assert_eq!(fed.sent("response.cancel"), 1);
        assert!(!fed.engine.is_playing());
        fed.ended("a", "cancelled");
        fed.speech(false);
        fed.committed();
        assert_eq!(fed.sent("response.create"), 2, "the user is answered");
        assert_eq!(fed.ends(1), ["interrupted"]);
    }
}

#[test]
fn a_cough_before_the_reply_begins_stops_nothing() {
    let mut fed = confirming(true);
    fed.respond(1);
    fed.speech(true);
    fed.at(100);
    fed.answered("a");
    fed.at(200);
    fed.speech(false);
    fed.committed();
    fed.audio("a", 100);
    assert!(!fed.is_held());
    assert_eq!(fed.count(|output| matches!(output, Output::Play(_))), 1);
    assert_eq!((fed.sent("response.cancel"), fed.sent("response.create")), (0, 1));
}

#[test]
fn who_speaks_while_the_application_stops_the_model_is_answered() {
    let mut fed = confirming(true);
    fed.respond(1);
    fed.answered("a");
    fed.audio("a", 500);
    fed.speech(true);
    fed.at(100);
    fed.command(Command::Interrupt);
    fed.ended("a", "cancelled");
    fed.at(200);
    fed.speech(false);
    fed.committed();
    assert_eq!(fed.sent("response.create"), 2);
}

#[test]
fn a_reply_that_is_being_stopped_is_none_to_cough_at() {
    for created in [true, false] {
        let mut fed = confirming(true);
        fed.respond(1);
        if created {
            fed.answered("a");
        }
        fed.command(Command::Interrupt);
        fed.speech(true);
        assert!(!fed.is_held(), "nobody speaks");
        fed.at(100);
        fed.speech(false);
        fed.committed();
        fed.ended("a", "cancelled");
        if !created {
            fed.answered("a");
            fed.ended("a", "cancelled");
        }
        assert_eq!(fed.sent("response.create"), 2, "a short answer is one too");
    }
}
