//! The callbacks of a session: closures, or an [`EventHandler`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use rt_lowlevel::State;
use rt_lowlevel::event::Restored;
use rt_protocol::{Pcm16, ServerEvent};

use crate::error::Error;
use crate::event::{Audio, Event, Latency, Turn};
use crate::guardrail::Blocked;
use crate::history::HistoryChange;
use crate::session::Session;
use crate::tool::{McpApproval, ToolCall};
use crate::transcript::{Line, Transcript};
use crate::usage::{BudgetState, UsageReport};

/// Takes what a session tells, method by method; each does nothing unless it is written.
///
/// Methods are called one after the other, in the order of the wire, on the session's
/// [thread for callbacks](crate::SessionBuilder#callbacks), where they may block. Timers, sockets and `tokio::spawn` are those of
/// the runtime the session was connected on. The session is an argument, to send with. What stands behind a call in the queue waits
/// for the call to end: to wait for what comes later, such as the end of a reply, spawn a task.
///
/// ```
/// use rt_client::{EventHandler, Session, Transcript, async_trait};
///
/// struct Printer;
///
/// #[async_trait]
/// impl EventHandler for Printer {
///     async fn on_transcript(&mut self, _session: &Session, line: Transcript) {
///         if line.is_final {
///             println!("{:?}: {}", line.speaker, line.text);
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait EventHandler: Send + 'static {
    /// Every event of the server, before the other methods.
    async fn on_event(&mut self, session: &Session, event: &ServerEvent) {
        let _ = (session, event);
    }

    /// Audio of the model, faster than it plays.
    async fn on_audio(&mut self, session: &Session, audio: Audio) {
        let _ = (session, audio);
    }

    /// What is said, piece by piece and then whole.
    async fn on_transcript(&mut self, session: &Session, transcript: Transcript) {
        let _ = (session, transcript);
    }

    /// What was said in a turn, in the order of the conversation.
    async fn on_line(&mut self, session: &Session, line: Line) {
        let _ = (session, line);
    }

    /// Turns: who begins, who stops, who is interrupted.
    async fn on_turn(&mut self, session: &Session, turn: Turn) {
        let _ = (session, turn);
    }

    /// The model calls a function that the session does not run.
    async fn on_tool_call(&mut self, session: &Session, call: ToolCall) {
        let _ = (session, call);
    }

    /// A function is to be approved or not.
    async fn on_approval_wanted(&mut self, session: &Session, call: ToolCall) {
        let _ = (session, call);
    }

    /// A call of a remote MCP tool is to be approved or not.
    async fn on_mcp_approval_wanted(&mut self, session: &Session, approval: McpApproval) {
        let _ = (session, approval);
    }

    /// The history changed.
    async fn on_history(&mut self, session: &Session, change: HistoryChange) {
        let _ = (session, change);
    }

    /// A guardrail blocked a reply.
    async fn on_blocked(&mut self, session: &Session, blocked: Blocked) {
        let _ = (session, blocked);
    }

    /// Tokens were used.
    async fn on_usage(&mut self, session: &Session, report: UsageReport) {
        let _ = (session, report);
    }

    /// The budget is nearly or wholly used up.
    async fn on_budget(&mut self, session: &Session, state: BudgetState) {
        let _ = (session, state);
    }

    /// How long something took.
    async fn on_latency(&mut self, session: &Session, latency: Latency) {
        let _ = (session, latency);
    }

    /// The connection.
    async fn on_state(&mut self, session: &Session, state: State) {
        let _ = (session, state);
    }

    /// A new session knows what the last one knew, as far as the report says.
    async fn on_restored(&mut self, session: &Session, report: Arc<Restored>) {
        let _ = (session, report);
    }

    /// Something failed.
    async fn on_error(&mut self, session: &Session, error: Error) {
        let _ = (session, error);
    }
}

