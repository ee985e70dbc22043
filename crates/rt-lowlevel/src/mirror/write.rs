//! Client events: what is written in the end, and what is remembered of it.

use std::ops::RangeInclusive;

use rt_protocol::client_event::{ConversationItemCreate, ConversationItemTruncate, ResponseCancel};
use rt_protocol::{ClientEvent, Field, Item};

use super::calls;
use super::clock::Format;
use super::commands::{Command, Kind};
use super::items::{Body, Entry, Place};
use super::render::restored_call;
use super::report::{DiscardReason, Fate};
use super::responses::Request;
use super::tape::{self, Commit};
use super::{Intent, Mirror, Replay, Write};

impl Mirror {
    /// A command is about to be written to the open session. `stale`: it was accepted before this session was open.
    pub(crate) fn write(&mut self, seq: u64, intent: Intent, stale: bool) -> Write {
        let Some(event) = intent.event else {
            return Write::AsIs;
        };
        let event_id = event.event_id().map(str::to_owned);
        let kind = match event {
            ClientEvent::InputAudioBufferAppend(append) => {
                self.append(seq, &append.audio);
                return Write::AsIs;
            }
            ClientEvent::SessionInputAudioBufferAppend(append) => {
                self.append(seq, &append.audio);
                return Write::AsIs;
            }
            ClientEvent::SessionUpdate(update) => {
                self.settings.written(seq, update.session);
                Kind::Update
            }
            ClientEvent::InputAudioBufferCommit(_) => {
                self.tape.commit(Commit {
                    seq: Some(seq),
                    event_id: event_id.clone(),
                });
                Kind::Commit
            }
            ClientEvent::InputAudioBufferClear(_) => {
                self.tape.clear();
                Kind::Clear
            }
            ClientEvent::ConversationItemCreate(create) => return self.create(seq, *create, stale),
            ClientEvent::ConversationItemRetrieve(event) => Kind::Retrieve { id: event.item_id },
            ClientEvent::ConversationItemDelete(event) => {
                if stale && self.items.position(&event.item_id).is_none() {
                    return Write::Nothing(Fate::Superseded);
                }
                Kind::Delete { id: event.item_id }
            }
            ClientEvent::ConversationItemTruncate(event) => match self.truncate(event, stale) {
                Some(kind) => kind,
                None => return Write::Nothing(Fate::Superseded),
            },
            ClientEvent::ResponseCreate(event) => {
                self.tape.request(Request {
                    seq: Some(seq),
                    event,
                });
                Kind::Respond
            }
            ClientEvent::ResponseCancel(event) => {
                if stale && !self.can_cancel(&event) {
                    return Write::Nothing(Fate::Superseded);
                }
                Kind::Cancel {
                    response_id: event.response_id.into_value(),
                }
            }
            ClientEvent::SessionClose(_) => Kind::Close,
            _ => return Write::AsIs,
        };
        self.commands.push(Command {
            seq: Some(seq),
            event_id,
            kind,
        });
        Write::AsIs
    }

    fn append(&mut self, seq: u64, audio: &rt_protocol::AudioBytes) {
        if !self.policy.enabled {
            return;
        }
        let derived = self.settings.derived();
        self.tape.append(Some(seq), audio, derived.input, !derived.vad);
    }

    /// Notes where the model is cut; nothing, if the session does not have its audio.
    fn truncate(&mut self, event: ConversationItemTruncate, stale: bool) -> Option<Kind> {
        let known = self.items.position(&event.item_id).is_some();
        let allowed = self.truncate_allowed(&event.item_id) && (known || !stale);
        self.cut(&event.item_id, event.content_index, event.audio_end_ms);
        allowed.then_some(Kind::Truncate {
            id: event.item_id,
            content_index: event.content_index,
            audio_end_ms: event.audio_end_ms,
        })
    }

    pub(super) fn cut(&mut self, item_id: &str, content_index: u32, audio_end_ms: u64) {
        if let Some(part) = self.items.part(item_id, content_index) {
            part.cut(audio_end_ms);
        }
    }

    /// Whether a cancel that waited over a loss still has something to cancel that the client asked for.
    fn can_cancel(&self, event: &ResponseCancel) -> bool {
        match event.response_id.as_deref() {
            Some(id) => self.responses.knows(id),
            None => {
                let asked = self
                    .responses
                    .active()
                    .iter()
                    .any(|active| active.request.is_some());
                asked || self.tape.requests().next().is_some()
            }
        }
    }

    fn create(&mut self, seq: u64, mut create: ConversationItemCreate, stale: bool) -> Write {
        let Some(id) = create.item.id().map(str::to_owned) else {
            return Write::AsIs;
        };
        let mut before = Vec::new();
        let mut changed = false;
        if let Item::FunctionCallOutput(output) = &mut create.item {
            if self.gone_calls.contains(&output.call_id) {
                return Write::Nothing(Fate::Discarded(DiscardReason::CallGone));
            }
            if let Some(at) = self.items.call(&output.call_id) {
                before.extend(self.restore_call(at));
                let retold = self.items.entries()[at].retold;
                let short = calls::short(&output.call_id);
                if retold && short != output.call_id {
                    output.call_id = short;
                    changed = true;
                }
            }
        }
        let known = |id: &str| {
            self.items
                .get(id)
                .is_some_and(|entry| entry.on_session || entry.created_by.is_some())
        };
        if stale
            && create
                .previous_item_id
                .as_deref()
                .is_some_and(|id| id != "root" && !known(id))
        {
            create.previous_item_id = Field::Absent;
            changed = true;
        }
        let fresh = self.items.position(&id).is_none();
        if fresh {
            let mut entry = Entry::given(&id, &create.item, self.settings.derived().input);
            if let (Body::Output(own), Some(call_id)) = (&mut entry.body, self.long_call_id(&create.item)) {
                own.call_id = call_id;
            }
            entry.created_by = Some(seq);
            self.folded.forget(&id);
            self.items.insert(entry, Place::asked(&create.previous_item_id));
            self.bound();
        }
        self.commands.push(Command {
            seq: Some(seq),
            event_id: create.event_id.as_deref().map(str::to_owned),
            kind: Kind::Create { id, fresh },
        });
        if before.is_empty() && !changed {
            return Write::AsIs;
        }
        before.push(ClientEvent::ConversationItemCreate(create.into()));
        Write::Instead(before)
    }

