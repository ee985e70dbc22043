//! What is asked for while the user interrupts.

use serde_json::json;

use super::fed::Fed;
use crate::engine::{Options, Output};

fn session(keep_follow_ups: bool) -> Fed {
    let options = Options {
        sink: true,
        keep_follow_ups,
        ..Options::default()
    };
    Fed::new(options, true, true)
}

/// A response with a call, of which the follow-up is asked for.
fn follow_up_in_flight(keep: bool) -> Fed {
    let mut fed = session(keep);
    fed.respond(1);
    fed.answered("a");
    fed.call("a", "c");
    fed.done("a");
    fed.returns("c");
    assert_eq!(fed.sent("response.create"), 2);
    fed
}

#[test]
fn a_follow_up_in_flight_does_not_talk_over_the_user() {
    let mut fed = follow_up_in_flight(false);
    fed.speech(true);
    // The server cancels nothing any more: it heard the user before it began this.
    fed.answered("b");
    fed.audio("b", 100);
    assert_eq!(fed.sent("response.cancel"), 1);
    assert_eq!(fed.count(|output| matches!(output, Output::Play(_))), 0);
    fed.ended("b", "cancelled");
    fed.speech(false);
    fed.created("c");
    fed.done("c");
    assert_eq!(
        fed.sent("response.create"),
        2,
        "the answer to the user sees it all"
    );
    assert!(fed.engine.is_idle());
}

#[test]
fn a_follow_up_that_is_to_be_kept_is_asked_for_again() {
    let mut fed = follow_up_in_flight(true);
    fed.speech(true);
    fed.answered("b");
    fed.ended("b", "cancelled");
    assert_eq!((fed.sent("response.cancel"), fed.sent("response.create")), (1, 2));
    fed.speech(false);
    fed.created("c");
    fed.done("c");
    assert_eq!(fed.sent("response.create"), 3);
    fed.answered("d");
    fed.done("d");
    assert!(fed.engine.is_idle());
}

#[test]
fn a_follow_up_that_met_another_response_is_not_put_back_when_the_user_interrupts() {
    let mut fed = follow_up_in_flight(false);
    let key = fed.last_request();
    fed.speech(true);
    fed.feed(
        &json!({"type":"error","error":{"type":"invalid_request_error","event_id":key,
        "code":"conversation_already_has_active_response",
        "message":"Conversation already has an active response in progress: resp_x."}}),
    );
    fed.ended("resp_x", "cancelled");
    fed.speech(false);
    fed.at(10_000);
    assert_eq!(fed.sent("response.create"), 2);
    assert!(fed.engine.is_idle());
}

#[test]
fn a_request_in_flight_is_stopped_as_a_response_under_way_is() {
    let mut fed = session(false);
    fed.respond(1);
    fed.speech(true);
    fed.answered("a");
    fed.ended("a", "cancelled");
    assert_eq!(fed.ends(1), ["interrupted"]);
    assert_eq!(fed.sent("response.cancel"), 1);
}

/// A follow-up that waits for the end of what the user says.
fn follow_up_waits(fed: &mut Fed) {
    fed.respond(1);
    fed.answered("a");
    fed.call("a", "c");
    fed.done("a");
    fed.speech(true);
    fed.returns("c");
    assert_eq!(fed.sent("response.create"), 1);
}

#[test]
fn a_follow_up_does_not_wait_for_a_user_who_is_muted() {
    let mut fed = session(false);
    follow_up_waits(&mut fed);
    fed.engine.audio_sent(fed.now);
    fed.at(4000);
    assert_eq!(fed.sent("response.create"), 1);
    // He speaks on.
    fed.engine.audio_sent(fed.now);
    fed.at(8900);
    assert_eq!(fed.sent("response.create"), 1);
    fed.at(9100);
    assert_eq!(fed.sent("response.create"), 2);
    fed.answered("b");
    fed.done("b");
    assert!(fed.engine.is_idle());
}

#[test]
fn who_is_heard_over_another_connection_is_not_taken_to_be_muted() {
    // Audio of a telephone call does not come through the session.
    let mut fed = session(false);
    follow_up_waits(&mut fed);
    fed.at(60_000);
    assert_eq!(fed.sent("response.create"), 1);
    fed.speech(false);
    fed.at(70_000);
    assert_eq!(fed.sent("response.create"), 2);
}
