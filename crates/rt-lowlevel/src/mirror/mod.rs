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

mod intent;
mod plan;
mod policy;
mod report;
mod snapshot;

use rt_protocol::session::SessionKind;
use rt_protocol::{ClientEvent, ServerEvent};

pub(crate) use self::intent::{Answer, Intent, prepare};
pub(crate) use self::plan::{Known, Plan, Purpose, Step, StepAnswer, StepKind};
pub use self::policy::{RestorePolicy, Summarizer, UnreportedPlayback};
pub(crate) use self::report::{DiscardReason, Fate};
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
    /// Commands that are done again and stay pending: by the plan's steps, or by the replay. Audio is among them: an
    /// append that was written, is unconfirmed and is not listed here fell out of what is kept of the input.
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
#[derive(Debug)]
pub(crate) struct Mirror {
    policy: RestorePolicy,
    kind: SessionKind,
}

impl Mirror {
    pub(crate) fn new(policy: RestorePolicy, kind: SessionKind) -> Self {
        Self { policy, kind }
    }

    /// Goes on where another mirror stopped. The state is that after [`lost`](Self::lost).
    pub(crate) fn resume(policy: RestorePolicy, snapshot: Snapshot) -> Self {
        let _ = snapshot;
        Self::new(policy, SessionKind::Realtime)
    }

    /// What another process needs to go on, as if the connection were lost now. Changes nothing.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { version: 1 }
    }

    pub(crate) fn kind(&self) -> SessionKind {
        self.kind
    }

    /// Whether there is anything that a new session would have to be told.
    pub(crate) fn is_empty(&self) -> bool {
        true
    }

    /// A command is about to be written to the open session. `stale`: it was accepted before this session was open.
    pub(crate) fn write(&mut self, seq: u64, intent: Intent, stale: bool) -> Write {
        let _ = (seq, intent, stale);
        Write::AsIs
    }

    /// The peer has read every command up to this one, in order of writing.
    pub(crate) fn confirmed(&mut self, seq: u64) {
        let _ = seq;
    }

    /// The server sent this, on the open session.
    pub(crate) fn server(&mut self, event: &ServerEvent) -> Reduced {
        let _ = event;
        Reduced::default()
    }

    /// So many samples of this content were played so far, counted from its start at the rate of the output format.
    pub(crate) fn played(&mut self, item_id: &str, content_index: u32, samples: u64) {
        let _ = (item_id, content_index, samples);
    }

    /// Whether the server would take a `conversation.item.truncate` for this item: not if it was restored as text.
    pub(crate) fn truncate_allowed(&self, item_id: &str) -> bool {
        let _ = item_id;
        true
    }

    /// Merges a `session.update` that waits in the outbox into the next plan; returns whether it is one. The plan does it,
    /// so it need not be written.
    pub(crate) fn absorb(&mut self, seq: u64, intent: &Intent) -> bool {
        let _ = (seq, intent);
        false
    }

    /// The session.update of the plan was refused. The next plan leaves out what was never acknowledged; these are the
    /// commands that were merged into it and are refused with it.
    pub(crate) fn settings_rejected(&mut self) -> Vec<u64> {
        Vec::new()
    }

    /// The session is gone.
    pub(crate) fn lost(&mut self) -> Lost {
        Lost::default()
    }

    /// The session is given up for another one, at a quiet point: as `lost`, but silence is not sent again.
    pub(crate) fn hand_over(&mut self) -> Lost {
        Lost::default()
    }

    /// What a session with this knowledge has to be told. No steps: it is up to date.
    pub(crate) fn plan(&mut self, known: &Known, purpose: Purpose) -> Plan {
        let _ = (known, purpose, &self.policy);
        Plan::default()
    }

    /// The session that was told all this is the open one from now on.
    pub(crate) fn attach(&mut self, known: &Known) {
        let _ = known;
    }

    /// The next message to be written again; it counts as written.
    pub(crate) fn replay(&mut self) -> Option<Replay> {
        None
    }

    /// Whether this is a good moment to change sessions: nobody speaks, no response, no tool running, nothing
    /// uncommitted or unanswered, and what was received has been played.
    pub(crate) fn is_quiet(&self) -> bool {
        true
    }
}