    /// The id by which a call is known here, of an output that may have the short one.
    fn long_call_id(&self, item: &Item) -> Option<String> {
        let Item::FunctionCallOutput(output) = item else {
            return None;
        };
        let is = |entry: &&Entry| {
            entry.call().is_some()
                && entry
                    .call_id()
                    .is_some_and(|id| calls::short(id) == output.call_id)
        };
        let call = self.items.entries().iter().rev().find(is)?;
        call.call_id().map(str::to_owned)
    }

    /// Tells the session of a call whose tool ran over a loss.
    fn restore_call(&mut self, at: usize) -> Option<ClientEvent> {
        let entry = &self.items.entries()[at];
        let there = entry.on_session || entry.created_by.is_some();
        if there || !entry.call().is_some_and(|call| call.whole) {
            return None;
        }
        let before = self.items.known_before(at).unwrap_or("root").to_owned();
        let id = entry.id.clone();
        let mut event = ClientEvent::from(ConversationItemCreate::new(restored_call(entry)).after(before));
        let event_id = self.event_id();
        event.set_event_id(event_id.clone());
        self.commands.push(Command {
            seq: None,
            event_id: Some(event_id),
            kind: Kind::Create {
                id: id.clone(),
                fresh: false,
            },
        });
        if let Some(entry) = self.items.get_mut(&id) {
            entry.on_session = true;
            entry.retold = true;
        }
        self.own_items.push(id);
        Some(event)
    }

    /// Takes a command that waits in the outbox into the next plan, if that does what it asks for; it need not be
    /// written then. Those are `session.update`, and deleting and cutting items that are known.
    pub(crate) fn absorb(&mut self, seq: u64, intent: &Intent) -> bool {
        match &intent.event {
            Some(ClientEvent::SessionUpdate(update)) => {
                self.settings.absorb(seq, &update.session);
                true
            }
            Some(ClientEvent::ConversationItemDelete(event)) => {
                let entry = self.items.remove(&event.item_id);
                let created_by = match &entry {
                    Some(entry) => entry.created_by,
                    None => self.folded.forget(&event.item_id),
                };
                self.folded.discard(created_by);
                entry.is_some()
            }
            Some(ClientEvent::ConversationItemTruncate(event)) => {
                self.cut(&event.item_id, event.content_index, event.audio_end_ms);
                self.items.position(&event.item_id).is_some()
            }
            _ => false,
        }
    }

    /// The session.update of the plan was refused. The next plan offers less: first without what was never
    /// acknowledged, and these are the commands that are refused with it; then without what only the server reported.
    pub(crate) fn settings_rejected(&mut self) -> Vec<u64> {
        self.settings.refused()
    }

    /// No session takes these commands: the input they are is not written again, and counts as lost, with so many bytes of
    /// audio that never were written.
    pub(crate) fn exclude(&mut self, seqs: &RangeInclusive<u64>, unwritten: usize) {
        self.tape.exclude(seqs);
        self.tape.lose(self.settings.derived().input.ticks(unwritten));
    }

    /// The next message to be written again; it counts as written.
    pub(crate) fn replay(&mut self) -> Option<Replay> {
        let (seq, event, kind, audio_ms) = match self.tape.replay()? {
            tape::Entry::Audio(chunk) => {
                let audio_ms = super::clock::ms(chunk.ticks());
                (chunk.seq, self.append_event(chunk.audio), None, audio_ms)
            }
            tape::Entry::Commit(commit) => (commit.seq, commit.event().into(), Some(Kind::Commit), 0),
            tape::Entry::Respond(request) => (request.seq, request.event.into(), Some(Kind::Respond), 0),
        };
        if let Some(kind) = kind {
            self.commands.push(Command {
                seq,
                event_id: event.event_id().map(str::to_owned),
                kind,
            });
        }
        Some(Replay { seq, event, audio_ms })
    }

    fn append_event(&self, audio: rt_protocol::AudioBytes) -> ClientEvent {
        use rt_protocol::client_event::{InputAudioBufferAppend, SessionInputAudioBufferAppend};
        if self.kind == rt_protocol::session::SessionKind::Translation {
            SessionInputAudioBufferAppend::new(audio).into()
        } else {
            InputAudioBufferAppend::new(audio).into()
        }
    }

    /// So many samples of this content were played so far, counted from its start at the rate of the output format.
    pub(crate) fn played(&mut self, item_id: &str, content_index: u32, samples: u64) {
        self.playback_reported = true;
        let format: Format = self.settings.derived().output;
        if let Some(part) = self.items.part(item_id, content_index) {
            part.played(format.ticks_of_samples(samples));
        }
    }
}
