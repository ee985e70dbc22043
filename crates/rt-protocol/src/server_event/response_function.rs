//! Arguments of function calls.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::{Field, Text};

/// `response.function_call_arguments.delta`: more of the arguments of a function call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseFunctionCallArgumentsDelta {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The call.
    #[serde(default, deserialize_with = "field::or_default")]
    pub call_id: String,
    /// JSON text to append.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: Text,
    /// Padding that hides the length of the delta from an observer of the network.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub obfuscation: Field<String>,
}

/// `response.function_call_arguments.done`: the arguments of a function call are whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseFunctionCallArgumentsDone {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The response.
    #[serde(default, deserialize_with = "field::or_default")]
    pub response_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The call.
    #[serde(default, deserialize_with = "field::or_default")]
    pub call_id: String,
    /// The function; some servers leave it out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// All of the JSON text.
    #[serde(default, deserialize_with = "field::or_default")]
    pub arguments: Text,
}
