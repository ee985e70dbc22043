//! Remote MCP servers.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::{Field, Text};

/// `mcp_list_tools.in_progress`: the tools of an MCP server are being listed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpListToolsInProgress {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `mcp_list_tools.completed`: the tools of an MCP server are listed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpListToolsCompleted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `mcp_list_tools.failed`: the tools of an MCP server could not be listed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpListToolsFailed {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `response.mcp_call_arguments.delta`: more of the arguments of an MCP call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseMcpCallArgumentsDelta {
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
    /// JSON text to append.
    #[serde(default, deserialize_with = "field::or_default")]
    pub delta: Text,
    /// Padding that hides the length of the delta from an observer of the network.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub obfuscation: Field<String>,
}

/// `response.mcp_call_arguments.done`: the arguments of an MCP call are whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseMcpCallArgumentsDone {
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
    /// All of the JSON text.
    #[serde(default, deserialize_with = "field::or_default")]
    pub arguments: Text,
}

/// `response.mcp_call.in_progress`: an MCP call is running.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseMcpCallInProgress {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `response.mcp_call.completed`: an MCP call succeeded. It may come after `response.done`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseMcpCallCompleted {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}

/// `response.mcp_call.failed`: an MCP call failed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseMcpCallFailed {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// Place of the item in the response, from 0.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output_index: u32,
    /// The item.
    #[serde(default, deserialize_with = "field::or_default")]
    pub item_id: String,
}
