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
