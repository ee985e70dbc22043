//! The end of a session: what was in flight is settled, and the rest made ready for the next one.

use rt_protocol::client_event::ResponseCreate;
use rt_protocol::session::SessionKind;
use rt_protocol::{ClientEvent, Text};

use super::clock::ms;
use super::commands::Kind;
use super::heard::Part;
use super::intent::REQUEST_KEY;
use super::items::{Body, Items};
use super::prepare;
use super::render::Telling;
use super::report::{DiscardReason, Fate, SettledOutcome, SettledResponse};
use super::responses::{Active, Request};
use super::settings::Settings;
use super::tape::{Chunk, Commit, Entry};
use super::{Lost, Mirror};

impl Mirror {
    /// The session is gone.
    pub(crate) fn lost(&mut self) -> Lost {
        let mut lost = Lost::default();
        self.settle_commands(&mut lost);
        let fallen = self.folded.take_unanswered().into_iter();
        lost.fates
            .extend(fallen.map(|seq| (seq, Fate::Discarded(DiscardReason::NotRestored))));
        self.settle_responses(&mut lost);
        self.settings.lost();
        self.items.lost();
        self.own_items.clear();
        self.tape.rewind(self.settings.derived().input);
        if self.policy.enabled {
            self.answer_again();
            self.transcribe_again();
        } else {
            self.forget(&mut lost);
        }
        self.responses.reset();
        self.answering = None;
        lost.lost_audio_ms = self.tape.take_lost_ms();
        let created = self.items.entries().iter().filter_map(|entry| entry.created_by);
        lost.pending = created
            .chain(self.tape.entries().filter_map(Entry::seq))
            .collect();
        lost
    }

    /// The session is given up for another one, at a quiet point: as `lost`, but silence is not sent again.
    pub(crate) fn hand_over(&mut self) -> Lost {
        if self.settings.derived().vad && self.is_quiet() {
            self.tape.drop_audio();
        }
        self.lost()
    }

    fn settle_commands(&mut self, lost: &mut Lost) {
        for command in self.commands.drain() {
            let fate = match command.kind {
                Kind::Create { id, .. } => {
                    let runs = self
                        .items
                        .get(&id)
                        .is_some_and(|entry| self.items.is_open_call(entry));
                    let ours = |entry: &&mut super::items::Entry| entry.created_by == command.seq;
                    match self.items.get_mut(&id).filter(ours) {
                        // The plan does it.
                        Some(_) if !runs => continue,
                        Some(entry) => entry.created_by = None,
                        // It fell out meanwhile, and has its fate.
                        None if self.folded.awaits(command.seq) => continue,
                        None => {}
                    }
                    Fate::Superseded
                }
                Kind::Delete { id } => {
                    let created_by = match self.items.remove(&id) {
                        Some(entry) => entry.created_by,
                        None => self.folded.forget(&id),
                    };
                    lost.fates.extend(created_by.map(|seq| (seq, Fate::Superseded)));
                    Fate::Superseded
                }
                // The replay does it.
                Kind::Commit | Kind::Respond => continue,
                Kind::Cancel { response_id } => {
                    // One that was to stop what is asked for has done so.
                    if response_id.is_none() && !self.responses.in_conversation() {
                        let taken = self.tape.take_request(|request| !request.out_of_band());
                        let taken = taken.and_then(|request| request.seq);
                        lost.fates.extend(taken.map(|seq| (seq, Fate::Superseded)));
                    }
                    Fate::Superseded
                }
                Kind::Update | Kind::Truncate { .. } | Kind::Clear => Fate::Superseded,
                Kind::Retrieve { .. } | Kind::Close => Fate::Discarded(DiscardReason::ConnectionLost),
            };
            lost.fates.extend(command.seq.map(|seq| (seq, fate)));
        }
    }

