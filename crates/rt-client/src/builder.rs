//! [`SessionBuilder`]: settings and callbacks, then `connect`.

use std::time::Duration;

use rt_lowlevel::{Credentials, Endpoint};
use rt_protocol::session::{AudioFormatKind, SemanticVad, ServerVad, Transcription, Voice};
use rt_protocol::{Pcm16, RealtimeSession, Text, Tool, TurnDetection};

use crate::error::{Error, ErrorKind};
use crate::event::{Latency, Turn};
use crate::guardrail::{Blocked, Guardrail};
use crate::history::HistoryChange;
use crate::playback::PlaybackSink;
use crate::session::Session;
use crate::setup::Setup;
use crate::tool::{Function, ToolCall};
use crate::transcript::Line;
use crate::usage::{Budget, BudgetState, Prices, UsageReport};

/// Settings and callbacks that all kinds of sessions have.
macro_rules! common_setters {
    () => {
        /// Deadlines, bounds and retries of the connection.
        pub fn config(mut self, config: rt_lowlevel::Config) -> Self {
            self.setup.config = config;
            self
        }

        /// Called with every event of the server, before the other callbacks.
        pub fn on_event(mut self, callback: impl FnMut(&rt_protocol::ServerEvent) + Send + 'static) -> Self {
            self.setup.closures.event = Some(Box::new(callback));
            self
        }

        /// Called with what is said, piece by piece and then whole.
        pub fn on_transcript(
            mut self,
            callback: impl FnMut(crate::transcript::Transcript) + Send + 'static,
        ) -> Self {
            self.setup.closures.transcript = Some(Box::new(callback));
            self
        }

        /// Called when the connection opened, was lost, or is back.
        pub fn on_state(mut self, callback: impl FnMut(rt_lowlevel::State) + Send + 'static) -> Self {
            self.setup.closures.state = Some(Box::new(callback));
            self
        }

        /// Called when a new session knows what the last one knew, after a reconnect or a rollover, with the report.
        pub fn on_restored(
            mut self,
            callback: impl FnMut(std::sync::Arc<rt_lowlevel::Restored>) + Send + 'static,
        ) -> Self {
            self.setup.closures.restored = Some(Box::new(callback));
            self
        }

        /// Called when something failed: a request the server refused, a message that could not be read, a callback that
        /// panicked, the end of the connection. What a [`ReplyHandle`](crate::reply::ReplyHandle) or a result tells is not
        /// told here.
        pub fn on_error(mut self, callback: impl FnMut(crate::error::Error) + Send + 'static) -> Self {
            self.setup.closures.error = Some(Box::new(callback));
            self
        }

        /// Takes everything that happens, method by method, beside the closures.
        pub fn handler(mut self, handler: impl crate::handlers::EventHandler) -> Self {
            self.setup.handler = Some(Box::new(handler));
            self
        }
    };
}
pub(crate) use common_setters;

/// Settings and callbacks of a conversation to be.
///
/// Callbacks run one after the other, in the order of the wire, on a task of their own: never on the connection's
/// tasks. A slow one does not lose anything: after a bound it slows the connection down, which
/// [`Session::stats`] and the log tell. Do not block in one for long; hand work over to a channel.
#[must_use = "nothing happens before `connect`"]
pub struct SessionBuilder {
    setup: Setup,
    settings: RealtimeSession,
}

impl SessionBuilder {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            setup: Setup::new(endpoint, credentials),
            settings: RealtimeSession::default(),
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

    /// Transcribes what the user says with this model, such as `gpt-4o-transcribe`.
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

