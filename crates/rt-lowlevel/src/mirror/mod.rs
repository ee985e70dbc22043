//! The conversation mirror: what a session knows, so that the next one can be told.
//!
//! A pure reducer: no clock, no I/O. It learns of a client event when that is written, and of a server event when it
//! is received, both in order; of events of the restore itself it learns nothing. The life of a mirror:
//!
//! 1. [`prepare`] an event of the user, encode it, keep its [`Intent`] in the outbox.
//! 2. When it is its turn: [`Mirror::write`] says whether the encoded text is written as it is, or something else in its
//!    place, or nothing.
//! 3. Every server event of the open session goes through [`Mirror::server`], which says which commands it settles and
//!    whether it is an echo of something the user did not send.
//! 4. The connection is lost: [`Mirror::lost`] settles what was in flight.
//! 5. On the new session, after `session.created`: [`Mirror::absorb`] for each `session.update` in the outbox, then
//!    [`Mirror::plan`], and its steps. If it is lost again on the way, nothing has to be undone: plan again, with a
//!    new [`Known`]. When all steps are answered, plan again with the same `Known`: what was refused because of another
//!    item comes again, until the plan has no steps.
//! 6. [`Mirror::attach`], then [`Mirror::replay`] until it is empty, then the outbox.
//!
//! For a rollover, plan for the second session ([`Purpose::Prepare`]) while the first goes on, as often as needed. At a
//! quiet point ([`Mirror::is_quiet`]): [`Mirror::hand_over`] in place of `lost`, then 5 and 6 with the `Known` of the second
//! session. Forced: [`Mirror::lost`], then the same.

mod calls;
mod clock;
mod commands;
mod entry;
mod folded;
mod heard;
mod intent;
mod items;
mod loss;
mod plan;
mod policy;
mod reduce;
mod render;
mod report;
mod responses;
mod restore;
mod settings;
mod snapshot;
mod tape;
mod write;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rt_protocol::session::SessionKind;
use rt_protocol::{ClientEvent, Text};

use self::clock::ticks;
use self::commands::Commands;
use self::folded::Folded;
use self::heard::Pace;
use self::items::Items;
use self::responses::Responses;
use self::settings::Settings;
use self::tape::Tape;

pub(crate) use self::intent::{Answer, Intent, prepare};
pub(crate) use self::plan::{Known, Plan, Purpose, Step, StepAnswer, StepKind};
pub use self::policy::{RestorePolicy, Summarizer, UnreportedPlayback};
#[cfg(test)]
pub(crate) use self::report::DiscardReason;
pub(crate) use self::report::Fate;
pub use self::report::{LostItem, LostReason, SettledOutcome, SettledResponse};
pub use self::snapshot::Snapshot;

/// What is to be written for a command.
#[derive(Debug)]
pub(crate) enum Write {
    /// The encoded text, as it is.
    AsIs,
    /// These in its place, in order; the last one is the command itself.
    Instead(Vec<ClientEvent>),
    /// Nothing: it came too late, and this is its fate.
    Nothing(Fate),
}

/// What a server event did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reduced {
    /// The commands it settles, each once in its life.
    pub(crate) settled: Vec<(u64, Verdict)>,
    /// It shows that the peer has read every command up to this one.
    pub(crate) read: Option<u64>,
    /// It only echoes something that the user did not send; not to be shown.
    pub(crate) hidden: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Acknowledged,
    /// By the `error` event itself.
    Rejected,
}

/// What the end of a connection settles.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Responses that ended with it.
    pub(crate) responses: Vec<SettledResponse>,
    /// Commands that were written and will not be answered.
    pub(crate) fates: Vec<(u64, Fate)>,
    /// Commands that are done again: by the plan's steps, or by the replay. Those that are not settled yet stay pending.
    /// Audio is among them: an append that was written, is unconfirmed and is not listed here fell out of what is kept of
    /// the input, or belongs to a turn that was committed.
    pub(crate) pending: Vec<u64>,
    /// Milliseconds of speech since the last `lost` that fell out of what is kept of the input.
    pub(crate) lost_audio_ms: u64,
}

/// A message to be written again, before anything new.
#[derive(Debug)]
pub(crate) struct Replay {
    /// Its command; none if it has been answered, or is of another process.
    pub(crate) seq: Option<u64>,
    pub(crate) event: ClientEvent,
    /// Milliseconds of audio in it.
    pub(crate) audio_ms: u64,
}

