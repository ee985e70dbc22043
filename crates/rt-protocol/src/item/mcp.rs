//! Items of remote MCP servers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::field;
use crate::{Field, RawObject, Text};

/// The tools a remote MCP server offers: `mcp_list_tools`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpListTools {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// The server.
    #[serde(default, deserialize_with = "field::or_default")]
    pub server_label: String,
    /// Its tools.
    #[serde(default, deserialize_with = "field::items")]
    pub tools: Vec<McpListedTool>,
}

/// One tool of an MCP server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpListedTool {
    /// The tool's name.
    #[serde(default, deserialize_with = "field::or_default")]
    pub name: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
    /// JSON Schema of its arguments.
    #[serde(default, deserialize_with = "field::or_default")]
    pub input_schema: Value,
    /// The server's notes on the tool.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub annotations: Field<RawObject>,
}

/// A call of an MCP tool by the service: `mcp_call`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpCall {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// The server.
    #[serde(default, deserialize_with = "field::or_default")]
    pub server_label: String,
    /// The tool.
    #[serde(default, deserialize_with = "field::or_default")]
    pub name: String,
    /// The arguments as JSON text.
    #[serde(default, deserialize_with = "field::or_default")]
    pub arguments: Text,
    /// The approval that allowed it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub approval_request_id: Field<String>,
    /// What the tool returned.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output: Field<Text>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub error: Field<McpError>,
}

/// Why an MCP call failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct McpError {
    /// `protocol_error`, `tool_execution_error` or `http_error`.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// The error's number, of protocol and HTTP errors.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub code: Field<i64>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub message: Field<String>,
}

/// The service asks whether it may call a tool: `mcp_approval_request`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct McpApprovalRequest {
    /// The item's id, to which the answer refers.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// The server.
    #[serde(default, deserialize_with = "field::or_default")]
    pub server_label: String,
    /// The tool.
    #[serde(default, deserialize_with = "field::or_default")]
    pub name: String,
    /// The arguments as JSON text.
    #[serde(default, deserialize_with = "field::or_default")]
    pub arguments: Text,
}

/// The client's answer to an [`McpApprovalRequest`]: `mcp_approval_response`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct McpApprovalResponse {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// The request that is answered.
    #[serde(default, deserialize_with = "field::or_default")]
    pub approval_request_id: String,
    /// Whether the call may be made.
    #[serde(default, deserialize_with = "field::or_default")]
    pub approve: bool,
    /// Why, or why not.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub reason: Field<Text>,
}
