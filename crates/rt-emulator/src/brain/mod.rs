//! [`Brain`]: the server's side of one session. Pure: it takes the time as an argument, and waits for nothing.

mod conversation;
mod failure;
mod format;
mod g711;
mod hearing;
mod ids;
mod input;
mod items;
mod listen;
mod perform;
mod plan;
mod respond;
mod run;
mod session;
#[cfg(test)]
mod tests;
mod usage;
mod vad;
mod validate;
mod voice;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::server_event::{ErrorDetails, ErrorEvent, SessionCreated, SessionUpdated};
use rt_protocol::{ClientEvent, Field, ServerEvent};
use serde_json::Value;

use self::conversation::Conversation;
use self::failure::Failure;
use self::hearing::Hearing;
use self::ids::Ids;
use self::input::Input;
use self::run::Run;
use self::session::SessionState;
use crate::pacing::Pacing;
use crate::script::{Player, Script};

/// What a session is like.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The model, as it stands in the URL. Default `gpt-realtime`.
    pub model: String,
    /// What is heard, said and called. Default: the parrot.
    pub script: Arc<Script>,
    /// How fast.
    pub pacing: Pacing,
    /// Where the ids come from: the same seed gives the same ids. Default 0.
    pub seed: u64,
    /// When the session opened, in seconds since 1970: `expires_at` follows from it. Default 0.
    pub opened_at: u64,
    /// How long the session may last. Default 60 minutes.
    pub session_length: Duration,
    /// Whether `rate_limits.updated` follows each response. `None`, the default, is as observed: models from
    /// `gpt-realtime-2` on send it, older ones do not.
    pub rate_limits: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            model: "gpt-realtime".to_owned(),
            script: Arc::default(),
            pacing: Pacing::default(),
            seed: 0,
            opened_at: 0,
            session_length: Duration::from_secs(3600),
            rate_limits: None,
        }
    }
}

/// What the brain wants sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// An event.
    Event(ServerEvent),
    /// The connection closes.
    Close {
        /// The close code.
        code: u16,
        /// The reason.
        reason: String,
    },
}

/// The server's side of one session.
///
/// It knows no clock and no socket: the time, counted from any moment before [`open`](Self::open), is an argument,
/// and what is due later is asked for with [`poll`](Self::poll). Hours pass in milliseconds.
///
/// ```
/// use std::time::Duration;
/// use rt_emulator::{Brain, Output, Settings};
///
/// let mut brain = Brain::new(Settings::default());
/// let mut now = Duration::ZERO;
/// let mut sent = brain.open(now);
/// sent.extend(brain.handle_text(r#"{"type":"response.create"}"#, now));
/// while let Some(due) = brain.deadline().filter(|due| *due < Duration::from_secs(60)) {
///     now = due;
///     sent.extend(brain.poll(now));
/// }
/// let Some(Output::Event(last)) = sent.last() else { panic!("nothing was sent") };
/// assert_eq!(last.event_type(), "response.done");
/// ```
#[derive(Debug)]
pub struct Brain {
    /// What the session is like.
    settings: Settings,
    /// Makes ids.
    ids: Ids,
    /// Where the script stands.
    player: Player,
    /// The latest time that was told.
    now: Duration,
    /// What is to be sent.
    out: Vec<Output>,
    /// The effective session.
    session: SessionState,
    /// The id of the conversation.
    conversation_id: String,
    /// The items.
    conversation: Conversation,
    /// The input audio buffer.
    input: Input,
    /// The turn being spoken: the future item, and where it starts on the input clock.
    turn: Option<(String, u64)>,
    /// Responses under way.
    runs: Vec<Run>,
    /// Transcriptions under way.
    hearings: Vec<Hearing>,
    /// Outputs of calls whose response is not done yet, with the sender's event id.
    deferred: VecDeque<(ClientEvent, Field<String>)>,
    /// A turn ended while a response was active: the next response follows it.
    response_wanted: bool,
    /// Whether there has been audio output.
    spoke: bool,
    /// Tokens the last response has seen and made.
    seen_tokens: u64,
    /// When quiet becomes the server's turn.
    idle_at: Option<Duration>,
    /// When `rate_limits.updated` is due.
    limits_at: VecDeque<Duration>,
    /// When the session ends.
    expires_at: Duration,
    /// Whether it has ended.
    ended: bool,
}

