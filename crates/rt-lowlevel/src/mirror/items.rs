//! The items of the conversation, in order.

use rt_protocol::item::{ContentKind, FunctionCall, FunctionCallOutput, ItemStatus, Message, Phase, Role};
use rt_protocol::{AudioBytes, ContentPart, Field, Item};
use serde::{Deserialize, Serialize};

use super::clock::Format;
use super::heard::{Pace, Part, Playback};

/// Parts of one item beyond this are not kept.
const MAX_PARTS: usize = 64;

/// One item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) body: Body,
    /// The open session knows it.
    #[serde(skip)]
    pub(super) on_session: bool,
    /// The open session was told it by us.
    #[serde(skip)]
    pub(super) retold: bool,
    /// The command that creates it, until it is answered.
    #[serde(skip)]
    pub(super) created_by: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body {
    /// A message of the client, or of the user's voice.
    Message(Given),
    /// A message of the model.
    Spoken(Spoken),
    Call(Call),
    Output(FunctionCallOutput),
    /// Anything else, as it is.
    Other(Item),
}

/// A message whose content is known, perhaps but for a transcript.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) message: Message,
    /// The audio of the turn it was made of.
    pub(super) turn: Vec<AudioBytes>,
    /// Its format, and that of audio in the message.
    pub(super) format: Format,
    /// No transcript will come any more.
    pub(super) settled: bool,
    /// It was a turn of the client's own commit.
    pub(super) by_client: bool,
}

/// What the model says or writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Spoken {
    pub(super) parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) phase: Field<Phase>,
    /// Nothing more will arrive.
    pub(super) whole: bool,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) call: FunctionCall,
    /// Its arguments are all there.
    pub(super) whole: bool,
}

/// Where an item belongs, as its event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    First,
    After(&'a str),
    Last,
}

impl<'a> Place<'a> {
    /// As a client says it.
    pub(super) fn asked(previous_item_id: &'a Field<String>) -> Self {
        match previous_item_id.as_deref() {
            Some("root") => Self::First,
            Some(id) => Self::After(id),
            None => Self::Last,
        }
    }

    /// As the server says it.
    pub(super) fn told(previous_item_id: &'a Field<String>) -> Self {
        match previous_item_id {
            Field::Null => Self::First,
            Field::Absent => Self::Last,
            Field::Value(id) => Self::After(id),
        }
    }
}

impl Given {
    pub(super) fn new(message: Message, format: Format) -> Self {
        Self {
            message,
            format,
            ..Self::default()
        }
    }

    /// A turn of the user.
    pub(super) fn turn(turn: Vec<AudioBytes>, format: Format, by_client: bool) -> Self {
        let part = ContentPart {
            kind: ContentKind::InputAudio.into(),
            ..ContentPart::default()
        };
        Self {
            message: Message::new(Role::User, [part]),
            turn,
            format,
            settled: false,
            by_client,
        }
    }

    /// The transcript of a part of audio.
    fn transcribed(&mut self, content_index: u32, transcript: &str) {
        let part = usize::try_from(content_index)
            .ok()
            .and_then(|at| self.message.content.get_mut(at));
        self.settled = true;
        if let Some(part) = part
            && !transcript.trim().is_empty()
        {
            part.transcript = transcript.into();
            part.audio = Field::Absent;
            self.turn.clear();
        }
    }

    /// Bytes of audio and images.
    fn media(&self) -> usize {
        let turn: usize = self.turn.iter().map(AudioBytes::len).sum();
        let of_part = |part: &ContentPart| {
            part.audio.value().map_or(0, AudioBytes::len) + part.image_url.as_deref().map_or(0, str::len)
        };
        turn + self.message.content.iter().map(of_part).sum::<usize>()
    }

    fn drop_media(&mut self) {
        self.turn.clear();
        for part in &mut self.message.content {
            part.audio = Field::Absent;
            part.image_url = Field::Absent;
        }
    }
}

impl Spoken {
    pub(super) fn part(&mut self, content_index: u32) -> Option<&mut Part> {
        let at = usize::try_from(content_index).ok().filter(|at| *at < MAX_PARTS)?;
        if self.parts.len() <= at {
            self.parts.resize_with(at + 1, Part::default);
        }
        self.parts.get_mut(at)
    }

    /// What the server says of its content.
    fn set_content(&mut self, content: &[ContentPart]) {
        for (at, part) in (0..).zip(content) {
            if let (Some(text), Some(own)) = (part.readable(), self.part(at)) {
                own.set_text(text, part.text.value().is_none());
            }
        }
    }

