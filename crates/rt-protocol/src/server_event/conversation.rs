//! Events of the conversation and its items.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;
use crate::item::Item;

/// `conversation.created`: a conversation was made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationCreated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The conversation.
    #[serde(default, deserialize_with = "field::or_default")]
    pub conversation: Conversation,
}

/// `conversation.item.created`: an item was added, as older servers say it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemCreated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item before it; `null` or absent at the start of the conversation.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub previous_item_id: Field<String>,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}

/// `conversation.item.added`: an item was added to the conversation; it may still grow.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemAdded {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item before it; `null` or absent at the start of the conversation.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub previous_item_id: Field<String>,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}

/// `conversation.item.done`: an item of the conversation is whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item before it; `null` or absent at the start of the conversation.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub previous_item_id: Field<String>,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}

/// `conversation.item.retrieved`: the answer to `conversation.item.retrieve`, audio included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemRetrieved {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}

/// `conversation.item.deleted`: an item was deleted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemDeleted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `conversation.item.truncated`: audio of the model was cut to what the user heard; its transcript is gone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationItemTruncated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the part in the item, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub content_index: u32,
    /// Where it was cut, in milliseconds from the start of the audio.
    #[serde(default, deserialize_with = "field::or_default")]
    pub audio_end_ms: u64,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id, `conv_...`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// Always `realtime.conversation`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
}