impl Brain {
    /// A session that is not open yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut ids = Ids::new(settings.seed);
        let expires_at = settings
            .opened_at
            .saturating_add(settings.session_length.as_secs());
        let session = SessionState::new(ids.session(), settings.model.clone(), expires_at);
        Self {
            player: Player::new(Arc::clone(&settings.script)),
            now: Duration::ZERO,
            out: Vec::new(),
            conversation_id: ids.conversation(),
            conversation: Conversation::default(),
            input: Input::new(session.input_format(), session.turns()),
            turn: None,
            runs: Vec::new(),
            hearings: Vec::new(),
            deferred: VecDeque::new(),
            response_wanted: false,
            spoke: false,
            seen_tokens: 0,
            idle_at: None,
            limits_at: VecDeque::new(),
            expires_at: settings.session_length,
            ended: false,
            session,
            ids,
            settings,
        }
    }

    /// Opens the session: `session.created`.
    pub fn open(&mut self, now: Duration) -> Vec<Output> {
        self.now = now;
        self.expires_at = now.saturating_add(self.settings.session_length);
        let session = self.session.to_wire();
        self.emit(ServerEvent::SessionCreated(
            SessionCreated {
                session,
                ..Default::default()
            }
            .into(),
        ));
        self.take()
    }

    /// Takes a text message and returns what is sent at once. What was due before it comes first.
    pub fn handle_text(&mut self, text: &str, now: Duration) -> Vec<Output> {
        self.run_until(now);
        if !self.ended {
            self.handle(text);
        }
        self.take()
    }

    /// Takes a binary message, which is an error.
    pub fn handle_binary(&mut self, now: Duration) -> Vec<Output> {
        self.run_until(now);
        if !self.ended {
            self.fail(
                Failure::new("invalid_event", "Binary messages are not accepted."),
                Field::Null,
            );
        }
        self.take()
    }

    /// Returns what has become due.
    pub fn poll(&mut self, now: Duration) -> Vec<Output> {
        self.run_until(now);
        self.take()
    }

    /// When [`poll`](Self::poll) will have something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.next_due().map(|(due, _)| due)
    }

    /// Ends the session as the server does at its limit, before its time.
    pub fn expire(&mut self, now: Duration) -> Vec<Output> {
        self.run_until(now);
        self.end();
        self.take()
    }

    /// What was collected.
    fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    /// Gives an event its id and sends it.
    fn emit(&mut self, mut event: ServerEvent) {
        event.set_event_id(self.ids.event());
        self.out.push(Output::Event(event));
    }

    /// Sends an error about the event `event_id`.
    fn fail(&mut self, failure: Failure, event_id: Field<String>) {
        let error = ErrorDetails {
            kind: "invalid_request_error".to_owned(),
            code: Field::or_null(failure.code),
            message: failure.message,
            param: Field::or_null(failure.param),
            event_id: event_id.or(Field::Null),
        };
        self.emit(ServerEvent::Error(
            ErrorEvent {
                error,
                ..Default::default()
            }
            .into(),
        ));
    }

    /// Reads, checks and obeys a message.
    fn handle(&mut self, text: &str) {
        let parsed: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(_) => {
                let failure = Failure::new("invalid_json", "Could not parse message as JSON.");
                return self.fail(failure, Field::Null);
            }
        };
        let Value::Object(object) = parsed else {
            return self.fail(
                Failure::new("invalid_event", "The message is not a JSON object."),
                Field::Null,
            );
        };
        let event_id: Field<String> = Field::or_null(
            object
                .get("event_id")
                .and_then(Value::as_str)
                .map(|id| id.chars().take(512).collect()),
        );
        let event_type = match validate::check(&object) {
            Ok(event_type) => event_type,
            Err(failure) => return self.fail(failure, event_id),
        };
        drop(object);
        let result = match ClientEvent::from_json(text) {
            Ok(event) => self.obey(event, &event_id),
            Err(_) if event_type == "input_audio_buffer.append" => {
                let message =
                    "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value.";
                Err(Failure::new("invalid_value", message).param("audio"))
            }
            Err(_) => Err(Failure::new(
                "invalid_value",
                format!("The '{event_type}' event is not valid."),
            )),
        };
        if let Err(failure) = result {
            self.fail(failure, event_id);
        }
    }

    /// Does what a checked event asks for.
    fn obey(&mut self, event: ClientEvent, event_id: &Field<String>) -> Result<(), Failure> {
        match event {
            ClientEvent::SessionUpdate(update) => self.update_session(update.session),
            ClientEvent::InputAudioBufferAppend(append) => self.append(append.audio.as_bytes()),
            ClientEvent::InputAudioBufferCommit(_) => self.commit(),
            ClientEvent::InputAudioBufferClear(_) => {
                self.clear_input();
                Ok(())
            }
            ClientEvent::ConversationItemCreate(create) => {
                if self.must_wait(&create.item) {
                    self.deferred
                        .push_back((ClientEvent::ConversationItemCreate(create), event_id.clone()));
                    return Ok(());
                }
                self.create_item(*create)
            }
            ClientEvent::ConversationItemDelete(delete) => self.delete_item(delete.item_id),
            ClientEvent::ConversationItemRetrieve(retrieve) => self.retrieve_item(&retrieve.item_id),
            ClientEvent::ConversationItemTruncate(truncate) => self.truncate_item(truncate),
            ClientEvent::ResponseCreate(create) => self.create_response(
                create
                    .response
                    .into_value()
                    .map(|params| *params)
                    .unwrap_or_default(),
            ),
            ClientEvent::ResponseCancel(cancel) => self.cancel_response(cancel.response_id.as_deref()),
            other => {
                let message = format!("'{}' is not available in a realtime session.", other.event_type());
                Err(Failure::new("invalid_value", message).param("type"))
            }
        }
    }

    /// `session.update`.
    fn update_session(&mut self, update: rt_protocol::Session) -> Result<(), Failure> {
        self.session.update(update, self.spoke)?;
        self.input
            .configure(self.session.input_format(), self.session.turns());
        if self.session.turns().is_none() {
            self.turn = None;
            self.idle_at = None;
        }
        let session = self.session.to_wire();
        self.emit(ServerEvent::SessionUpdated(
            SessionUpdated {
                session,
                ..Default::default()
            }
            .into(),
        ));
        Ok(())
    }

    /// Ends the session at its limit.
    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.runs.clear();
        self.hearings.clear();
        let minutes = self.settings.session_length.as_secs() / 60;
        let message = format!("Your session hit the maximum duration of {minutes} minutes.");
        self.fail(Failure::new("session_expired", message.clone()), Field::Null);
        self.out.push(Output::Close {
            code: 1001,
            reason: message,
        });
    }
}

