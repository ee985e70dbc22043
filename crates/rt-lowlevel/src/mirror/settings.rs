//! The session's settings: what was sent, what the server says, and what a new session is to be given.

use std::collections::VecDeque;

use rt_protocol::session::{AudioInput, AudioOutput, SessionAudio, SessionKind};
use rt_protocol::{Field, RawObject, Session, TurnDetection};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock::Format;

/// Updates without an answer that are kept apart; the oldest beyond so many are put together. A server that never
/// answers must not fill the memory, nor make every update dearer than the one before.
const MAX_SINGLE: usize = 32;
/// Commands that are remembered of updates that were put together: as many as wait for an answer at all.
const MAX_SEQS: usize = 1024;

/// Updates that are not acknowledged: one, or several that were put together.
#[derive(Debug, Clone)]
struct Update {
    /// Their commands, in order.
    seqs: VecDeque<u64>,
    session: Session,
}

impl Update {
    fn new(seq: u64, session: Session) -> Self {
        Self {
            seqs: VecDeque::from([seq]),
            session,
        }
    }
}

/// Puts the oldest together until they are few enough.
fn bound(updates: &mut VecDeque<Update>) {
    while updates.len() > MAX_SINGLE
        && let Some(first) = updates.pop_front()
        && let Some(next) = updates.front_mut()
    {
        let mut session = Some(first.session);
        merge(&mut session, &next.session);
        next.session = session.unwrap_or_default();
        let mut seqs = first.seqs;
        seqs.extend(&next.seqs);
        let excess = seqs.len().saturating_sub(MAX_SEQS);
        seqs.drain(..excess);
        next.seqs = seqs;
    }
}

/// The settings. What follows from them is computed when they change.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    kind: SessionKind,
    saved: Saved,
    /// Written and not answered, in order.
    pending: VecDeque<Update>,
    /// Not acknowledged by a session that is gone, or never written: for the next one.
    unconfirmed: VecDeque<Update>,
    /// What the server reported is left out of requests, because a server refused it.
    without_reported: bool,
    derived: Derived,
}

/// What is acknowledged.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    /// All acknowledged updates, merged.
    sent: Option<Session>,
    /// What the server said last.
    reported: Option<Session>,
}

/// What the rest of the mirror has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Derived {
    pub(super) input: Format,
    pub(super) output: Format,
    /// The server finds the end of turns.
    pub(super) vad: bool,
    /// The server starts a response at the end of a turn.
    pub(super) auto_response: bool,
    /// The server writes down what the user says.
    pub(super) transcribes: bool,
}

impl Settings {
    pub(super) fn new(kind: SessionKind) -> Self {
        Self::restored(kind, Saved::default())
    }

    pub(super) fn restored(kind: SessionKind, saved: Saved) -> Self {
        let mut settings = Self {
            kind,
            saved,
            pending: VecDeque::new(),
            unconfirmed: VecDeque::new(),
            without_reported: false,
            derived: derive(kind, &SessionAudio::default()),
        };
        settings.derive();
        settings
    }

    /// What another process has to know: what is not acknowledged counts as if it were, because it is sent next.
    pub(super) fn saved(&self) -> Saved {
        let mut saved = self.saved.clone();
        for update in self.unconfirmed.iter().chain(&self.pending) {
            merge(&mut saved.sent, &update.session);
        }
        saved
    }

    /// The server says what kind of session it is.
    pub(super) fn set_kind(&mut self, kind: SessionKind) {
        self.kind = kind;
        self.derive();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.saved == Saved::default() && self.unconfirmed.is_empty() && self.pending.is_empty()
    }

    pub(super) fn derived(&self) -> Derived {
        self.derived
    }

    /// An update was written.
    pub(super) fn written(&mut self, seq: u64, update: Session) {
        self.pending.push_back(Update::new(seq, update));
        bound(&mut self.pending);
        self.derive();
    }

    /// The server refused it. What was put together with others stays, as part of them.
    pub(super) fn rejected(&mut self, seq: Option<u64>) {
        for update in &mut self.pending {
            update.seqs.retain(|pending| Some(*pending) != seq);
        }
        self.pending.retain(|update| !update.seqs.is_empty());
        self.derive();
    }

    /// `session.created`, and `session.updated` without an update of ours.
    pub(super) fn reported(&mut self, session: &Session) {
        self.saved.reported = Some(session.clone());
        self.derive();
    }

    /// `session.updated`: answers the oldest update.
    pub(super) fn acknowledged(&mut self, session: &Session) {
        if let Some(update) = self.pending.front_mut() {
            update.seqs.pop_front();
        }
        if let Some(update) = self.pending.pop_front_if(|update| update.seqs.is_empty()) {
            merge(&mut self.saved.sent, &update.session);
        }
        self.reported(session);
    }

    /// An update that was never written: the next session gets it.
    pub(super) fn absorb(&mut self, seq: u64, update: &Session) {
        if self.unconfirmed.iter().all(|update| !update.seqs.contains(&seq)) {
            self.unconfirmed.push_back(Update::new(seq, update.clone()));
            bound(&mut self.unconfirmed);
            self.derive();
        }
    }

