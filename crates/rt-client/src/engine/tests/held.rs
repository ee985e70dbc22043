//! What guardrails hold, event by event.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent, Text};
use serde_json::{Value, json};

use crate::engine::{CheckId, Engine, Options, Output};
use crate::event::Event;
use crate::guardrail::{Guardrail, Verdict};

struct Held {
    engine: Engine,
    now: Duration,
    out: Vec<Output>,
}

impl Held {
    fn new(guardrails: Vec<Guardrail>) -> Self {
        let mut engine = Engine::new(Options {
            guardrails,
            sink: true,
            ..Options::default()
        });
        engine.opened(Duration::ZERO, false);
        Self {
            engine,
            now: Duration::ZERO,
            out: Vec::new(),
        }
    }

    fn feed(&mut self, event: &Value) {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        self.engine.server(self.now, &Arc::new(event));
        self.out.extend(self.engine.take());
    }

    fn created(&mut self, id: &str) {
        self.feed(&json!({"type":"response.created","response":{"id":id}}));
    }

    /// A tenth of a second of silence.
    fn audio(&mut self, id: &str) {
        let delta = "A".repeat(6400);
        self.feed(
            &json!({"type":"response.output_audio.delta","response_id":id,"item_id":format!("i{id}"),
            "output_index":0,"content_index":0,"delta":delta}),
        );
    }

    fn text(&mut self, id: &str, index: u32, delta: &str) {
        self.feed(
            &json!({"type":"response.output_audio_transcript.delta","response_id":id,
            "item_id":format!("i{id}"),"output_index":0,"content_index":index,"delta":delta}),
        );
    }

    fn whole(&mut self, id: &str, text: &str) {
        self.feed(
            &json!({"type":"response.output_audio_transcript.done","response_id":id,
            "item_id":format!("i{id}"),"output_index":0,"content_index":0,"transcript":text}),
        );
    }

    fn done(&mut self, id: &str) {
        self.feed(
            &json!({"type":"response.done","response":{"id":id,"status":"completed","output":[],
            "usage":{"total_tokens":7,"input_tokens":3,"output_tokens":4}}}),
        );
    }

    fn checks(&self) -> Vec<CheckId> {
        let id = |output: &Output| match output {
            Output::Check(check) => Some(check.id),
            _ => None,
        };
        self.out.iter().filter_map(id).collect()
    }

    fn checked(&mut self, id: CheckId, verdict: Verdict) {
        self.engine.checked(self.now, id, verdict);
        self.out.extend(self.engine.take());
    }

    fn count(&self, is_it: impl Fn(&Output) -> bool) -> usize {
        self.out.iter().filter(|output| is_it(output)).count()
    }

    fn played(&self) -> usize {
        self.count(|output| matches!(output, Output::Play(_)))
    }

    fn blocked(&self) -> usize {
        self.count(|output| matches!(output, Output::Event(Event::Blocked(_))))
    }

    fn usage(&self) -> usize {
        self.count(|output| matches!(output, Output::Event(Event::Usage(_))))
    }
}

fn no_secrets() -> Guardrail {
    Guardrail::new("secrets", |text| match text.contains("secret") {
        true => Err("it tells a secret".to_owned()),
        false => Ok(()),
    })
}

fn slow() -> Guardrail {
    Guardrail::new_async("slow", |_: Text| std::future::pending()).timeout(Duration::from_secs(500))
}

#[test]
fn audio_ahead_of_its_text_waits_for_the_words_said_in_it() {
    let mut held = Held::new(vec![no_secrets().hold()]);
    held.created("r");
    for _ in 0..20 {
        held.audio("r");
    }
    held.text("r", 0, "All is well,");
    assert!(held.played() <= 4, "{}", held.played());
    held.text("r", 0, " and the secret is out");
    assert!(held.played() <= 4 && held.blocked() == 1);
}

#[test]
fn how_much_text_a_second_of_audio_waits_for_can_be_set() {
    // 20 characters are a second of slow speech, and two thirds of one of the quickest.
    let after = |guardrail: Guardrail| {
        let mut held = Held::new(vec![guardrail.hold()]);
        held.created("r");
        for _ in 0..30 {
            held.audio("r");
        }
        held.text("r", 0, "All is well with us.");
        held.played()
    };
    assert_eq!(after(no_secrets().fastest_speech(10)), 20);
    let default = after(no_secrets());
    assert!((5..=7).contains(&default), "{default}");
    // Of several the most careful one counts.
    let mut both = Held::new(vec![
        no_secrets().fastest_speech(10).hold(),
        no_secrets().fastest_speech(0).hold(),
        no_secrets().hold(),
    ]);
    both.created("r");
    for _ in 0..30 {
        both.audio("r");
    }
    both.text("r", 0, "All is well with us.");
    assert_eq!(both.played(), default);
}