/// Calls the method an event is for, with a copy of what it takes by value.
pub(crate) fn call<'a>(
    handler: &'a mut dyn EventHandler,
    session: &'a Session,
    event: &'a Event,
) -> BoxFuture<'a, ()> {
    match event {
        Event::State(state) => handler.on_state(session, *state),
        Event::Server(event) => handler.on_event(session, event),
        Event::Audio(audio) => handler.on_audio(session, audio.clone()),
        Event::Transcript(transcript) => handler.on_transcript(session, transcript.clone()),
        Event::Line(line) => handler.on_line(session, line.clone()),
        Event::Turn(turn) => handler.on_turn(session, turn.clone()),
        Event::ToolCall(call) => handler.on_tool_call(session, call.clone()),
        Event::ApprovalWanted(call) => handler.on_approval_wanted(session, call.clone()),
        Event::McpApprovalWanted(approval) => handler.on_mcp_approval_wanted(session, approval.clone()),
        Event::HistoryUpdated(change) => handler.on_history(session, change.clone()),
        Event::Blocked(blocked) => handler.on_blocked(session, blocked.clone()),
        Event::Usage(report) => handler.on_usage(session, (**report).clone()),
        Event::Budget(state) => handler.on_budget(session, *state),
        Event::Latency(latency) => handler.on_latency(session, latency.clone()),
        Event::Restored(report) => handler.on_restored(session, Arc::clone(report)),
        Event::Error(error) => handler.on_error(session, error.clone()),
    }
}

type Callback<T> = Option<Box<dyn FnMut(T) + Send>>;
type EventCallback = Option<Box<dyn FnMut(&ServerEvent) + Send>>;

/// The closures of a session.
#[derive(Default)]
pub(crate) struct Closures {
    pub(crate) event: EventCallback,
    pub(crate) audio: Callback<Pcm16>,
    pub(crate) transcript: Callback<Transcript>,
    pub(crate) line: Callback<Line>,
    pub(crate) turn: Callback<Turn>,
    pub(crate) tool_call: Callback<ToolCall>,
    pub(crate) approval: Callback<ToolCall>,
    pub(crate) mcp_approval: Callback<McpApproval>,
    pub(crate) history: Callback<HistoryChange>,
    pub(crate) blocked: Callback<Blocked>,
    pub(crate) usage: Callback<UsageReport>,
    pub(crate) budget: Callback<BudgetState>,
    pub(crate) latency: Callback<Latency>,
    pub(crate) state: Callback<State>,
    pub(crate) restored: Callback<Arc<Restored>>,
    pub(crate) error: Callback<Error>,
}

impl Closures {
    /// Which events there are closures for.
    pub(crate) fn kinds(&self) -> Kinds {
        // Named one by one, so that none is forgotten; in the order of `kind`.
        let Self {
            state,
            event,
            audio,
            transcript,
            line,
            turn,
            tool_call,
            approval,
            mcp_approval,
            history,
            blocked,
            usage,
            budget,
            latency,
            restored,
            error,
        } = self;
        let there = [
            state.is_some(),
            event.is_some(),
            audio.is_some(),
            transcript.is_some(),
            line.is_some(),
            turn.is_some(),
            tool_call.is_some(),
            approval.is_some(),
            mcp_approval.is_some(),
            history.is_some(),
            blocked.is_some(),
            usage.is_some(),
            budget.is_some(),
            latency.is_some(),
            restored.is_some(),
            error.is_some(),
        ];
        let bits = there
            .iter()
            .rev()
            .fold(0, |bits, there| bits << 1 | u16::from(*there));
        Kinds(bits)
    }

    /// Calls the closure an event is for.
    pub(crate) fn call(&mut self, event: &Event) {
        fn run<T: Clone>(callback: &mut Callback<T>, value: &T) {
            if let Some(callback) = callback {
                callback(value.clone());
            }
        }
        match event {
            Event::State(state) => run(&mut self.state, state),
            Event::Server(event) => {
                if let Some(callback) = &mut self.event {
                    callback(event);
                }
            }
            Event::Audio(audio) => run(&mut self.audio, &audio.audio),
            Event::Transcript(transcript) => run(&mut self.transcript, transcript),
            Event::Line(line) => run(&mut self.line, line),
            Event::Turn(turn) => run(&mut self.turn, turn),
            Event::ToolCall(call) => run(&mut self.tool_call, call),
            Event::ApprovalWanted(call) => run(&mut self.approval, call),
            Event::McpApprovalWanted(approval) => run(&mut self.mcp_approval, approval),
            Event::HistoryUpdated(change) => run(&mut self.history, change),
            Event::Blocked(blocked) => run(&mut self.blocked, blocked),
            Event::Usage(report) => run(&mut self.usage, report),
            Event::Budget(state) => run(&mut self.budget, state),
            Event::Latency(latency) => run(&mut self.latency, latency),
            Event::Restored(report) => run(&mut self.restored, report),
            Event::Error(error) => run(&mut self.error, error),
        }
    }
}

