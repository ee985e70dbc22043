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
