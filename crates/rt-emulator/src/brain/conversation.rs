//! [`Conversation`]: the items, in order, with their audio.

use bytes::Bytes;
use rt_protocol::item::{ContentKind, ItemStatus, Message, Role};
use rt_protocol::{AudioBytes, ContentPart, Field, Item};

use super::failure::Failure;
use super::format::Format;
use super::record::SessionRecord;

/// More items than any session has.
const MAX_ITEMS: usize = 20_000;
/// Audio that is kept: more than an hour of it in both directions.
const MAX_AUDIO: usize = 512 << 20;

/// An item and what the wire does not show of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The item's id.
    pub(crate) id: String,
    /// The item as the events show it: without audio.
    pub(crate) item: Item,
    /// Its audio.
    pub(crate) audio: Vec<u8>,
    /// The format of the audio.
    pub(crate) format: Format,
    /// What the emulator heard in the audio, transcribed or not.
    pub(crate) heard: Option<String>,
    /// Whether the item was cut: what is still generated for it is dropped.
    pub(crate) truncated: bool,
}

impl Entry {
    /// An item without audio.
    pub(crate) fn new(id: String, item: Item) -> Self {
        Self {
            id,
            item,
            audio: Vec::new(),
            format: Format::Pcm,
            heard: None,
            truncated: false,
        }
    }

    /// What was said or written in it.
    pub(crate) fn text(&self) -> String {
        match (&self.heard, &self.item) {
            (Some(heard), _) => heard.clone(),
            (None, Item::Message(message)) => {
                let parts: Vec<&str> = message.content.iter().filter_map(ContentPart::readable).collect();
                parts.join(" ")
            }
            (None, Item::FunctionCallOutput(output)) => output.output.to_string(),
            _ => String::new(),
        }
    }

    /// The role, of a message.
    pub(crate) fn role(&self) -> Option<&Role> {
        match &self.item {
            Item::Message(message) => Some(&message.role),
            _ => None,
        }
    }

    /// The item with its audio, as `conversation.item.retrieved` shows it.
    pub(crate) fn with_audio(&self) -> Item {
        let mut item = self.item.clone();
        if let (Item::Message(message), false) = (&mut item, self.audio.is_empty()) {
            let part = message.content.iter_mut().find(|part| is_audio(part));
            if let Some(part) = part {
                part.audio = AudioBytes::from(self.audio.clone()).into();
            }
        }
        item
    }

    /// The part at `index` if it is audio of the assistant.
    fn output_audio(&mut self, index: u32) -> Option<&mut ContentPart> {
        let Item::Message(message) = &mut self.item else {
            return None;
        };
        if message.role != Role::Assistant {
            return None;
        }
        let part = message.content.get_mut(usize::try_from(index).ok()?)?;
        is_audio(part).then_some(part)
    }
}

/// Whether a part is spoken.
fn is_audio(part: &ContentPart) -> bool {
    matches!(
        part.kind.value(),
        Some(ContentKind::InputAudio | ContentKind::OutputAudio | ContentKind::Audio)
    )
}

/// The items, in order.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// First to last.
    entries: Vec<Entry>,
    /// Where its changes are written down.
    record: SessionRecord,
}

impl Conversation {
    /// An empty one.
    pub(crate) fn new(record: SessionRecord) -> Self {
        Self {
            entries: Vec::new(),
            record,
        }
    }