/// The mirror. See the module's documentation for how to drive it.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    policy: RestorePolicy,
    kind: SessionKind,
    settings: Settings,
    items: Items,
    responses: Responses,
    tape: Tape,
    commands: Commands,
    /// The turn of the user that the server is to answer by itself.
    answering: Option<String>,
    /// Items we told the open session of on the way; the user did not send them.
    own_items: Vec<String>,
    /// Ids of calls that are not known any more; their outputs have no place.
    gone_calls: VecDeque<String>,
    /// The text that stands for the items that fell out.
    summary: Option<Text>,
    folded: Folded,
    pace: Pace,
    /// Somebody says what is played.
    playback_reported: bool,
    /// Makes the ids of our own events.
    next_event: u64,
}

/// What a translation session holds of its input: it has no turns, and nobody says how far it has come.
const TRANSLATION_INPUT_MS: u64 = 1000;
/// How many ids are remembered of what is gone.
const MAX_GONE: usize = 64;

impl Mirror {
    pub(crate) fn new(policy: RestorePolicy, kind: SessionKind) -> Self {
        Self {
            tape: Tape::new(input_limit(&policy, kind)),
            settings: Settings::new(kind),
            policy,
            kind,
            items: Items::default(),
            responses: Responses::default(),
            commands: Commands::default(),
            answering: None,
            own_items: Vec::new(),
            gone_calls: VecDeque::new(),
            summary: None,
            folded: Folded::default(),
            pace: Pace::default(),
            playback_reported: false,
            next_event: 0,
        }
    }

    /// The server says what kind of session it is: a key or a gateway may have made one for transcription, whatever the
    /// address says. The other way round it proves nothing: to a codec of the beta every session without a type is
    /// a realtime one.
    fn learn_kind(&mut self, kind: Option<SessionKind>) {
        let learned = kind.filter(|kind| *kind == SessionKind::Transcription);
        if let Some(kind) = learned
            && self.kind == SessionKind::Realtime
        {
            self.kind = kind;
            self.settings.set_kind(kind);
            self.tape.set_limit(input_limit(&self.policy, kind));
        }
    }

    #[cfg(test)]
    pub(crate) fn kind(&self) -> SessionKind {
        self.kind
    }

    /// Whether there is nothing that a new session would have to be told.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.items.len() == 0 && self.tape.is_empty() && self.summary.is_none()
    }

    /// The peer has read every command up to this one, in order of writing.
    pub(crate) fn confirmed(&mut self, seq: u64) {
        self.tape.confirmed(seq, self.settings.derived().vad);
    }

    /// Whether the server would take a `conversation.item.truncate` for this item: not if it was restored as text.
    pub(crate) fn truncate_allowed(&self, item_id: &str) -> bool {
        self.items.get(item_id).is_none_or(|entry| !entry.retold)
    }

    /// Whether this is a good moment to change sessions: nobody speaks, no response, no tool running, nothing
    /// uncommitted or unanswered, and what was received last has been played, as far as anybody says.
    pub(crate) fn is_quiet(&self) -> bool {
        let vad = self.settings.derived().vad;
        let spoken = self
            .items
            .entries()
            .iter()
            .rev()
            .find_map(|entry| match &entry.body {
                items::Body::Spoken(spoken) => Some(spoken),
                _ => None,
            });
        let reported = self.playback_reported;
        self.tape.is_quiet(vad)
            && self.responses.is_quiet()
            && self.commands.is_empty()
            && !self.items.has_open_call()
            && !self.awaits_transcript()
            && spoken.is_none_or(|spoken| spoken.parts.iter().all(|part| part.is_played_out(reported)))
    }

    /// Whether this session still owes the transcript of a turn: no other one will tell it.
    fn awaits_transcript(&self) -> bool {
        let is_due = |entry: &entry::Entry| {
            !entry.retold
                && matches!(&entry.body, items::Body::Message(given) if !given.settled && !given.turn.is_empty())
        };
        self.settings.derived().transcribes && self.items.entries().iter().any(is_due)
    }

    /// Keeps everything within its bounds.
    fn bound(&mut self) {
        let media = if self.policy.enabled { self.policy.media } else { 0 };
        self.items.bound_media(media);
        self.fold(2);
    }

    /// An id for an event of our own.
    fn event_id(&mut self) -> String {
        self.next_event += 1;
        format!("rt_{}", self.next_event)
    }
}

/// How much input is kept, in ticks.
fn input_limit(policy: &RestorePolicy, kind: SessionKind) -> u64 {
    let mut input_ms = u64::try_from(policy.input_audio.as_millis()).unwrap_or(u64::MAX);
    if kind == SessionKind::Translation {
        input_ms = input_ms.min(TRANSLATION_INPUT_MS);
    }
    ticks(input_ms)
}

fn bounded_push(queue: &mut VecDeque<String>, id: String) {
    if queue.len() == MAX_GONE {
        queue.pop_front();
    }
    queue.push_back(id);
}
