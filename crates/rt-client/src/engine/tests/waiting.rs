//! Whoever waits for a reply that nobody asks for, or for one that follows another.

use std::time::Duration;

use rt_protocol::Item;
use serde_json::json;

use super::fed::Fed;
use crate::engine::{Command, Options, Output};
use crate::usage::{Budget, Prices};

fn session() -> Fed {
    Fed::new(Options::default(), true, true)
}

/// The handle of the reply that follows another one.
fn follow_up(fed: &Fed, of: u64) -> Option<u64> {
    fed.out.iter().find_map(|output| match output {
        Output::Follows(first, next) if *first == of => Some(*next),
        _ => None,
    })
}

#[test]
fn the_wait_for_a_reply_that_does_not_come_has_an_end() {
    let mut fed = session();
    fed.watch(1);
    fed.at(200_000);
    fed.speech(true);
    fed.at(201_000);
    fed.speech(false);
    fed.at(500_000);
    assert!(fed.ends(1).is_empty(), "the user spoke meanwhile");
    fed.at(502_000);
    assert_eq!(fed.ends(1), ["Timeout"]);
    assert_eq!(fed.engine.deadline(), None);
}

#[test]
fn how_long_is_waited_can_be_set() {
    for (limit, ends) in [(Duration::from_secs(2), 1), (Duration::MAX, 0)] {
        let options = Options {
            reply_timeout: Some(limit),
            ..Options::default()
        };
        let mut fed = Fed::new(options, true, true);
        fed.watch(1);
        fed.at(4_000_000);
        assert_eq!(fed.ends(1).len(), ends);
    }
}

#[test]
fn a_reply_that_is_being_interrupted_is_not_the_next_one() {
    // By the application, and by the server when it hears the user.
    for by_server in [false, true] {
        let mut fed = session();
        fed.respond(1);
        fed.answered("a");
        match by_server {
            true => fed.speech(true),
            false => fed.command(Command::Interrupt),
        }
        fed.watch(2);
        fed.ended("a", "cancelled");
        assert_eq!(
            (fed.ends(1), fed.ends(2)),
            (vec!["interrupted".to_owned()], vec![])
        );
        fed.created("b");
        fed.done("b");
        assert_eq!(fed.ends(2), ["completed"]);
    }
    // Nor is one that is stopped before it begins.
    let mut fed = session();
    fed.respond(1);
    fed.command(Command::Interrupt);
    fed.watch(2);
    fed.answered("a");
    fed.ended("a", "cancelled");
    assert!(fed.ends(2).is_empty());
}

#[test]
fn a_lost_connection_that_owes_nothing_ends_the_wait() {
    for (restores, asked, ended) in [(false, false, true), (true, false, false), (false, true, false)] {
        let mut fed = session();
        if asked {
            fed.respond(1);
        }
        fed.watch(2);
        fed.engine.lost(fed.now, restores);
        fed.command(Command::Abandon { reply: 0 });
        let expected: &[&str] = if ended { &["Connection"] } else { &[] };
        assert_eq!(fed.ends(2), expected, "restores {restores}, asked {asked}");
    }
}

#[test]
fn a_budget_that_is_used_up_ends_the_wait() {
    let options = Options {
        prices: Some(Prices {
            text_out: 1_000_000.0,
            ..Prices::default()
        }),
        budget: Some(Budget::new(1.0)),
        ..Options::default()
    };
    let mut fed = Fed::new(options, true, true);
    fed.respond(1);
    fed.answered("a");
    fed.call("a", "c");
    fed.watch(2);
    fed.feed(
        &json!({"type":"response.done","response":{"id":"a","status":"completed","output":[],
        "usage":{"total_tokens":9,"input_tokens":0,"output_tokens":9,
            "output_token_details":{"text_tokens":9,"audio_tokens":0}}}}),
    );
    assert_eq!(fed.ends(2), ["completed"], "it had begun");
    fed.watch(3);
    assert_eq!(fed.ends(3), ["Budget"]);
    let next = follow_up(&fed, 1).expect("it called a function");
    fed.returns("c");
    assert_eq!(fed.ends(next), ["Budget"]);
}

#[test]
fn a_reply_knows_the_one_that_follows_it_however_quick() {
    let mut fed = session();
    fed.respond(1);
    fed.answered("a");
    fed.call("a", "c");
    fed.done("a");
    let next = follow_up(&fed, 1).expect("it called a function");
    fed.returns("c");
    fed.answered("b");
    fed.done("b");
    // Whoever begins to wait only now has missed it.
    fed.watch(2);
    assert_eq!(fed.ends(next), ["completed"]);
    assert_eq!(fed.ends(2).len(), 0);
    assert_eq!(follow_up(&fed, next), None);
}

#[test]
fn what_follows_an_interruption_is_the_answer_to_the_user() {
    let mut fed = session();
    fed.respond(1);
    fed.answered("a");
    fed.call("a", "c");
    fed.done("a");
    let next = follow_up(&fed, 1).expect("it called a function");
    fed.speech(true);
    fed.returns("c");
    fed.speech(false);
    fed.created("b");
    fed.done("b");
    assert_eq!(fed.ends(next), ["completed"]);
    assert!(fed.engine.is_idle());
}

#[test]
fn calls_answered_by_items_are_followed_by_nothing() {
    let mut fed = session();
    fed.respond(1);
    fed.answered("a");
    let item = json!({"id":"f","type":"function_call","status":"completed","name":"mine","call_id":"c","arguments":"{}"});
    fed.feed(&json!({"type":"response.output_item.done","response_id":"a","output_index":0,"item":item}));
    fed.done("a");
    let next = follow_up(&fed, 1).expect("it called a function");
    let output = Item::function_call_output("c", "{}");
    let create = rt_protocol::client_event::ConversationItemCreate::new(output);
    fed.command(Command::Raw(create.into()));
    assert_eq!(fed.ends(next), ["Cancelled"]);
}
