//! Spans of a session for whoever collects traces: ids, states and times, never what was said.

use std::collections::HashMap;
use std::time::Duration;

use rt_lowlevel::State;
use tracing::Span;
use tracing::field::Empty;

use crate::event::{Event, Latency, Turn};
use crate::reply::ReplyStatus;
use crate::tool::ToolCall;

/// Responses, and calls of functions, that have a span at once.
const MAX_OPEN: usize = 256;

/// The spans of a session that are open.
#[derive(Debug)]
pub(crate) struct Spans {
    session: Span,
    turn: Option<Span>,
    responses: HashMap<String, Span>,
    tools: HashMap<String, Span>,
}

impl Spans {
    /// Those of a session that begins.
    pub(crate) fn new() -> Self {
        Self {
            // It outlives whoever began it.
            session: tracing::debug_span!(parent: None, "rt.session"),
            turn: None,
            responses: HashMap::new(),
            tools: HashMap::new(),
        }
    }

    pub(crate) fn session(&self) -> &Span {
        &self.session
    }

    /// The span of a call of a function.
    pub(crate) fn tool(&mut self, call: &ToolCall) -> Span {
        if let Some(span) = self.tools.get(&call.call_id) {
            return span.clone();
        }
        let parent = self.responses.get(&call.response_id).unwrap_or(&self.session);
        let span = tracing::debug_span!(
            parent: parent,
            "rt.tool",
            call_id = call.call_id,
            name = call.name,
            took_ms = Empty,
            failed = Empty,
        );
        open(&mut self.tools, &call.call_id, &span);
        span
    }

    /// Something that everybody is told.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Turn(turn) => self.turn(turn),
            Event::ToolCall(call) | Event::ApprovalWanted(call) => {
                self.tool(call);
            }
            Event::Latency(Latency::FirstOutput { response_id, timing }) => {
                if let Some(span) = self.responses.get(response_id) {
                    let times = [
                        ("after_speech_ms", timing.after_speech),
                        ("after_request_ms", timing.after_request),
                        ("after_created_ms", timing.after_created),
                    ];
                    for (field, time) in times {
                        if let Some(time) = time {
                            span.record(field, ms(time));
                        }
                    }
                }
            }
            Event::Latency(Latency::Tool {
                call_id,
                took,
                failed,
            }) => {
                if let Some(span) = self.tools.remove(call_id) {
                    span.record("took_ms", ms(*took)).record("failed", *failed);
                }
            }
            Event::State(State::Reconnecting | State::Closed) => {
                self.turn = None;
                self.responses.clear();
            }
            _ => {}
        }
    }

    fn turn(&mut self, turn: &Turn) {
        match turn {
            Turn::UserStarted { item_id, .. } => {
                self.turn = Some(tracing::debug_span!(parent: &self.session, "rt.turn", item_id));
            }
            Turn::UserCommitted { .. } => self.turn = None,
            Turn::ReplyStarted { response_id } => {
                let span = tracing::debug_span!(
                    parent: &self.session,
                    "rt.response",
                    response_id,
                    status = Empty,
                    after_speech_ms = Empty,
                    after_request_ms = Empty,
                    after_created_ms = Empty,
                );
                open(&mut self.responses, response_id, &span);
            }
            Turn::ReplyEnded {
                response_id, status, ..
            } => {
                if let Some(span) = self.responses.remove(response_id) {
                    span.record("status", name(status));
                }
            }
            Turn::Interrupted { heard, .. } => {
                tracing::debug!(parent: &self.session, heard_ms = ms(*heard), "the model was interrupted");
            }
            _ => {}
        }
    }
}

/// Keeps a span open, if anybody collects it and there are not too many.
fn open(spans: &mut HashMap<String, Span>, id: &str, span: &Span) {
    if span.is_disabled() {
        return;
    }
    // Some are never ended here, such as calls that the application answers by items of its own.
    if spans.len() >= MAX_OPEN
        && let Some(any) = spans.keys().next().cloned()
    {
        spans.remove(&any);
    }
    spans.insert(id.to_owned(), span.clone());
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn name(status: &ReplyStatus) -> &'static str {
    match status {
        ReplyStatus::Completed => "completed",
        ReplyStatus::Interrupted => "interrupted",
        ReplyStatus::TooLong => "too_long",
        ReplyStatus::Filtered => "filtered",
        ReplyStatus::Failed { .. } => "failed",
        ReplyStatus::ConnectionLost => "connection_lost",
        ReplyStatus::Unfinished => "unfinished",
    }
}