    pub(super) fn heard(&self, playback: &Playback) -> Vec<&str> {
        let heard = self.parts.iter().map(|part| part.heard(self.whole, playback));
        heard.filter(|text| !text.is_empty()).collect()
    }

    pub(super) fn spoken(&self) -> bool {
        self.parts.iter().any(Part::spoken)
    }
}

impl Entry {
    pub(super) fn new(id: &str, body: Body) -> Self {
        Self {
            id: id.to_owned(),
            body,
            on_session: false,
            retold: false,
            created_by: None,
        }
    }

    /// Of an item the client creates.
    pub(super) fn given(id: &str, item: &Item, format: Format) -> Self {
        let body = match item {
            Item::Message(message) => Body::Message(Given::new(message.clone(), format)),
            Item::FunctionCall(call) => Body::Call(Call {
                call: call.clone(),
                whole: true,
            }),
            Item::FunctionCallOutput(output) => Body::Output(output.clone()),
            other => Body::Other(other.clone()),
        };
        Self::new(id, body)
    }

    /// Of an item the server made.
    pub(super) fn made(id: &str, item: &Item, format: Format) -> Self {
        let mut entry = Self::given(id, item, format);
        match &mut entry.body {
            Body::Message(given) if given.message.role == Role::Assistant => {
                let mut spoken = Spoken {
                    phase: given.message.phase.clone(),
                    ..Spoken::default()
                };
                spoken.set_content(&given.message.content);
                entry.body = Body::Spoken(spoken);
            }
            Body::Call(call) => call.whole = false,
            _ => {}
        }
        entry
    }

