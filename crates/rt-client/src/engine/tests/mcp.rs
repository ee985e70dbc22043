//! Tools of remote MCP servers: approvals are asked for once, and the model goes on when the service has called.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, Item, ServerEvent};
use serde_json::json;

use crate::engine::{Command, Engine, Options, Output};
use crate::event::Event;
use crate::tool::McpApproval;

/// What was sent, what was asked, and what was reported.
#[derive(Default)]
struct Seen {
    sent: Vec<ClientEvent>,
    asked: Vec<McpApproval>,
    errors: usize,
}

impl Seen {
    fn take(&mut self, engine: &mut Engine) {
        for output in engine.take() {
            match output {
                Output::Send(event) => self.sent.push(event),
                Output::Event(Event::McpApprovalWanted(approval)) => self.asked.push(approval),
                Output::Event(Event::Error(_)) => self.errors += 1,
                _ => {}
            }
        }
    }

    fn responses(&self) -> usize {
        let is_it = |event: &&ClientEvent| matches!(event, ClientEvent::ResponseCreate(_));
        self.sent.iter().filter(is_it).count()
    }
}

fn feed(engine: &mut Engine, event: &serde_json::Value) {
    let event = ServerEvent::from_json(&event.to_string()).unwrap();
    engine.server(Duration::ZERO, &Arc::new(event));
}

/// A response that wants to call a tool of a server, to its end.
fn asking() -> (Engine, Seen) {
    let mut engine = Engine::new(Options::default());
    engine.opened(Duration::ZERO, false);
    let item = json!({"id":"mcpr_1","type":"mcp_approval_request","server_label":"shop","name":"buy",
        "arguments":"{\"what\":\"roses\"}"});
    let done = json!({"type":"response.output_item.done","response_id":"r","output_index":0,"item":item});
    feed(
        &mut engine,
        &json!({"type":"response.created","response":{"id":"r"}}),
    );
    feed(&mut engine, &done);
    feed(&mut engine, &done);
    let end = json!({"type":"response.done","response":{"id":"r","status":"completed","output":[item]}});
    feed(&mut engine, &end);
    let mut seen = Seen::default();
    seen.take(&mut engine);
    (engine, seen)
}

fn answer(engine: &mut Engine, request_id: &str, approve: bool) {
    let request_id = request_id.to_owned();
    engine.command(Duration::ZERO, Command::ApproveMcp { request_id, approve });
}

#[test]
fn an_approval_is_asked_for_and_answered_once() {
    let (mut engine, mut seen) = asking();
    let [asked] = &seen.asked[..] else {
        panic!("{:?}", seen.asked)
    };
    assert_eq!((asked.server.as_str(), asked.name.as_str()), ("shop", "buy"));
    assert_eq!(asked.response_id, "r");
    assert!(
        !format!("{asked:?}").contains("roses"),
        "arguments are not for logs"
    );
    answer(&mut engine, "mcpr_1", false);
    answer(&mut engine, "mcpr_1", true);
    answer(&mut engine, "unknown", true);
    seen.take(&mut engine);
    let [ClientEvent::ConversationItemCreate(create)] = &seen.sent[..] else {
        panic!("{:?}", seen.sent)
    };
    let Item::McpApprovalResponse(response) = &create.item else {
        panic!("{:?}", create.item)
    };
    assert_eq!(
        (response.approval_request_id.as_str(), response.approve),
        ("mcpr_1", false)
    );
    assert!(response.id.value().is_some() && create.event_id.value().is_some());
    assert_eq!(seen.errors, 2);
}

#[test]
fn the_model_goes_on_once_when_all_calls_are_over() {
    let (mut engine, mut seen) = asking();
    answer(&mut engine, "mcpr_1", true);
    for id in ["mcp_1", "mcp_2"] {
        feed(
            &mut engine,
            &json!({"type":"response.mcp_call.in_progress","output_index":0,"item_id":id}),
        );
    }
    feed(
        &mut engine,
        &json!({"type":"response.mcp_call.completed","output_index":0,"item_id":"mcp_1"}),
    );
    seen.take(&mut engine);
    assert_eq!(seen.responses(), 0);
    feed(
        &mut engine,
        &json!({"type":"response.mcp_call.failed","output_index":0,"item_id":"mcp_2"}),
    );
    seen.take(&mut engine);
    assert_eq!(seen.responses(), 1);
}

#[test]
fn nobody_answers_a_request_of_a_lost_connection() {
    let (mut engine, mut seen) = asking();
    engine.lost(Duration::ZERO, true);
    engine.restored(Duration::ZERO);
    answer(&mut engine, "mcpr_1", true);
    seen.take(&mut engine);
    assert!(seen.sent.is_empty(), "{:?}", seen.sent);
    assert_eq!(seen.errors, 1);
}

/// A response that calls a tool of a server by itself.
fn calling(engine: &mut Engine, id: &str) {
    feed(engine, &json!({"type":"response.created","response":{"id":id}}));
    let item = json!({"id":format!("mcp_{id}"),"type":"mcp_call","server_label":"shop","name":"look","arguments":"{}"});
    feed(
        engine,
        &json!({"type":"response.output_item.added","response_id":id,"output_index":0,"item":item}),
    );
}

fn ended(engine: &mut Engine, id: &str, status: &str) {
    feed(
        engine,
        &json!({"type":"response.done","response":{"id":id,"status":status,"output":[]}}),
    );
}

