//! [`SessionBuilder`]: settings and callbacks, then `connect`.

use std::collections::HashSet;
use std::time::Duration;

use rt_lowlevel::{Credentials, Endpoint};
use rt_protocol::session::{AudioFormatKind, SemanticVad, ServerVad, Transcription, Voice};
use rt_protocol::{RealtimeSession, Text, Tool, TurnDetection};

use crate::error::{Error, ErrorKind};
use crate::event::Latency;
use crate::guardrail::{Blocked, Guardrail};
use crate::history::HistoryChange;
use crate::kinds::{common_setters, setters};
use crate::session::Session;
use crate::setup::{Input, Setup};
use crate::tool::{Function, McpApproval, ToolCall};

/// Settings and callbacks of a conversation to be.
///
/// # Callbacks
///
/// Closures and the [`EventHandler`](crate::EventHandler) run one after the other, in the order of the wire, on a thread of the
/// session's own, which ends with it; a session without them, one that is read by [`Session::events`], has no such thread. So
/// a callback may block, on any flavor of the runtime, and the connection lives. Nothing is lost: 256 events wait, then the
/// server is not read until there is room again, which [`Session::stats`] and the log tell. What is to be heard without
/// delay should still not wait behind a slow callback: hand work over to a channel. Waking a task for every piece of audio is what
/// costs most then; a task that reads [`Session::events`] is woken for many at once.
///
/// Inside a closure, `tokio::runtime::Handle::current()` is the runtime the session was connected on: spawn tasks on it, or
/// `block_on` the methods of a session. Waiting like that for what only a later callback brings never ends. With many sessions
/// in a process, threads may be what it runs out of: streams do without.
#[must_use = "nothing happens before `connect`"]
pub struct SessionBuilder {
    setup: Setup,
    settings: RealtimeSession,
    /// A name that two functions have.
    twice: Option<String>,
}