/// Kinds of events, a bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Kinds(u16);

impl Kinds {
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn contains(self, event: &Event) -> bool {
        self.0 & 1 << kind(event).0 != 0
    }
}

/// The place of an event among the kinds, and the name of the closure it is for.
pub(crate) const fn kind(event: &Event) -> (u8, &'static str) {
    match event {
        Event::State(_) => (0, "on_state"),
        Event::Server(_) => (1, "on_event"),
        Event::Audio(_) => (2, "on_audio"),
        Event::Transcript(_) => (3, "on_transcript"),
        Event::Line(_) => (4, "on_line"),
        Event::Turn(_) => (5, "on_turn"),
        Event::ToolCall(_) => (6, "on_tool_call"),
        Event::ApprovalWanted(_) => (7, "on_approval_wanted"),
        Event::McpApprovalWanted(_) => (8, "on_mcp_approval_wanted"),
        Event::HistoryUpdated(_) => (9, "on_history"),
        Event::Blocked(_) => (10, "on_blocked"),
        Event::Usage(_) => (11, "on_usage"),
        Event::Budget(_) => (12, "on_budget"),
        Event::Latency(_) => (13, "on_latency"),
        Event::Restored(_) => (14, "on_restored"),
        Event::Error(_) => (15, "on_error"),
    }
}

impl fmt::Debug for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closures").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rt_protocol::{Pcm16, Text};

    use super::*;
    use crate::error::ErrorKind;
    use crate::transcript::Speaker;

    #[test]
    fn each_closure_is_for_its_own_kind() {
        fn taking<T>() -> Callback<T> {
            Some(Box::new(|_| ()))
        }
        let (speaker, item_id, text) = (Speaker::User, String::new(), Text::default());
        let line = Line {
            speaker,
            item_id: item_id.clone(),
            text: text.clone(),
            late: false,
        };
        let transcript = Transcript {
            speaker,
            item_id: item_id.into(),
            text,
            is_final: true,
        };
        let audio = Audio {
            response_id: Arc::default(),
            item_id: Arc::default(),
            audio: Pcm16::new(),
        };
        let turn = Turn::UserCommitted {
            item_id: String::new(),
        };
        let latency = Latency::Tool {
            call_id: String::new(),
            took: std::time::Duration::ZERO,
            failed: false,
        };
        let cases = [
            (
                Event::State(State::Connected),
                Closures {
                    state: taking(),
                    ..Closures::default()
                },
            ),
            (
                Event::Audio(audio),
                Closures {
                    audio: taking(),
                    ..Closures::default()
                },
            ),
            (
                Event::Transcript(transcript),
                Closures {
                    transcript: taking(),
                    ..Closures::default()
                },
            ),
            (
                Event::Line(line),
                Closures {
                    line: taking(),
                    ..Closures::default()
                },
            ),
            (
                Event::Turn(turn),
                Closures {
                    turn: taking(),
                    ..Closures::default()
                },
            ),
            (
                Event::Latency(latency),
                Closures {
                    latency: taking(),
                    ..Closures::default()
                },
            ),
            (
                Event::Error(Error::new(ErrorKind::Closed, "")),
                Closures {
                    error: taking(),
                    ..Closures::default()
                },
            ),
        ];
        for (at, (_, closures)) in cases.iter().enumerate() {
            assert!(!closures.kinds().is_empty());
            for (other, (event, _)) in cases.iter().enumerate() {
                assert_eq!(closures.kinds().contains(event), at == other, "{event:?}");
            }
        }
        assert!(Closures::default().kinds().is_empty());
    }
}
