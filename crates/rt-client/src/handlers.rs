//! The callbacks of a session: closures, or an [`EventHandler`].

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
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

/// Calls the method an event is for.
pub(crate) async fn call(handler: &mut dyn EventHandler, session: &Session, event: Event) {
    match event {
        Event::State(state) => handler.on_state(session, state).await,
        Event::Server(event) => handler.on_event(session, &event).await,
        Event::Audio(audio) => handler.on_audio(session, audio).await,
        Event::Transcript(transcript) => handler.on_transcript(session, transcript).await,
        Event::Line(line) => handler.on_line(session, line).await,
        Event::Turn(turn) => handler.on_turn(session, turn).await,
        Event::ToolCall(call) => handler.on_tool_call(session, call).await,
        Event::ApprovalWanted(call) => handler.on_approval_wanted(session, call).await,
        Event::McpApprovalWanted(approval) => handler.on_mcp_approval_wanted(session, approval).await,
        Event::HistoryUpdated(change) => handler.on_history(session, change).await,
        Event::Blocked(blocked) => handler.on_blocked(session, blocked).await,
        Event::Usage(report) => handler.on_usage(session, report).await,
        Event::Budget(state) => handler.on_budget(session, state).await,
        Event::Latency(latency) => handler.on_latency(session, latency).await,
        Event::Restored(report) => handler.on_restored(session, report).await,
        Event::Error(error) => handler.on_error(session, error).await,
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
    pub(crate) fn is_empty(&self) -> bool {
        // Named one by one, so that none is forgotten.
        let Self {
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
            state,
            restored,
            error,
        } = self;
        event.is_none()
            && audio.is_none()
            && transcript.is_none()
            && line.is_none()
            && turn.is_none()
            && tool_call.is_none()
            && approval.is_none()
            && mcp_approval.is_none()
            && history.is_none()
            && blocked.is_none()
            && usage.is_none()
            && budget.is_none()
            && latency.is_none()
            && state.is_none()
            && restored.is_none()
            && error.is_none()
    }

    /// The name of the closure an event is for, if there is one.
    pub(crate) fn takes(&self, event: &Event) -> Option<&'static str> {
        let (name, there) = match event {
            Event::State(_) => ("on_state", self.state.is_some()),
            Event::Server(_) => ("on_event", self.event.is_some()),
            Event::Audio(_) => ("on_audio", self.audio.is_some()),
            Event::Transcript(_) => ("on_transcript", self.transcript.is_some()),
            Event::Line(_) => ("on_line", self.line.is_some()),
            Event::Turn(_) => ("on_turn", self.turn.is_some()),
            Event::ToolCall(_) => ("on_tool_call", self.tool_call.is_some()),
            Event::ApprovalWanted(_) => ("on_approval_wanted", self.approval.is_some()),
            Event::McpApprovalWanted(_) => ("on_mcp_approval_wanted", self.mcp_approval.is_some()),
            Event::HistoryUpdated(_) => ("on_history", self.history.is_some()),
            Event::Blocked(_) => ("on_blocked", self.blocked.is_some()),
            Event::Usage(_) => ("on_usage", self.usage.is_some()),
            Event::Budget(_) => ("on_budget", self.budget.is_some()),
            Event::Latency(_) => ("on_latency", self.latency.is_some()),
            Event::Restored(_) => ("on_restored", self.restored.is_some()),
            Event::Error(_) => ("on_error", self.error.is_some()),
        };
        there.then_some(name)
    }

    /// Calls the closure an event is for.
    pub(crate) fn call(&mut self, event: Event) {
        fn run<T>(callback: &mut Callback<T>, value: T) {
            if let Some(callback) = callback {
                callback(value);
            }
        }
        match event {
            Event::State(state) => run(&mut self.state, state),
            Event::Server(event) => {
                if let Some(callback) = &mut self.event {
                    callback(&event);
                }
            }
            Event::Audio(audio) => run(&mut self.audio, audio.audio),
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

impl fmt::Debug for Closures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closures").finish_non_exhaustive()
    }
}