impl SessionBuilder {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            setup: Setup::new(endpoint, credentials),
            settings: RealtimeSession::default(),
            twice: None,
        }
    }

    /// What the model should do and be.
    pub fn instructions(mut self, instructions: impl Into<Text>) -> Self {
        self.settings = self.settings.instructions(instructions);
        self
    }

    /// The voice of the model.
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.settings = self.settings.voice(voice);
        self
    }

    /// The model answers in writing.
    pub fn text_only(mut self) -> Self {
        self.settings = self.settings.text_only();
        self
    }

    /// Transcribes what the user says with this model, such as `gpt-live-transcribe`.
    pub fn transcribe(mut self, model: impl Into<String>) -> Self {
        self.settings = self.settings.transcription(Transcription::new(model));
        self
    }

    /// Turns end by loudness and silence: the service's default, here with settings of its own, an idle timeout for
    /// instance.
    pub fn server_vad(mut self, vad: ServerVad) -> Self {
        self.settings = self.settings.server_vad(vad);
        self
    }

    /// Turns end when the sentence sounds finished.
    pub fn semantic_vad(mut self, vad: SemanticVad) -> Self {
        self.settings = self.settings.semantic_vad(vad);
        self
    }

    /// Turns are ended by [`Session::commit_audio`]: push to talk.
    pub fn push_to_talk(mut self) -> Self {
        self.settings = self.settings.manual_turns();
        self
    }

    /// A tool the model may use and the application answers; call it several times for several tools.
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.settings.tools.or_default().push(tool.into());
        self
    }

    /// A function the model may call and the session runs; call it several times for several functions. Each has a
    /// name of its own, or `connect` refuses them.
    pub fn function(mut self, function: Function) -> Self {
        self.settings
            .tools
            .or_default()
            .push(function.tool().clone().into());
        let name = function.name().to_owned();
        if self.setup.functions.insert(name.clone(), function).is_some() {
            self.twice = Some(name);
        }
        self
    }

    /// All settings of the session, in place of those given so far. Functions stay.
    pub fn settings(mut self, settings: RealtimeSession) -> Self {
        self.settings = settings;
        for function in self.setup.functions.values() {
            self.settings
                .tools
                .or_default()
                .push(function.tool().clone().into());
        }
        self
    }

    /// Listens to and steers the session of a running WebRTC or SIP call at the server of the endpoint, in place of opening a new
    /// one: settings given here are sent to it, and it outlives this session unless somebody hangs up.
    ///
    /// The server plays and cuts by itself there: an interruption sends no truncation, and its words are by the clock until the
    /// server says where it cut. After a reconnect the call is what it was, and nothing is restored.
    ///
    /// # Errors
    /// `Settings` if the id is empty or the endpoint has no calls, as Azure's preview.
    pub fn call(mut self, call_id: &str) -> Result<Self, Error> {
        let connection = self.setup.connection.call(call_id);
        self.setup.connection =
            connection.map_err(|error| Error::new(ErrorKind::Settings, error.to_string()))?;
        Ok(self)
    }

    /// Checks what the model says; call it several times for several guardrails.
    pub fn guardrail(mut self, guardrail: Guardrail) -> Self {
        self.setup.guardrails.push(guardrail);
        self
    }

    /// Answers to the user's interruptions only when he has spoken for so long: a cough or an "mm-hmm" holds the model's audio
    /// for a moment, and it goes on. The sink has to know how to [pause](crate::playback::PlaybackSink::pause).
    ///
    /// The server is told neither to interrupt nor to answer by itself, whatever the turn detection says, and whether that is
    /// given before or after this (`server_vad` if there is none); the session does both. What was said too briefly is not
    /// answered, but stays in the conversation. It goes with turns the server detects: with
    /// [`push_to_talk`](Self::push_to_talk) there is nothing to confirm, and `connect` refuses both together.
    pub fn confirm_interruptions(mut self, after: Duration) -> Self {
        self.setup.confirm = Some(after);
        self
    }

    /// Whether the follow-up to tools is still asked for after the user has interrupted; off by default, because what the
    /// user said is answered with the tools' results in sight.
    pub fn keep_follow_ups(mut self, keep: bool) -> Self {
        self.setup.keep_follow_ups = keep;
        self
    }

    /// Whether a reply in writing is taken back and asked for again, once, when the session is to speak; on by default. Models
    /// begin to write when they were told a history as text, after a reconnect for instance.
    /// [`Turn::ReplyRepeated`](crate::Turn::ReplyRepeated) tells of it; its handle gets the spoken reply.
    pub fn repeat_written_replies(mut self, repeat: bool) -> Self {
        self.setup.repeat_written = repeat;
        self
    }

    /// How long [`Session::wait_for_reply`] and [`Session::next_reply`] wait for a response to begin, counted from when they
    /// were called, the user spoke last or a response was asked for last, whichever is latest: 5 minutes unless set.
    /// `Duration::MAX` waits for as long as the session lives.
    pub fn reply_timeout(mut self, timeout: Duration) -> Self {
        self.setup.reply_timeout = Some(timeout);
        self
    }

    /// Sends silence in place of the user's audio while the model is heard, and for so long after it, so that it does not
    /// hear itself over a loudspeaker; 200 ms of tail do for most rooms. The user cannot interrupt by speaking then. With
    /// headphones or an echo canceller it is not needed.
    pub fn half_duplex(mut self, tail: Duration) -> Self {
        self.setup.half_duplex = Some(tail);
        self
    }

    common_setters!();
    setters!(
        on_audio, on_line, on_turn, on_usage, playback, prices, budget, on_budget
    );

    /// Called when the model calls a function the session does not run: answer it with
    /// [`Session::answer_tool`].
    pub fn on_tool_call(mut self, callback: impl FnMut(ToolCall) + Send + 'static) -> Self {
        self.setup.closures.tool_call = Some(Box::new(callback));
        self
    }

    /// Called when the model calls a function that [needs approval](Function::needs_approval): answer with
    /// [`Session::approve_tool`].
    pub fn on_approval_wanted(mut self, callback: impl FnMut(ToolCall) + Send + 'static) -> Self {
        self.setup.closures.approval = Some(Box::new(callback));
        self
    }

    /// Called when the service wants to call a tool of a remote MCP server that needs approval: answer with
    /// [`Session::approve_mcp`].
    pub fn on_mcp_approval_wanted(mut self, callback: impl FnMut(McpApproval) + Send + 'static) -> Self {
        self.setup.closures.mcp_approval = Some(Box::new(callback));
        self
    }

    /// Called when the history changed.
    pub fn on_history(mut self, callback: impl FnMut(HistoryChange) + Send + 'static) -> Self {
        self.setup.closures.history = Some(Box::new(callback));
        self
    }

    /// Called when a guardrail blocked a reply.
    pub fn on_blocked(mut self, callback: impl FnMut(Blocked) + Send + 'static) -> Self {
        self.setup.closures.blocked = Some(Box::new(callback));
        self
    }

    /// Called with how long answers and tools take.
    pub fn on_latency(mut self, callback: impl FnMut(Latency) + Send + 'static) -> Self {
        self.setup.closures.latency = Some(Box::new(callback));
        self
    }

    /// Connects, sends the settings, and waits until the server has taken them.
    ///
    /// # Errors
    /// `Connection` if no connection could be made after the retries of the [`Config`](crate::Config), `Settings` if the server
    /// refused the settings, they break a documented limit, a budget has no prices, two tools have one name, interruptions are to
    /// be confirmed without turn detection or a sink would get G.711, `Timeout` if it did not answer to them for 10 s, `Callback` if the system gives no thread for the callbacks.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn connect(self) -> Result<Session, Error> {
        let Self {
            setup,
            mut settings,
            twice,
        } = self;
        if let Some(name) = twice.or_else(|| named_twice(&settings)) {
            let message =
                format!("two tools are called {name}, and a call could not say which it means: rename one");
            return Err(Error::new(ErrorKind::Settings, message));
        }
        if setup.confirm.is_some() {
            leave_turns_to_the_session(&mut settings)?;
        }
        let output = settings.audio.value().and_then(|audio| audio.output.value());
        let format = output.and_then(|output| output.format.value());
        let format = format.and_then(|format| format.kind.value());
        if let Some(format) = format
            && *format != AudioFormatKind::Pcm
            && setup.sink.is_some()
        {
            let message = format!(
                "a playback sink plays PCM16, and the session's output format is {}: leave the format out, or take the \
                 bytes from `on_event` without a sink",
                format.as_str()
            );
            return Err(Error::new(ErrorKind::Settings, message));
        }
        let input = settings.audio.value().and_then(|audio| audio.input.value());
        let manual = input.is_some_and(|input| input.turn_detection.is_null());
        let kind = input
            .and_then(|input| input.format.value())
            .and_then(|format| format.kind.value());
        let input = match kind {
            None | Some(AudioFormatKind::Pcm) => Input::PCM16,
            Some(AudioFormatKind::Pcma) => Input::A_LAW,
            Some(_) => Input::MU_LAW,
        };
        let settings = (settings != RealtimeSession::default()).then(|| settings.into());
        setup.connect(settings, manual, input).await
    }
}