#[test]
fn text_that_only_an_item_tells_is_checked() {
    let item = json!({"id":"ir","type":"message","role":"assistant","status":"completed",
        "content":[{"type":"output_text","text":"The secret is out."}]});
    for event in [
        json!({"type":"response.output_item.done","response_id":"r","output_index":0,"item":item}),
        json!({"type":"conversation.item.done","previous_item_id":null,"item":item}),
    ] {
        let mut held = Held::new(vec![no_secrets().hold()]);
        held.created("r");
        let empty =
            json!({"id":"ir","type":"message","role":"assistant","status":"in_progress","content":[]});
        held.feed(
            &json!({"type":"response.output_item.added","response_id":"r","output_index":0,"item":empty}),
        );
        held.feed(&event);
        held.done("r");
        assert_eq!(held.blocked(), 1);
        assert!(held.engine.history().iter().all(|item| item.text.is_empty()));
    }
}

#[test]
fn pieces_that_are_not_in_the_whole_text_are_checked_too() {
    let mut held = Held::new(vec![slow().hold()]);
    held.created("r");
    held.text("r", 0, "Well, ");
    held.text("r", 0, "the secret is out.");
    held.whole("r", "All is well.");
    let first = held.checks()[0];
    held.checked(first, Verdict::Pass);
    let Some(Output::Check(second)) = held.out.iter().rfind(|output| matches!(output, Output::Check(_)))
    else {
        panic!("no second check");
    };
    assert!(second.text.contains("the secret is out.") && second.text.contains("All is well."));
}

#[test]
fn a_late_verdict_on_a_reply_that_is_over_cancels_the_next_one() {
    let mut held = Held::new(vec![slow()]);
    held.created("a");
    held.audio("a");
    held.text("a", 0, "The secret.");
    held.done("a");
    held.created("b");
    held.audio("b");
    let check = held.checks()[0];
    held.checked(check, Verdict::Block("late".to_owned()));
    let cancels = held.count(|output| matches!(output, Output::Send(ClientEvent::ResponseCancel(_))));
    assert_eq!((held.blocked(), cancels), (1, 1));
}

#[test]
fn a_blocked_reply_that_is_given_up_stays_silent() {
    let mut held = Held::new(vec![no_secrets()]);
    held.created("r");
    held.text("r", 0, "The secret.");
    held.now = Duration::from_secs(300);
    held.engine.handle_timeout(held.now);
    held.audio("r");
    assert_eq!((held.blocked(), held.played()), (1, 0));
}

#[test]
fn a_reply_whose_end_is_held_when_the_connection_is_lost_has_cost_what_it_cost() {
    let mut held = Held::new(vec![slow().hold()]);
    held.created("r");
    held.text("r", 0, "Well.");
    held.done("r");
    assert_eq!(held.usage(), 0);
    held.engine.lost(held.now, false);
    held.out.extend(held.engine.take());
    assert_eq!(held.usage(), 1);
}

#[test]
fn a_check_is_started_before_it_is_aborted() {
    let short = Duration::from_millis(500);
    let mut held = Held::new(vec![slow().timeout(short).fail_open(), slow().timeout(short)]);
    held.created("r");
    held.text("r", 0, "a");
    held.text("r", 0, "b");
    held.text("r", 1, "c");
    let second = held.checks()[1];
    held.checked(second, Verdict::Pass);
    held.out.clear();
    held.now = short;
    held.engine.handle_timeout(held.now);
    held.out.extend(held.engine.take());
    let started = held.checks();
    assert!(!started.is_empty());
    for id in started {
        let at = |is_it: &dyn Fn(&Output) -> bool| held.out.iter().position(is_it).unwrap();
        let begun = at(&|output| matches!(output, Output::Check(check) if check.id == id));
        let aborted = at(&|output| matches!(output, Output::AbortCheck(check) if *check == id));
        assert!(begun < aborted);
    }
}
