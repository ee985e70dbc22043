//! What the model said is told when it was heard.

use rt_protocol::client_event::ConversationItemTruncate;
use serde_json::json;

use super::fed::Fed;
use crate::engine::{Command, Options, Output};
use crate::event::Event;
use crate::reply::ReplyUpdate;

const WORDS: &str = "one two three four five six seven eight";

/// A session without a sink, or with one, and a reply of two seconds that came at once.
fn reply(sink: bool) -> Fed {
    let options = Options {
        sink,
        ..Options::default()
    };
    let mut fed = Fed::new(options, true, true);
    fed.respond(1);
    fed.answered("a");
    let item = json!({"id":"ia","type":"message","role":"assistant","status":"in_progress","content":[]});
    fed.feed(&json!({"type":"conversation.item.added","item":item}));
    for word in WORDS.split_inclusive(' ') {
        fed.audio("a", 250);
        fed.text("a", word, false);
    }
    fed.text("a", WORDS, true);
    let part = json!({"type":"output_audio","transcript":WORDS});
    let item = json!({"id":"ia","type":"message","role":"assistant","status":"completed","content":[part]});
    fed.feed(&json!({"type":"conversation.item.done","item":item}));
    fed
}

/// The whole texts and the lines that were told.
fn told(fed: &Fed) -> (Vec<String>, Vec<String>) {
    let (mut finals, mut lines) = (Vec::new(), Vec::new());
    for output in &fed.out {
        match output {
            Output::Event(Event::Transcript(said)) if said.is_final => finals.push(said.text.to_string()),
            Output::Event(Event::Line(line)) => lines.push(line.text.to_string()),
            _ => {}
        }
    }
    (finals, lines)
}

fn once(text: &str) -> (Vec<String>, Vec<String>) {
    (vec![text.to_owned()], vec![text.to_owned()])
}

fn truncate(fed: &mut Fed, ms: u64) {
    fed.command(Command::Raw(ConversationItemTruncate::new("ia", ms).into()));
    acknowledge(fed, ms);
}

fn acknowledge(fed: &mut Fed, ms: u64) {
    fed.feed(
        &json!({"type":"conversation.item.truncated","item_id":"ia","content_index":0,"audio_end_ms":ms}),
    );
}

#[test]
fn what_is_played_is_told_when_it_was() {
    for sink in [false, true] {
        let mut fed = reply(sink);
        fed.done("a");
        fed.at(1900);
        if sink {
            fed.engine.played(fed.now, 24 * 1900);
        }
        assert_eq!(told(&fed), (vec![], vec![]));
        fed.at(2001);
        if sink {
            fed.engine.played(fed.now, 24 * 2000);
            fed.at(2002);
        }
        assert_eq!(told(&fed), once(WORDS));
    }
}

#[test]
fn what_is_cut_is_told_as_far_as_it_was_heard() {
    for is_done in [true, false] {
        let mut fed = reply(false);
        if is_done {
            fed.done("a");
        }
        fed.at(1000);
        fed.speech(true);
        fed.at(5000);
        let (finals, lines) = told(&fed);
        assert_eq!(finals, lines);
        assert_eq!(finals.len(), 1);
        assert!(
            finals[0].starts_with("one two") && !finals[0].contains("five"),
            "{finals:?}"
        );
        let cut = fed.out.iter().find_map(|output| match output {
            Output::Reply(1, ReplyUpdate::Cut { samples, text, .. }) => Some((*samples, text.to_string())),
            _ => None,
        });
        // A reply that is over has been handed out.
        let expected = (!is_done).then(|| (24_000, finals[0].clone()));
        assert_eq!(cut, expected);
    }
}

#[test]
fn a_session_that_ends_tells_all_it_knows() {
    let mut fed = reply(false);
    fed.done("a");
    fed.at(1000);
    fed.engine.closed(fed.now, None);
    fed.at(1001);
    assert_eq!(told(&fed), once(WORDS));
}

#[test]
fn a_sink_that_fails_has_told_what_was_heard() {
    let mut fed = reply(true);
    fed.done("a");
    fed.at(1000);
    fed.engine.played(fed.now, 24_000);
    fed.engine.sink_failed(fed.now);
    fed.at(1001);
    let (finals, lines) = told(&fed);
    assert_eq!(finals, lines);
    assert!(!finals[0].contains("five"), "{finals:?}");
}

#[test]
fn a_sink_that_stands_still_does_not_hold_up_others_for_ever() {
    let mut fed = reply(true);
    fed.done("a");
    let item = json!({"id":"u","type":"message","role":"user","status":"completed",
        "content":[{"type":"input_text","text":"Hello?"}]});
    fed.feed(&json!({"type":"conversation.item.added","previous_item_id":"ia","item":item}));
    fed.at(4000);
    // It plays a little.
    fed.engine.played(fed.now, 24_000);
    fed.at(8900);
    assert_eq!(told(&fed).1, Vec::<String>::new());
    fed.at(9100);
    assert_eq!(told(&fed).1, ["Hello?"]);
    fed.engine.played(fed.now, 48_000);
    fed.at(9200);
    assert_eq!(told(&fed).1, ["Hello?", WORDS], "late, but told");
}

#[test]
fn what_the_application_cuts_is_cut_in_the_history_and_in_what_is_told() {
    let mut fed = reply(false);
    fed.done("a");
    truncate(&mut fed, 1500);
    let item = &fed.engine.history()[0];
    assert_eq!(item.heard.expect("it is cut").as_millis(), 1500);
    assert!(
        item.text.contains("four") && !item.text.contains("seven"),
        "{:?}",
        &*item.text
    );
    let left = item.text.to_string();
    fed.at(3000);
    assert_eq!(told(&fed), once(&left));
    // Nobody cuts less by cutting again.
    acknowledge(&mut fed, 1800);
    assert_eq!(*fed.engine.history()[0].text, *left);
}

#[test]
fn an_interruption_cuts_what_the_application_left() {
    let mut fed = reply(false);
    fed.done("a");
    truncate(&mut fed, 1500);
    fed.at(500);
    fed.command(Command::Interrupt);
    assert_eq!(fed.interruptions()[0].1, 500);
    assert_eq!(fed.sent("conversation.item.truncate"), 2);
    let heard = fed.engine.history()[0].heard.expect("it is cut");
    assert_eq!(heard.as_millis(), 500);
    // Past its end nothing is left to be cut.
    let mut fed = reply(false);
    fed.done("a");
    truncate(&mut fed, 500);
    fed.at(700);
    fed.command(Command::Interrupt);
    assert_eq!(fed.sent("conversation.item.truncate"), 1);
}

#[test]
fn what_somebody_else_cuts_is_cut_in_the_history() {
    // Played elsewhere: no audio came here.
    let mut fed = Fed::new(Options::default(), true, true);
    let part = json!({"type":"output_audio","transcript":WORDS});
    let item = json!({"id":"ia","type":"message","role":"assistant","status":"completed","content":[part]});
    fed.feed(&json!({"type":"conversation.item.added","item":item}));
    acknowledge(&mut fed, 1000);
    assert_eq!(fed.engine.history()[0].text, "one two three");
}
