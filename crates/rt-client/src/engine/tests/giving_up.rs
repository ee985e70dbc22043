//! The connection gives up, or a response has no end: whatever waits is told, once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, Item, ResponseParams, ServerEvent, Text};
use serde_json::{Value, json};

use crate::engine::{Command, Engine, Options, Output, Policy, Ticket};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::guardrail::Guardrail;
use crate::reply::{ReplyStatus, ReplyUpdate};

/// How long a response may be without any event, and a cancel without an answer.
const STALL: Duration = Duration::from_secs(120);
const CANCEL: Duration = Duration::from_secs(5);

struct Session {
    engine: Engine,
    now: Duration,
    out: Vec<Output>,
}

impl Session {
    fn new(guardrails: Vec<Guardrail>) -> Self {
        let policy = Policy {
            timeout: Duration::from_secs(500),
            interim: None,
            approval: false,
        };
        let mut engine = Engine::new(Options {
            guardrails,
            policies: HashMap::from([("price".to_owned(), policy)]),
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

    fn command(&mut self, command: Command) {
        self.engine.command(self.now, command);
        self.out.extend(self.engine.take());
    }

    fn respond(&mut self, reply: Ticket) {
        self.command(Command::Respond { reply, params: None });
    }

    fn feed(&mut self, event: &Value) {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        self.engine.server(self.now, &Arc::new(event));
        self.out.extend(self.engine.take());
    }

    /// The server begins the response that was asked for last.
    fn created(&mut self, id: &str) {
        let asked = self.out.iter().rev().find_map(|output| match output {
            Output::Send(event @ ClientEvent::ResponseCreate(_)) => event.event_id(),
            _ => None,
        });
        let metadata = json!({"rt_req": asked.expect("a response is asked for")});
        self.feed(&json!({"type":"response.created","response":{"id":id,"metadata":metadata}}));
    }

    fn text(&mut self, id: &str, delta: &str) {
        self.feed(
            &json!({"type":"response.output_audio_transcript.delta","response_id":id,
            "item_id":format!("i{id}"),"output_index":0,"content_index":0,"delta":delta}),
        );
    }

    fn audio(&mut self, id: &str) {
        self.feed(
            &json!({"type":"response.output_audio.delta","response_id":id,"item_id":format!("i{id}"),
            "output_index":0,"content_index":0,"delta":"AAAA"}),
        );
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.engine.handle_timeout(self.now);
        self.out.extend(self.engine.take());
    }

    /// The connection is lost, and not tried any more.
    fn give_up(&mut self) {
        self.engine.lost(self.now, true);
        let error = Error::new(ErrorKind::Connection, "no more attempts");
        self.engine.closed(self.now, Some(error));
        self.out.extend(self.engine.take());
    }

    /// How each ticket ended: `true` for a reply, `false` for none.
    fn ends(&self) -> BTreeMap<Ticket, Vec<bool>> {
        let mut ends = BTreeMap::<Ticket, Vec<bool>>::new();
        for output in &self.out {
            let (ticket, reply) = match output {
                Output::Reply(ticket, ReplyUpdate::Ended(_)) => (ticket, true),
                Output::NoReply(ticket, _) | Output::NoneCame(ticket, _) => (ticket, false),
                Output::Ack(ticket, result) => (ticket, result.is_ok()),
                _ => continue,
            };
            ends.entry(*ticket).or_default().push(reply);
        }
        ends
    }

    fn statuses(&self) -> Vec<(Ticket, ReplyStatus)> {
        let ended = |output: &Output| match output {
            Output::Reply(ticket, ReplyUpdate::Ended(status)) => Some((*ticket, status.clone())),
            _ => None,
        };
        self.out.iter().filter_map(ended).collect()
    }

    fn count(&self, is_it: impl Fn(&Output) -> bool) -> usize {
        self.out.iter().filter(|output| is_it(output)).count()
    }
}

fn endless() -> Guardrail {
    let check = Guardrail::new_async("endless", |_: Text| std::future::pending());
    check.timeout(Duration::from_secs(500)).hold()
}

fn is_transcript(output: &Output) -> bool {
    matches!(output, Output::Event(Event::Transcript(_)))
}

#[test]
fn every_handle_ends_when_the_connection_gives_up() {
    for under_way in [false, true] {
        let mut session = Session::new(Vec::new());
        let item = || Box::new(Item::user_text("Hello"));
        session.command(Command::Say {
            reply: 1,
            item: item(),
        });
        if under_way {
            session.created("r");
        }
        session.respond(2);
        session.command(Command::Commit {
            ack: 3,
            reply: Some(4),
        });
        session.command(Command::Watch { reply: 5 });
        let params = Some(Box::new(ResponseParams::new().out_of_band()));
        session.command(Command::Respond { reply: 6, params });
        session.command(Command::Insert {
            ack: 7,
            item: item(),
            after: None,
        });
        let item_id = || "item".to_owned();
        session.command(Command::Delete {
            ack: 8,
            item_id: item_id(),
        });
        session.command(Command::Retrieve {
            ack: 9,
            item_id: item_id(),
        });
        assert!(session.ends().is_empty());
        session.give_up();
        let ends = session.ends();
        for ticket in 1..=9 {
            let replies = under_way && [1, 5].contains(&ticket);
            assert_eq!(ends.get(&ticket), Some(&vec![replies]), "{ticket}");
        }
        let told = |output: &Output| matches!(output, Output::Event(Event::Error(error)) if error.kind() == ErrorKind::Connection);
        assert_eq!(session.count(told), 1);
        let closed = Some(Output::Event(Event::State(rt_lowlevel::State::Closed)));
        assert_eq!(format!("{:?}", session.out.last()), format!("{closed:?}"));
        // Nor does anybody wait who comes too late.
        session.respond(10);
        assert_eq!(session.ends().get(&10), Some(&vec![false]));
    }
}

#[test]
fn what_is_held_when_the_connection_gives_up_never_comes_out() {
    let mut session = Session::new(vec![endless()]);
    session.respond(1);
    session.created("r");
    session.text("r", "Not checked.");
    session.audio("r");
    session.give_up();
    assert_eq!(session.ends(), BTreeMap::from([(1, vec![true])]));
    assert_eq!(session.count(is_transcript), 0);
    assert_eq!(session.count(|output| matches!(output, Output::Play(_))), 0);
    assert_eq!(session.count(|output| matches!(output, Output::AbortCheck(_))), 1);
}

#[test]
fn a_function_that_outlives_the_connection_is_no_fault() {
    let mut session = Session::new(Vec::new());
    session.respond(1);
    session.created("r");
    call(&mut session);
    session.give_up();
    let before = session.count(|output| matches!(output, Output::Send(ClientEvent::ResponseCreate(_))));
    session
        .engine
        .tool_finished(session.now, "call_1", Ok("3".into()));
    session.out.extend(session.engine.take());
    let after = session.count(|output| matches!(output, Output::Send(ClientEvent::ResponseCreate(_))));
    assert_eq!(before, after, "nobody is asked what follows");
}

fn call(session: &mut Session) {
    let item = json!({"id":"i1","type":"function_call","call_id":"call_1","name":"price","arguments":"{}",
        "status":"completed"});
    session.feed(&json!({"type":"response.output_item.done","response_id":"r","output_index":0,"item":item}));
    assert_eq!(session.count(|output| matches!(output, Output::RunTool(_))), 1);
}

#[test]
fn a_response_without_an_end_is_given_up_with_what_is_held_of_it() {
    let mut session = Session::new(vec![endless()]);
    session.respond(1);
    session.created("r");
    session.command(Command::Watch { reply: 2 });
    session.respond(3);
    session.text("r", "Not checked.");
    session.wait(STALL);
    let unfinished = |ticket| (ticket, ReplyStatus::Unfinished);
    assert_eq!(session.statuses(), [unfinished(1), unfinished(2)]);
    assert_eq!(session.count(is_transcript), 0);
    assert_eq!(session.count(|output| matches!(output, Output::AbortCheck(_))), 1);
    // The next one is asked for, and gets what it asked for.
    session.created("r2");
    session.feed(&json!({"type":"response.done","response":{"id":"r2","status":"completed","output":[]}}));
    assert_eq!(session.statuses().last(), Some(&(3, ReplyStatus::Completed)));
}

#[test]
fn the_call_of_a_response_without_an_end_is_answered() {
    let mut session = Session::new(Vec::new());
    session.respond(1);
    session.created("r");
    call(&mut session);
    session.wait(STALL);
    assert_eq!(session.statuses(), [(1, ReplyStatus::Unfinished)]);
    session
        .engine
        .tool_finished(session.now, "call_1", Ok("3".into()));
    session.out.extend(session.engine.take());
    let output = session.out.iter().rev().find_map(|output| match output {
        Output::Send(ClientEvent::ConversationItemCreate(create)) => Some(create.item.clone()),
        _ => None,
    });
    let Some(Item::FunctionCallOutput(output)) = output else {
        panic!("{output:?}");
    };
    assert_eq!(output.call_id, "call_1");
}

#[test]
fn a_cancel_nobody_answers_ends_the_reply_and_its_sound() {
    let mut session = Session::new(Vec::new());
    session.respond(1);
    session.created("r");
    session.audio("r");
    session.command(Command::Interrupt);
    assert!(session.ends().is_empty());
    session.wait(CANCEL);
    assert_eq!(session.statuses(), [(1, ReplyStatus::Unfinished)]);
    let played = session.count(|output| matches!(output, Output::Play(_)));
    session.audio("r");
    assert_eq!(session.count(|output| matches!(output, Output::Play(_))), played);
}
