//! Events of the conversation and its items.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;
use crate::item::Item;

/// `conversation.item.create`: add an item. Answered by `conversation.item.added` and `conversation.item.done`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemCreate {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// Where: after this item, at the start (`root`), or at the end (absent).
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub previous_item_id: Field<String>,
    /// The item; its `id` may be chosen.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}

impl ConversationItemCreate {
    /// Adds an item at the end.
    #[must_use]
    pub fn new(item: impl Into<Item>) -> Self {
        Self {
            item: item.into(),
            ..Self::default()
        }
    }

    /// Puts it after this item.
    #[must_use]
    pub fn after(mut self, item_id: impl Into<String>) -> Self {
        self.previous_item_id = Field::Value(item_id.into());
        self
    }

    /// Puts it before all others.
    #[must_use]
    pub fn at_start(self) -> Self {
        self.after("root")
    }
}

/// `conversation.item.retrieve`: ask for an item as the server has it, audio included. Answered by `conversation.item.retrieved`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemRetrieve {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

impl ConversationItemRetrieve {
    /// Asks for the item of this id.
    #[must_use]
    pub fn new(item_id: impl Into<String>) -> Self {
        Self {
            item_id: item_id.into(),
            ..Self::default()
        }
    }
}

/// `conversation.item.delete`: delete an item. Answered by `conversation.item.deleted`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemDelete {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

impl ConversationItemDelete {
    /// Deletes the item of this id.
    #[must_use]
    pub fn new(item_id: impl Into<String>) -> Self {
        Self {
            item_id: item_id.into(),
            ..Self::default()
        }
    }
}

/// `conversation.item.truncate`: cut audio of the model to what the user heard. Answered by `conversation.item.truncated`; refused past the end of the audio.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemTruncate {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// Where to cut, in milliseconds from the start of the audio, inclusive.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio_end_ms: u64,
}

impl ConversationItemTruncate {
    /// Cuts the first part of the item of this id after `audio_end_ms` milliseconds of its audio.
    #[must_use]
    pub fn new(item_id: impl Into<String>, audio_end_ms: u64) -> Self {
        Self {
            item_id: item_id.into(),
            audio_end_ms,
            ..Self::default()
        }
    }

    /// Cuts this part instead of the first one.
    #[must_use]
    pub fn content_index(mut self, content_index: u32) -> Self {
        self.content_index = content_index;
        self
    }
}
