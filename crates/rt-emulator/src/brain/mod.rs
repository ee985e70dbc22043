//! [`Brain`]: the server's side of one session. Pure: it takes the time as an argument, and waits for nothing.

mod beta;
mod conversation;
mod failure;
mod format;
mod hearing;
mod ids;
mod input;
mod items;
mod kinds;
mod listen;
mod obey;
mod perform;
mod plan;
mod record;
mod respond;
mod run;
mod session;
mod settings;
#[cfg(test)]
mod tests;
mod translate;
mod usage;
mod vad;
mod validate;
mod voice;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rt_protocol::dialect::Codec;
use rt_protocol::server_event::SessionCreated;
use rt_protocol::{ClientEvent, Field, ServerEvent, Session};

use self::conversation::Conversation;
pub(crate) use self::failure::Failure;
use self::hearing::Hearing;
use self::ids::Ids;
use self::input::Input;
pub use self::record::{Command, Commit, SessionRecord};
use self::run::Run;
use self::session::SessionState;
pub use self::settings::Settings;
use self::translate::Translation;
pub(crate) use self::validate::{Body, check_body};
use crate::script::Player;

/// What the brain wants sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// An event, in GA's form whatever the dialect: see [`Brain::encode`].
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
/// use rt_emulator::brain::{Brain, Output, Settings};
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
pub struct Brain {
    /// What the session is like.
    settings: Settings,
    /// Reads and writes the dialect.
    codec: Codec,
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
    /// What a translation does instead of all this.
    translation: Translation,
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
    /// What arrived.
    record: SessionRecord,
}

impl Brain {
    /// A session that is not open yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut ids = Ids::new(settings.seed);
        let record = SessionRecord::new(settings.keep_record);
        let expires_at = settings
            .opened_at
            .saturating_add(settings.session_length.as_secs());
        let mut session = SessionState::new(settings.kind, ids.session(), settings.model.clone(), expires_at);
        if let Some(wanted) = settings.session.clone() {
            // Refused or not: there is nobody to tell.
            let _ = session.update(wanted, false);
        }
        Self {
            codec: beta::codec(settings.dialect),
            player: Player::new(Arc::clone(&settings.script)),
            now: Duration::ZERO,
            out: Vec::new(),
            conversation_id: ids.conversation(),
            conversation: Conversation::new(record.clone()),
            record,
            input: Input::new(session.input_format(), session.turns()),
            turn: None,
            translation: Translation::default(),
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
        self.record.opened(self.session.fields().id.value());
        self.emit(ServerEvent::SessionCreated(
            SessionCreated {
                session,
                ..Default::default()
            }
            .into(),
        ));
        self.greet_in_beta();
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

    /// Takes an event, as [`handle_text`](Self::handle_text) takes its JSON; only GA's form of it is understood.
    pub fn handle_event(&mut self, event: &ClientEvent, now: Duration) -> Vec<Output> {
        self.handle_text(&event.to_json(), now)
    }

    /// Does everything that follows from an event until the session has nothing to do any more, and returns it with
    /// the times at which it is sent, counted from `now`: for tests that do not interleave.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rt_emulator::brain::{Brain, Output, Settings};
    /// use rt_protocol::client_event::ResponseCreate;
    ///
    /// let mut brain = Brain::new(Settings::default());
    /// brain.open(Duration::ZERO);
    /// let sent = brain.apply(&ResponseCreate::default().into(), Duration::from_secs(7));
    /// let Some((after, Output::Event(event))) = sent.last() else { panic!("nothing was sent") };
    /// assert_eq!(event.event_type(), "response.done");
    /// assert!(*after >= Duration::from_millis(60));
    /// ```
    pub fn apply(&mut self, event: &ClientEvent, now: Duration) -> Vec<(Duration, Output)> {
        let mut sent: Vec<_> = self
            .handle_event(event, now)
            .into_iter()
            .map(|output| (Duration::ZERO, output))
            .collect();
        // The end of the session and the user's silence are no consequences of the event.
        let busy = |due: &(Duration, Due)| !matches!(due.1, Due::End | Due::Idle);
        while let Some((due, _)) = self.next_due().filter(busy) {
            let after = due.saturating_sub(now);
            sent.extend(self.poll(due).into_iter().map(|output| (after, output)));
        }
        sent
    }

    /// What truly arrived, and what became of it. It can be asked at any time, also after the session.
    #[must_use]
    pub fn record(&self) -> SessionRecord {
        self.record.clone()
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

    /// Ends the session at its limit.
    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.runs.clear();
        self.hearings.clear();
        let seconds = self.settings.session_length.as_secs();
        let duration = match seconds {
            0..120 => format!("{seconds} seconds"),
            _ => format!("{} minutes", seconds / 60),
        };
        let message = format!("Your session hit the maximum duration of {duration}.");
        self.fail(Failure::new("session_expired", message.clone()), Field::Null);
        self.out.push(Output::Close {
            code: 1001,
            reason: message,
        });
    }
}

impl fmt::Debug for Brain {
    /// Numbers only: what was said is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brain")
            .field("now", &self.now)
            .field("items", &self.conversation.entries().len())
            .field("responses", &self.runs.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// A session as its server would report it, before anyone connects.
pub(crate) fn effective(settings: &Settings) -> Result<Session, Failure> {
    let mut ids = Ids::new(settings.seed);
    let mut session = SessionState::new(
        settings.kind,
        ids.session(),
        settings.model.clone(),
        settings.opened_at,
    );
    if let Some(wanted) = settings.session.clone() {
        session.update(wanted, false)?;
    }
    Ok(session.to_wire())
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
    /// More of a translation.
    Translation,
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
        let translation = self.translation.due().map(|due| (due, Due::Translation));
        hearings
            .chain(runs)
            .chain(limits)
            .chain(idle)
            .chain(translation)
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
                Due::Translation => self.advance_translation(),
                Due::End => self.end(),
            }
        }
        self.now = self.now.max(now);
    }
}