    fn settle_responses(&mut self, lost: &mut Lost) {
        for active in self.responses.take_active() {
            let repeat = active
                .request
                .clone()
                .filter(|request| request.out_of_band() && request.repeatable());
            let outcome = if !active.out_of_band {
                SettledOutcome::Interrupted
            } else if repeat.is_some() {
                SettledOutcome::Repeated
            } else {
                SettledOutcome::Failed
            };
            lost.responses.push(self.settled(active, outcome));
            if let Some(request) = repeat {
                self.tape.push_back_request(Request { seq: None, ..request });
            }
        }
        for request in self.tape.drain_requests(|request| !request.repeatable()) {
            let fate = Fate::Discarded(DiscardReason::OutOfBand);
            lost.fates.extend(request.seq.map(|seq| (seq, fate)));
            let active = Active {
                id: String::new(),
                metadata: request.metadata().cloned().unwrap_or_default(),
                out_of_band: true,
                request: Some(request),
                items: Vec::new(),
            };
            lost.responses.push(self.settled(active, SettledOutcome::Failed));
        }
    }

    fn settled(&self, active: Active, outcome: SettledOutcome) -> SettledResponse {
        let playback = self.playback();
        let mut heard = Text::default();
        let (mut received, mut played) = (0, 0);
        for id in &active.items {
            let Some(Body::Spoken(spoken)) = self.items.get(id).map(|entry| &entry.body) else {
                continue;
            };
            for text in spoken.heard(&playback) {
                if !heard.is_empty() {
                    heard.push_str("\n");
                }
                heard.push_str(text);
            }
            received += spoken.parts.iter().map(Part::received).sum::<u64>();
            played += spoken
                .parts
                .iter()
                .map(|part| part.position(spoken.whole, &playback))
                .sum::<u64>();
        }
        let mut metadata = active.metadata;
        metadata.remove(REQUEST_KEY);
        let request_id = active
            .request
            .as_ref()
            .and_then(|request| request.event.event_id.as_deref());
        SettledResponse {
            request_id: request_id.map(str::to_owned),
            response_id: Some(active.id).filter(|id| !id.is_empty()),
            metadata,
            out_of_band: active.out_of_band,
            outcome,
            items: active.items,
            heard,
            received_ms: ms(received),
            played_ms: ms(played),
        }
    }

    /// The server was to answer a turn by itself and had not begun: the new session is asked to, if it will know the
    /// turn and nobody asks it anyway.
    fn answer_again(&mut self) {
        let told = self
            .answering
            .as_ref()
            .and_then(|id| self.items.get(id))
            .is_some_and(|entry| matches!(self.renderer().tell(entry), Telling::Told(_)));
        let asked = self.tape.entries().any(|entry| match entry {
            Entry::Respond(request) => !request.out_of_band(),
            _ => false,
        });
        if !self.responses.is_expected() || !told || asked {
            return;
        }
        let mut event = ClientEvent::from(ResponseCreate::default());
        prepare(&mut event, &mut || self.event_id());
        if let ClientEvent::ResponseCreate(event) = event {
            self.tape
                .push_front(Entry::Respond(Request { seq: None, event }.into()));
        }
    }

    /// Turns without a transcript are all that a transcription session has to lose: they are said again.
    fn transcribe_again(&mut self) {
        if self.kind != SessionKind::Transcription {
            return;
        }
        let (again, rest): (Vec<_>, Vec<_>) = self
            .items
            .take_entries()
            .into_iter()
            .partition(|entry| matches!(&entry.body, Body::Message(given) if !given.turn.is_empty()));
        self.items = Items::restored(rest);
        for entry in again.into_iter().rev() {
            let Body::Message(given) = entry.body else {
                continue;
            };
            if given.by_client {
                let event_id = Some(self.event_id());
                self.tape
                    .push_front(Entry::Commit(Commit { seq: None, event_id }));
            }
            for piece in given.turn.iter().rev() {
                let chunk = Chunk::again(piece.clone(), given.format);
                self.tape.push_front(Entry::Audio(chunk));
            }
        }
    }

    /// Nothing is to be restored.
    fn forget(&mut self, lost: &mut Lost) {
        let reason = Fate::Discarded(DiscardReason::ConnectionLost);
        let created = self.items.entries().iter().filter_map(|entry| entry.created_by);
        let seqs = created.chain(self.tape.entries().filter_map(Entry::seq));
        lost.fates.extend(seqs.map(|seq| (seq, reason)));
        for (_, fate) in &mut lost.fates {
            *fate = reason;
        }
        self.tape.forget();
        self.items = Items::default();
        self.settings = Settings::new(self.kind);
        self.summary = None;
    }
}