fn completed(engine: &mut Engine, id: &str) {
    feed(
        engine,
        &json!({"type":"response.mcp_call.completed","output_index":0,"item_id":format!("mcp_{id}")}),
    );
}

#[test]
fn a_call_that_went_with_its_response_or_its_server_holds_up_no_other() {
    for restores in [false, true] {
        let (mut engine, mut seen) = asking();
        calling(&mut engine, "cut");
        if restores {
            engine.response_lost(Duration::ZERO, Some("cut"), None);
            engine.restored(Duration::ZERO);
        } else {
            ended(&mut engine, "cut", "cancelled");
        }
        calling(&mut engine, "next");
        completed(&mut engine, "next");
        ended(&mut engine, "next", "completed");
        seen.take(&mut engine);
        assert_eq!(seen.responses(), 1);
        assert!(engine.deadline().is_none_or(|due| due < Duration::from_secs(100)));
    }
}

#[test]
fn the_model_goes_on_without_a_call_that_never_ends() {
    let (mut engine, mut seen) = asking();
    calling(&mut engine, "r1");
    ended(&mut engine, "r1", "completed");
    engine.handle_timeout(Duration::from_secs(299));
    seen.take(&mut engine);
    assert_eq!(seen.responses(), 0);
    engine.handle_timeout(Duration::from_secs(301));
    seen.take(&mut engine);
    assert_eq!(seen.responses(), 1);
}

#[test]
fn a_function_and_a_call_of_one_response_have_one_follow_up() {
    for mcp_first in [true, false] {
        let (mut engine, mut seen) = asking();
        calling(&mut engine, "r1");
        let item = json!({"id":"f","type":"function_call","call_id":"call_1","name":"own","arguments":"{}"});
        feed(
            &mut engine,
            &json!({"type":"response.output_item.done","response_id":"r1","output_index":1,"item":item}),
        );
        if mcp_first {
            completed(&mut engine, "r1");
        }
        ended(&mut engine, "r1", "completed");
        engine.command(
            Duration::ZERO,
            Command::Answer {
                call_id: "call_1".into(),
                output: "{}".into(),
            },
        );
        seen.take(&mut engine);
        assert_eq!(seen.responses(), 0);
        let output = seen
            .sent
            .last()
            .and_then(ClientEvent::event_id)
            .unwrap()
            .to_owned();
        engine.sent(Duration::ZERO, &output, Ok(()));
        if !mcp_first {
            seen.take(&mut engine);
            assert_eq!(seen.responses(), 0, "a call is still being made");
            completed(&mut engine, "r1");
        }
        ended(&mut engine, "none", "completed");
        seen.take(&mut engine);
        assert_eq!(seen.responses(), 1);
        calling(&mut engine, "r2");
        ended(&mut engine, "r2", "cancelled");
        seen.take(&mut engine);
        assert_eq!(seen.responses(), 1);
    }
}

#[test]
fn an_approval_the_server_refused_can_be_given_again() {
    let (mut engine, mut seen) = asking();
    answer(&mut engine, "mcpr_1", true);
    seen.take(&mut engine);
    let id = seen.sent[0].event_id().unwrap().to_owned();
    feed(
        &mut engine,
        &json!({"type":"error","error":{"type":"invalid_request_error","message":"no","event_id":id}}),
    );
    answer(&mut engine, "mcpr_1", true);
    seen.take(&mut engine);
    assert_eq!((seen.sent.len(), seen.errors), (2, 1));
}

#[test]
fn of_too_many_requests_the_oldest_is_forgotten() {
    let (mut engine, mut seen) = asking();
    for n in 2..=257 {
        let item = json!({"id":format!("mcpr_{n}"),"type":"mcp_approval_request","server_label":"shop",
            "name":"buy","arguments":"{}"});
        feed(
            &mut engine,
            &json!({"type":"response.output_item.done","response_id":"r2","output_index":0,"item":item}),
        );
    }
    seen.take(&mut engine);
    assert_eq!(seen.asked.len(), 257);
    answer(&mut engine, "mcpr_1", true);
    seen.take(&mut engine);
    assert_eq!((seen.sent.len(), seen.errors), (0, 1));
    for id in ["mcpr_2", "mcpr_257"] {
        answer(&mut engine, id, true);
    }
    seen.take(&mut engine);
    assert_eq!((seen.sent.len(), seen.errors), (2, 1));
}

#[test]
fn of_too_many_calls_the_oldest_is_not_waited_for() {
    let mut engine = Engine::new(Options::default());
    engine.opened(Duration::ZERO, false);
    feed(
        &mut engine,
        &json!({"type":"response.created","response":{"id":"r"}}),
    );
    for n in 0..=256 {
        let item = json!({"id":format!("mcp_{n}"),"type":"mcp_call","server_label":"shop","name":"buy",
            "arguments":"{}"});
        feed(
            &mut engine,
            &json!({"type":"response.output_item.added","response_id":"r","output_index":n,"item":item}),
        );
    }
    let done = json!({"type":"response.done","response":{"id":"r","status":"completed","output":[]}});
    feed(&mut engine, &done);
    let mut seen = Seen::default();
    for n in 1..=256 {
        seen.take(&mut engine);
        assert_eq!(seen.responses(), 0, "{n} is not over");
        let id = format!("mcp_{n}");
        feed(
            &mut engine,
            &json!({"type":"response.mcp_call.completed","item_id":id,"output_index":n}),
        );
    }
    seen.take(&mut engine);
    assert_eq!(seen.responses(), 1);
}
