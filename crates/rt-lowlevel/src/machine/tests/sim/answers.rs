//! What the service answers, and when.

use std::time::Duration;

use rt_protocol::ServerEvent;
use serde_json::{Value, json};

/// What the service does later.
#[derive(Debug, Clone)]
pub(super) enum Then {
    Send(Box<ServerEvent>),
    /// A part of a response, unless it was cancelled.
    Of(u64, Box<ServerEvent>),
    /// The response is over.
    End(u64, Value),
}

/// Answers, each with the time until it is given.
#[derive(Default)]
pub(super) struct Out(pub(super) Vec<(Duration, Then)>);

impl Out {
    pub(super) fn say(&mut self, value: &Value) {
        self.later(0, value);
    }

    pub(super) fn later(&mut self, ms: u64, value: &Value) {
        let then = Then::Send(Box::new(event(value)));
        self.0.push((Duration::from_millis(ms), then));
    }

    pub(super) fn of(&mut self, number: u64, ms: u64, value: &Value) {
        let then = Then::Of(number, Box::new(event(value)));
        self.0.push((Duration::from_millis(ms), then));
    }

    pub(super) fn end(&mut self, number: u64, ms: u64, value: Value) {
        self.0.push((Duration::from_millis(ms), Then::End(number, value)));
    }

    pub(super) fn error(&mut self, code: &str, cause: &Value) {
        self.say(
            &json!({"type": "error", "error": {"type": "invalid_request_error", "code": code,
            "message": "m", "param": null, "event_id": cause["event_id"]}}),
        );
    }
}

pub(super) fn event(value: &Value) -> ServerEvent {
    ServerEvent::from_json(&value.to_string()).expect("a valid event")
}