    /// Where an item stands.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        // What is asked for is mostly near the end.
        self.entries.iter().rposition(|entry| entry.id == id)
    }

    /// An item.
    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.position(id).map(|position| &self.entries[position])
    }

    /// Whether a call of this id was made.
    pub(crate) fn has_call(&self, call_id: &str) -> bool {
        self.entries.iter().any(|entry| calls(&entry.item, call_id))
    }

    /// An item to change; changes that the events show have methods of their own.
    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Entry> {
        self.position(id).map(|position| &mut self.entries[position])
    }

    /// All items.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The item before `id`, for `conversation.item.added`.
    pub(crate) fn before(&self, id: &str) -> Field<String> {
        let previous = self.position(id).and_then(|position| position.checked_sub(1));
        Field::or_null(previous.map(|position| self.entries[position].id.clone()))
    }

    /// The item before `id`, for the `conversation.item.done` of a response: the real server says null if that
    /// is the conversation's first.
    pub(crate) fn before_done(&self, id: &str) -> Field<String> {
        match self.position(id) {
            Some(0 | 1) | None => Field::Null,
            Some(position) => self.entries[position - 1].id.clone().into(),
        }
    }

    /// Adds an item at the end.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.record.item_at(self.entries.len(), &entry.item);
        self.entries.push(entry);
        self.bound();
    }

    /// Adds a client's item where it wishes: at the end, at the beginning (`root`), or after another.
    pub(crate) fn insert(&mut self, entry: Entry, after: Option<&str>) -> Result<(), Failure> {
        if self.position(&entry.id).is_some() {
            return Err(duplicate(&entry.id));
        }
        if self.entries.len() >= MAX_ITEMS {
            return Err(Failure::new(
                "conversation_too_long",
                "The conversation has too many items.",
            ));
        }
        let position = match after {
            None => self.entries.len(),
            Some("root") => 0,
            Some(id) => match self.position(id) {
                Some(position) => position + 1,
                None => {
                    let message = format!(
                        "Error adding item: the previous item with ID '{}' does not exist.",
                        shown(id)
                    );
                    let code = "item_create_invalid_previous_item_id";
                    return Err(Failure::new(code, message).param("previous_item_id"));
                }
            },
        };
        if let Item::FunctionCallOutput(output) = &entry.item
            && !self.has_call(&output.call_id)
        {
            let message = format!(
                "Tool call ID '{}' not found in conversation.",
                shown(&output.call_id)
            );
            return Err(Failure::new("invalid_tool_call_id", message).param("item.call_id"));
        }
        self.record.item_at(position, &entry.item);
        self.entries.insert(position, entry);
        self.bound();
        Ok(())
    }

    /// An item of the model has a new form. What was cut from it stays cut.
    pub(crate) fn settle(&mut self, id: &str, item: Item) {
        let Some(entry) = self.get_mut(id) else { return };
        entry.item = item;
        if let (true, Some(part)) = (entry.truncated, entry.output_audio(0)) {
            part.transcript = Field::Null;
        }
        self.note_change(id);
    }

    /// The transcript of an item of the user becomes known.
    pub(crate) fn set_transcript(&mut self, id: &str, text: &str) {
        if let Some(Entry {
            item: Item::Message(message),
            ..
        }) = self.get_mut(id)
            && let Some(part) = message.content.first_mut()
        {
            part.transcript = Field::Value(text.into());
        }
        self.note_change(id);
    }

    /// Writes down that an item has changed.
    fn note_change(&self, id: &str) {
        if let Some(entry) = self.get(id) {
            self.record.item_changed(&entry.item);
        }
    }

    /// Removes an item.
    pub(crate) fn remove(&mut self, id: &str) -> Result<(), Failure> {
        let Some(position) = self.position(id) else {
            return Err(not_found("delete", "deleting", id));
        };
        self.entries.remove(position);
        self.record.item_gone(id);
        Ok(())
    }

    /// Cuts the audio of an assistant's item, and its transcript with it.
    pub(crate) fn truncate(&mut self, id: &str, index: u32, audio_end_ms: u64) -> Result<(), Failure> {
        let Some(entry) = self.get_mut(id) else {
            return Err(not_found("truncate", "truncating", id));
        };
        let format = entry.format;
        let length = format.ms(entry.audio.len());
        let Some(part) = entry.output_audio(index) else {
            let message = "Only model output audio messages can be truncated.";
            return Err(Failure::new("invalid_value", message).param("content_index"));
        };
        if audio_end_ms > length {
            let message = format!("Audio content of {length}ms is already shorter than {audio_end_ms}ms");
            return Err(Failure::new("invalid_value", message).param("audio_end_ms"));
        }
        part.transcript = Field::Null;
        let keep = usize::try_from(audio_end_ms)
            .unwrap_or(usize::MAX)
            .saturating_mul(format.bytes_per_ms());
        entry.audio.truncate(keep);
        entry.truncated = true;
        self.note_change(id);
        Ok(())
    }

    /// Keeps the audio within bounds: the oldest goes first.
    fn bound(&mut self) {
        let mut total: usize = self.entries.iter().map(|entry| entry.audio.len()).sum();
        for entry in &mut self.entries {
            if total <= MAX_AUDIO {
                break;
            }
            total -= entry.audio.len();
            entry.audio = Vec::new();
        }
    }
}

/// Whether `item` is the call that `call_id` names.
fn calls(item: &Item, call_id: &str) -> bool {
    matches!(item, Item::FunctionCall(call) if call.call_id.as_deref() == Some(call_id))
}

/// An id from a client, short enough for a message.
fn shown(id: &str) -> String {
    id.chars().take(64).collect()
}

/// An item with an id that is taken.
pub(crate) fn duplicate(id: &str) -> Failure {
    let message = format!(
        "Error adding item: an item with ID '{}' already exists in the conversation.",
        shown(id)
    );
    Failure::new("item_create_duplicate_item_id", message).param("item.id")
}

/// An operation on an item that does not exist.
pub(crate) fn not_found(verb: &str, doing: &str, id: &str) -> Failure {
    let message = format!(
        "Error {doing} item: the item with id '{}' does not exist.",
        shown(id)
    );
    Failure::new(&format!("item_{verb}_invalid_item_id"), message).param("item_id")
}

/// The user's item for committed audio.
pub(crate) fn spoken(id: String, audio: Bytes, format: Format, heard: String) -> Entry {
    let part = ContentPart {
        kind: ContentKind::InputAudio.into(),
        transcript: Field::Null,
        ..ContentPart::default()
    };
    let message = Message {
        id: id.clone().into(),
        status: ItemStatus::Completed.into(),
        role: Role::User,
        content: vec![part],
        ..Message::default()
    };
    Entry {
        audio: audio.into(),
        format,
        heard: Some(heard),
        ..Entry::new(id, message.into())
    }
}

/// A client's item as the server keeps it: with an id and a status, the audio aside.
pub(crate) fn given(mut item: Item, id: String, format: Format) -> Entry {
    item.set_id(id.clone());
    let mut audio = Vec::new();
    match &mut item {
        Item::Message(message) => {
            message.object = Field::Absent;
            message.status = std::mem::take(&mut message.status).or(ItemStatus::Completed.into());
            for part in message.content.iter_mut().filter(|part| is_audio(part)) {
                if let Field::Value(bytes) = std::mem::take(&mut part.audio) {
                    audio.extend_from_slice(bytes.as_bytes());
                }
                part.transcript = std::mem::take(&mut part.transcript).or(Field::Null);
            }
        }
        Item::FunctionCall(call) => {
            call.object = Field::Absent;
            call.status = std::mem::take(&mut call.status).or(ItemStatus::Completed.into());
        }
        Item::FunctionCallOutput(output) => {
            output.object = Field::Absent;
        }
        _ => {}
    }
    Entry {
        audio,
        format,
        ..Entry::new(id, item)
    }
}
