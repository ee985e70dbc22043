//! Tools the model may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::field;
use crate::open_enum::open_enum;
use crate::tagged::{self, Fields, Tagged};
use crate::{Field, RawObject, Text};

/// A tool in `session.tools` or `response.tools`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Tool {
    /// A function the client runs.
    #[serde(rename = "function")]
    Function(FunctionTool),
    /// A remote MCP server the service calls by itself.
    #[serde(rename = "mcp")]
    Mcp(Box<McpTool>),
    /// A kind this version does not know.
    #[serde(untagged)]
    Unknown(RawObject),
}

/// A function the client runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FunctionTool {
    /// The name the model calls it by.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// What it does and when to use it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub description: Field<String>,
    /// JSON Schema of its arguments.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub parameters: Field<Value>,
}

/// A remote MCP server. One of `server_url`, `connector_id` and `tunnel_id` says where it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpTool {
    /// The name by which items refer to the server.
    #[serde(default, deserialize_with = "field::or_default")]
    pub server_label: String,
    /// Address of the server.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub server_url: Field<String>,
    /// A connector of the service (deprecated by the service).
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub connector_id: Field<String>,
    /// A tunnel to a private server, `tunnel_` and 32 characters.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub tunnel_id: Field<String>,
    /// OAuth access token for the server.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub authorization: Field<Text>,
    /// What the server offers, for the model.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub server_description: Field<String>,
    /// HTTP headers sent to the server.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub headers: Field<BTreeMap<String, Text>>,
    /// Which of its tools may be used.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub allowed_tools: Field<AllowedTools>,
    /// Who may call the tools.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub allowed_callers: Field<Vec<String>>,
    /// Which calls need an approval first.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub require_approval: Field<RequireApproval>,
    /// Whether the tool list is loaded only when it is needed.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub defer_loading: Field<bool>,
}

/// Which tools of an MCP server may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AllowedTools {
    /// These, by name.
    Names(Vec<String>),
    /// Those that match.
    Filter(McpToolFilter),
}

/// A choice of MCP tools.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct McpToolFilter {
    /// Tools by name.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub tool_names: Field<Vec<String>>,
    /// Only tools that say they change nothing.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub read_only: Field<bool>,
}

/// Which MCP calls need an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum RequireApproval {
    /// All or none: `always`, `never`.
    Mode(ApprovalMode),
    /// By tool.
    Filter(ApprovalFilter),
}

open_enum! {
    /// Approval for every tool alike.
    pub enum ApprovalMode {
        /// Each call is approved first.
        Always = "always",
        /// No call needs an approval.
        Never = "never",
    }
}

/// Approval by tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ApprovalFilter {
    /// Tools whose calls need an approval.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub always: Field<McpToolFilter>,
    /// Tools whose calls do not.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub never: Field<McpToolFilter>,
}

/// Whether and which tool the model uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ToolChoice {
    /// `none`, `auto` or `required`.
    Mode(ToolChoiceMode),
    /// This one tool.
    Tool(ToolChoiceTool),
}

open_enum! {
    /// Whether the model uses tools.
    pub enum ToolChoiceMode {
        /// No tool.
        None = "none",
        /// As the model decides.
        Auto = "auto",
        /// At least one tool.
        Required = "required",
    }
}

/// The one tool to use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolChoiceTool {
    /// `function` or `mcp`.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// The function's or MCP tool's name.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// The MCP server.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub server_label: Field<String>,
}

impl From<ToolChoiceMode> for ToolChoice {
    fn from(mode: ToolChoiceMode) -> Self {
        Self::Mode(mode)
    }
}

impl From<FunctionTool> for Tool {
    fn from(tool: FunctionTool) -> Self {
        Self::Function(tool)
    }
}

impl From<McpTool> for Tool {
    fn from(tool: McpTool) -> Self {
        Self::Mcp(Box::new(tool))
    }
}

impl<'de> Tagged<'de> for Tool {
    const EXPECTED: &'static str = "a tool object";

    fn variant<A: serde::de::MapAccess<'de>>(tag: Option<&str>, fields: Fields<A>) -> Result<Self, A::Error> {
        match tag {
            Some("function") => fields.read().map(Self::Function),
            Some("mcp") => fields.read().map(Self::Mcp),
            _ => fields.raw().map(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