    pub(super) fn call(&self) -> Option<&Call> {
        match &self.body {
            Body::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The call that this item is or belongs to.
    pub(super) fn call_id(&self) -> Option<&str> {
        match &self.body {
            Body::Call(call) => call.call.call_id.as_deref(),
            Body::Output(output) => Some(&output.call_id),
            _ => None,
        }
    }

    /// Bytes of text in it.
    pub(super) fn text_len(&self) -> usize {
        match &self.body {
            Body::Message(given) => given
                .message
                .content
                .iter()
                .map(|part| part.readable().map_or(0, str::len))
                .sum(),
            Body::Spoken(spoken) => spoken.parts.iter().map(Part::text_len).sum(),
            Body::Call(call) => call.call.name.len() + call.call.arguments.len(),
            Body::Output(output) => output.output.len(),
            Body::Other(item) => serde_json::to_string(item).map_or(0, |json| json.len()),
        }
    }

    /// It is whole, as its item says.
    fn finish(&mut self, item: &Item, pace: &mut Pace) {
        match (&mut self.body, item) {
            (Body::Spoken(spoken), Item::Message(message)) => {
                spoken.set_content(&message.content);
                if !spoken.phase.is_absent() || !message.phase.is_absent() {
                    spoken.phase.clone_from(&message.phase);
                }
                if !std::mem::replace(&mut spoken.whole, true)
                    && message.status.value() != Some(&ItemStatus::Incomplete)
                {
                    for part in &spoken.parts {
                        part.learn(pace);
                    }
                }
            }
            (Body::Call(call), Item::FunctionCall(done))
                if !matches!(
                    done.status.value(),
                    Some(ItemStatus::Incomplete | ItemStatus::InProgress)
                ) =>
            {
                if !call.whole {
                    call.call.arguments.clone_from(&done.arguments);
                }
                call.whole = true;
            }
            (Body::Message(given), Item::Message(message)) => {
                for (at, part) in (0..).zip(&message.content) {
                    if let Some(transcript) = part.transcript.as_deref() {
                        given.transcribed(at, transcript);
                    }
                }
            }
            (Body::Other(own), done) => own.clone_from(done),
            _ => {}
        }
    }
}

/// The items, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Items {
    entries: Vec<Entry>,
    /// Where the last one was found: most events are about the same item as the one before.
    last: usize,
}

impl Items {
    pub(super) fn restored(entries: Vec<Entry>) -> Self {
        Self { entries, last: 0 }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        if self.entries.get(self.last).is_some_and(|entry| entry.id == id) {
            return Some(self.last);
        }
        self.entries.iter().rposition(|entry| entry.id == id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(self.position(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        let at = self.position(id)?;
        self.last = at;
        self.entries.get_mut(at)
    }

    /// What the model says in this item.
    pub(super) fn spoken(&mut self, id: &str) -> Option<&mut Spoken> {
        match &mut self.get_mut(id)?.body {
            Body::Spoken(spoken) => Some(spoken),
            _ => None,
        }
    }

    /// A part of what the model says in this item.
    pub(super) fn part(&mut self, id: &str, content_index: u32) -> Option<&mut Part> {
        self.spoken(id)?.part(content_index)
    }

    /// Puts a new item at its place.
    pub(super) fn insert(&mut self, entry: Entry, place: Place<'_>) {
        let at = self.place(place);
        self.entries.insert(at, entry);
        self.last = at;
    }

    /// Moves an item to where the server has it, unless it is there.
    pub(super) fn settle(&mut self, id: &str, place: Place<'_>) {
        let Some(at) = self.position(id) else { return };
        let before = self.entries[..at].iter().rev().find(|entry| entry.on_session);
        let there = match place {
            Place::First => before.is_none(),
            // Behind an item that is not known here it is as good as anywhere.
            Place::After(previous) => {
                before.is_some_and(|entry| entry.id == previous) || self.position(previous).is_none()
            }
            Place::Last => true,
        };
        if !there {
            let entry = self.entries.remove(at);
            self.insert(entry, place);
        }
    }

    /// The index for a new item. Items the session does not know stay with the one before them, those on their way do
    /// not.
    fn place(&self, place: Place<'_>) -> usize {
        let mut at = match place {
            Place::Last => return self.entries.len(),
            Place::First if self.entries.iter().any(|entry| entry.on_session) => 0,
            Place::First => return self.entries.len(),
            Place::After(id) => match self.position(id) {
                Some(at) => at + 1,
                None => return self.entries.len(),
            },
        };
        let unknown = |entry: &Entry| !entry.on_session && entry.created_by.is_none();
        while self.entries.get(at).is_some_and(unknown) {
            at += 1;
        }
        at
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Entry> {
        let at = self.position(id)?;
        Some(self.entries.remove(at))
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
    }

    /// The nearest item before this place that the session knows.
    pub(super) fn known_before(&self, at: usize) -> Option<&str> {
        let before = self.entries.get(..at)?;
        let known = before.iter().rev().find(|entry| entry.on_session);
        known.map(|entry| &*entry.id)
    }

    /// The call with this id.
    pub(super) fn call(&self, call_id: &str) -> Option<usize> {
        let is = |entry: &Entry| entry.call().is_some() && entry.call_id() == Some(call_id);
        self.entries.iter().rposition(is)
    }

    pub(super) fn has_output(&self, call_id: &str) -> bool {
        let is = |entry: &Entry| matches!(&entry.body, Body::Output(output) if output.call_id == call_id);
        self.entries.iter().any(is)
    }

    /// Whether this is a whole call without an output: a tool that runs.
    pub(super) fn is_open_call(&self, entry: &Entry) -> bool {
        match entry.call() {
            Some(call) => call.whole && !entry.call_id().is_some_and(|id| self.has_output(id)),
            None => false,
        }
    }

    pub(super) fn has_open_call(&self) -> bool {
        self.entries.iter().any(|entry| self.is_open_call(entry))
    }

    /// `conversation.item.added` or `created`.
    pub(super) fn added(&mut self, item: &Item, place: Place<'_>, format: Format) {
        let Some(id) = item.id().filter(|id| !id.is_empty()) else {
            return;
        };
        if self.position(id).is_none() {
            self.insert(Entry::made(id, item, format), place);
        }
        self.settle(id, place);
    }

    /// `conversation.item.done`, `response.output_item.done` and the like.
    pub(super) fn done(&mut self, item: &Item, pace: &mut Pace) {
        if let Some(entry) = item.id().and_then(|id| self.get_mut(id)) {
            entry.finish(item, pace);
        }
    }

    /// What the user said in this item.
    pub(super) fn transcribed(&mut self, id: &str, content_index: u32, transcript: Option<&str>) {
        let Some(Body::Message(given)) = self.get_mut(id).map(|entry| &mut entry.body) else {
            return;
        };
        given.settled = true;
        if let Some(transcript) = transcript {
            given.transcribed(content_index, transcript);
        }
    }

    /// Gives up audio and images of the oldest items until so many bytes are left.
    pub(super) fn bound_media(&mut self, most: usize) {
        let of = |entry: &Entry| match &entry.body {
            Body::Message(given) => given.media(),
            _ => 0,
        };
        let mut held: usize = self.entries.iter().map(of).sum();
        for entry in &mut self.entries {
            if held <= most {
                return;
            }
            held -= of(entry);
            if let Body::Message(given) = &mut entry.body {
                given.drop_media();
            }
        }
    }

    /// The session is gone.
    pub(super) fn lost(&mut self) {
        for entry in &mut self.entries {
            entry.on_session = false;
            entry.retold = false;
        }
    }

    pub(super) fn text_len(&self) -> usize {
        self.entries.iter().map(Entry::text_len).sum()
    }
}

#[cfg(test)]
mod tests;