/// Something that becomes due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// A transcription, by its place in the list.
    Hearing(usize),
    /// A response, by its place in the list.
    Run(usize),
    /// `rate_limits.updated`.
    Limits,
    /// The user was quiet for too long.
    Idle,
    /// The end of the session.
    End,
}

impl Brain {
    /// The next thing that becomes due. Of two at the same time, the first in this order.
    fn next_due(&self) -> Option<(Duration, Due)> {
        if self.ended {
            return None;
        }
        let hearings = self
            .hearings
            .iter()
            .enumerate()
            .map(|(n, hearing)| (hearing.due(), Due::Hearing(n)));
        let runs = self
            .runs
            .iter()
            .enumerate()
            .filter_map(|(n, run)| Some((run.due()?, Due::Run(n))));
        let limits = self.limits_at.front().map(|due| (*due, Due::Limits));
        let idle = self.idle_at.map(|due| (due, Due::Idle));
        hearings
            .chain(runs)
            .chain(limits)
            .chain(idle)
            .chain([(self.expires_at, Due::End)])
            .min_by_key(|(due, _)| *due)
    }

    /// Does everything that is due up to `now`, in order.
    fn run_until(&mut self, now: Duration) {
        while let Some((due, what)) = self.next_due().filter(|(due, _)| *due <= now) {
            self.now = self.now.max(due);
            match what {
                Due::Hearing(n) => self.advance_hearing(n),
                Due::Run(n) => self.advance_run(n),
                Due::Limits => self.send_limits(),
                Due::Idle => self.take_idle_turn(),
                Due::End => self.end(),
            }
        }
        self.now = self.now.max(now);
    }
}
