//! Events of a response as a whole.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::item::Item;
use crate::response::Response;

/// `response.created`: a response was begun.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseCreated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response, still empty.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response: Response,
}

/// `response.done`: a response ended, in whatever way: always its last event.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response with its items, without their audio.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response: Response,
}

/// `response.output_item.added`: a response has a new item.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputItemAdded {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}

/// `response.output_item.done`: an item of a response is whole, or ended early.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseOutputItemDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item: Item,
}