    /// The session is gone, and with it its answers.
    pub(super) fn lost(&mut self) {
        // What waits in the outbox came later.
        let later = std::mem::take(&mut self.unconfirmed);
        self.unconfirmed.extend(self.pending.drain(..));
        self.unconfirmed.extend(later);
        bound(&mut self.unconfirmed);
    }

    /// The session that was given the [`request`](Self::request) took it.
    pub(super) fn attached(&mut self) {
        for update in std::mem::take(&mut self.unconfirmed) {
            merge(&mut self.saved.sent, &update.session);
        }
        self.derive();
    }

    /// A new session refused the [`request`](Self::request): the next one has less. Returns the updates that are out.
    pub(super) fn refused(&mut self) -> Vec<u64> {
        let seqs: Vec<u64> = self
            .unconfirmed
            .drain(..)
            .flat_map(|update| update.seqs)
            .collect();
        if seqs.is_empty() {
            self.without_reported = true;
        }
        self.derive();
        seqs
    }

    /// What a new session is to be given: everything the server reported that can be sent back, and over it everything
    /// that was sent.
    pub(super) fn request(&self) -> Option<Session> {
        let mut request = None;
        if let Some(reported) = self.saved.reported.as_ref().filter(|_| !self.without_reported) {
            request = sendable(reported);
        }
        for update in self.updates() {
            merge(&mut request, update);
        }
        // Its `type` alone says nothing.
        let says = |request: &Session| object(request).keys().any(|key| key != "type");
        request.map(Session::into_request).filter(says)
    }

    fn updates(&self) -> impl Iterator<Item = &Session> {
        let later = self.unconfirmed.iter().chain(&self.pending);
        self.saved.sent.iter().chain(later.map(|update| &update.session))
    }

    fn derive(&mut self) {
        let mut effective = self.saved.reported.clone();
        for update in self.updates() {
            merge(&mut effective, update);
        }
        let audio = effective.as_ref().and_then(audio).cloned().unwrap_or_default();
        self.derived = derive(self.kind, &audio);
    }
}

fn derive(kind: SessionKind, audio: &SessionAudio) -> Derived {
    let empty = (AudioInput::default(), AudioOutput::default());
    let input = audio.input.value().unwrap_or(&empty.0);
    let output = audio.output.value().unwrap_or(&empty.1);
    let format = |field: &Field<_>| field.value().map_or(Format::Pcm, Format::of);
    let has_turns = kind != SessionKind::Translation;
    let creates = |create: &Field<bool>| create.value().copied().unwrap_or(true);
    let auto_response = match &input.turn_detection {
        Field::Null => false,
        Field::Value(TurnDetection::ServerVad(vad)) => creates(&vad.create_response),
        Field::Value(TurnDetection::SemanticVad(vad)) => creates(&vad.create_response),
        _ => true,
    };
    Derived {
        input: format(&input.format),
        output: format(&output.format),
        vad: has_turns && !input.turn_detection.is_null(),
        auto_response: kind == SessionKind::Realtime && auto_response,
        transcribes: kind == SessionKind::Transcription || input.transcription.value().is_some(),
    }
}

fn audio(session: &Session) -> Option<&SessionAudio> {
    match session {
        Session::Realtime(session) => session.audio.value(),
        Session::Transcription(session) => session.audio.value(),
        Session::Translation(session) => session.audio.value(),
        _ => None,
    }
}

/// Merges as the server does. A session of another kind, or of one this version does not know, is laid over the JSON.
fn merge(session: &mut Option<Session>, update: &Session) {
    match session {
        None => *session = Some(update.clone()),
        Some(session) => {
            if !session.merge(update) {
                let mut whole = object(session);
                overlay(&mut whole, object(update));
                *session = Session::Unknown(RawObject(whole));
            }
        }
    }
}

fn object(session: &Session) -> Map<String, Value> {
    match serde_json::to_value(session) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Objects are merged, everything else is replaced. Below `audio.input` and `audio.output` objects are values.
fn overlay(whole: &mut Map<String, Value>, update: Map<String, Value>) {
    for (key, value) in update {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new))
                if matches!(key.as_str(), "audio" | "input" | "output") =>
            {
                overlay(old, new);
            }
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
}

/// What of a report can be sent back: no `null`, which the server writes where it does not take it, nothing of its own,
/// and no model, which is part of the address.
fn sendable(reported: &Session) -> Option<Session> {
    let mut map = object(&reported.clone().into_request());
    drop_nulls(&mut map);
    if reported.kind().is_some() {
        map.remove("model");
    }
    serde_json::from_value(Value::Object(map)).ok()
}

fn drop_nulls(map: &mut Map<String, Value>) {
    map.retain(|_, value| !value.is_null());
    for value in map.values_mut() {
        if let Value::Object(inner) = value {
            drop_nulls(inner);
        }
    }
}

#[cfg(test)]
mod tests;