    /// A function the model may call and the session runs; call it several times for several functions.
    pub fn function(mut self, function: Function) -> Self {
        self.settings
            .tools
            .or_default()
            .push(function.tool().clone().into());
        self.setup.functions.insert(function.name().to_owned(), function);
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
    /// # Errors
    /// `Settings` if the id is empty or the endpoint has no calls, as Azure's preview.
    pub fn call(mut self, call_id: &str) -> Result<Self, Error> {
        let endpoint = self.setup.endpoint.with_call_id(call_id);
        self.setup.endpoint = endpoint.map_err(|error| Error::new(ErrorKind::Settings, error.to_string()))?;
        Ok(self)
    }

    /// Plays the model's audio, and tells how far it is.
    pub fn playback(mut self, sink: impl PlaybackSink) -> Self {
        self.setup.sink = Some(Box::new(sink));
        self
    }

    /// Checks what the model says; call it several times for several guardrails.
    pub fn guardrail(mut self, guardrail: Guardrail) -> Self {
        self.setup.guardrails.push(guardrail);
        self
    }

    /// Answers to the user's interruptions only when he has spoken for so long: a cough or an "mm-hmm" holds the model's audio
    /// for a moment, and it goes on. The sink has to know how to [pause](PlaybackSink::pause).
    ///
    /// The server is told neither to interrupt nor to answer by itself (of the turn detection given so far, else of
    /// `server_vad`); the session does both. What was said too briefly is not answered, but stays in the conversation.
    pub fn confirm_interruptions(mut self, after: Duration) -> Self {
        let input = self.settings.audio.or_default().input.or_default();
        let detection = match input.turn_detection.value().cloned() {
            Some(TurnDetection::SemanticVad(vad)) => {
                TurnDetection::from(vad.interrupt_response(false).create_response(false))
            }
            Some(TurnDetection::ServerVad(vad)) => {
                vad.interrupt_response(false).create_response(false).into()
            }
            _ => ServerVad::new()
                .interrupt_response(false)
                .create_response(false)
                .into(),
        };
        input.turn_detection = detection.into();
        self.setup.confirm = Some(after);
        self
    }

    /// What tokens cost, for [`UsageReport::cost`] and the budget.
    pub fn prices(mut self, prices: Prices) -> Self {
        self.setup.prices = Some(prices);
        self
    }

    /// How much the session may cost. It needs [`prices`](Self::prices).
    pub fn budget(mut self, budget: Budget) -> Self {
        self.setup.budget = Some(budget);
        self
    }

    /// Whether the follow-up to tools is still asked for after the user has interrupted; off by default, because what the
    /// user said is answered with the tools' results in sight.
    pub fn keep_follow_ups(mut self, keep: bool) -> Self {
        self.setup.keep_follow_ups = keep;
        self
    }

    common_setters!();

    /// Called with the model's audio as it arrives: PCM16 at 24 kHz, whole samples. It comes faster than it
    /// plays. Not called for other output formats, whose bytes come with `on_event`.
    pub fn on_audio(mut self, callback: impl FnMut(Pcm16) + Send + 'static) -> Self {
        self.setup.closures.audio = Some(Box::new(callback));
        self
    }

    /// Called with what each side said in its turn, whole, in the order of the conversation.
    pub fn on_line(mut self, callback: impl FnMut(Line) + Send + 'static) -> Self {
        self.setup.closures.line = Some(Box::new(callback));
        self
    }

    /// Called at each step of taking turns: who begins, who stops, who is interrupted.
    pub fn on_turn(mut self, callback: impl FnMut(Turn) + Send + 'static) -> Self {
        self.setup.closures.turn = Some(Box::new(callback));
        self
    }

    /// Called when the model calls a function the session does not run, or one that has to be approved.
    pub fn on_tool_call(mut self, callback: impl FnMut(ToolCall) + Send + 'static) -> Self {
        self.setup.closures.tool_call = Some(Box::new(callback));
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

    /// Called when tokens were used.
    pub fn on_usage(mut self, callback: impl FnMut(UsageReport) + Send + 'static) -> Self {
        self.setup.closures.usage = Some(Box::new(callback));
        self
    }

    /// Called when the budget is nearly or wholly used up.
    pub fn on_budget(mut self, callback: impl FnMut(BudgetState) + Send + 'static) -> Self {
        self.setup.closures.budget = Some(Box::new(callback));
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
    /// refused the settings, they break a documented limit or a budget has no prices, `Timeout` if it did not answer to
    /// them for 10 s.
    ///
    /// # Cancel safety
    /// Dropping the future ends the connection.
    pub async fn connect(self) -> Result<Session, Error> {
        let Self { setup, settings } = self;
        if setup.budget.is_some() && setup.prices.is_none() {
            let message = "a budget needs prices: set them with `prices`";
            return Err(Error::new(ErrorKind::Settings, message));
        }
        let input = settings.audio.value().and_then(|audio| audio.input.value());
        let manual = input.is_some_and(|input| input.turn_detection.is_null());
        let kind = input
            .and_then(|input| input.format.value())
            .and_then(|format| format.kind.value());
        let bytes_per_ms = match kind {
            None | Some(AudioFormatKind::Pcm) => 48,
            Some(_) => 8,
        };
        let settings = (settings != RealtimeSession::default()).then(|| settings.into());
        setup.connect(settings, manual, bytes_per_ms).await
    }
}

impl std::fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("endpoint", &self.setup.endpoint)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