/// The name that two tools have.
fn named_twice(settings: &RealtimeSession) -> Option<String> {
    let tools = settings.tools.value().map(Vec::as_slice).unwrap_or_default();
    let names = tools.iter().filter_map(|tool| match tool {
        Tool::Function(function) => function.name.as_deref(),
        _ => None,
    });
    let mut seen = HashSet::new();
    let mut names = names.filter(|name| !seen.insert(*name));
    names.next().map(str::to_owned)
}

/// The server hears turns, and the session decides what follows from them.
fn leave_turns_to_the_session(settings: &mut RealtimeSession) -> Result<(), Error> {
    let input = settings.audio.or_default().input.or_default();
    let detection = match input.turn_detection.value().cloned() {
        Some(TurnDetection::SemanticVad(vad)) => {
            TurnDetection::from(vad.interrupt_response(false).create_response(false))
        }
        Some(TurnDetection::ServerVad(vad)) => vad.interrupt_response(false).create_response(false).into(),
        None if !input.turn_detection.is_null() => ServerVad::new()
            .interrupt_response(false)
            .create_response(false)
            .into(),
        _ => {
            let message = "interruptions are confirmed by turn detection, and the session has none that is known: leave out \
                           `confirm_interruptions` or push to talk";
            return Err(Error::new(ErrorKind::Settings, message));
        }
    };
    input.turn_detection = detection.into();
    Ok(())
}

impl std::fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("connection", &self.setup.connection)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
