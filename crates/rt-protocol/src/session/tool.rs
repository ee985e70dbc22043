//! Tools the model may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::either;
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

impl FunctionTool {
    /// A function by the name the model calls it by.
    ///
    /// ```
    /// use rt_protocol::{Tool, session::FunctionTool};
    /// let tool = FunctionTool::new("price").description("The price of a flower in euros.").parameters(
    ///     serde_json::json!({
    ///         "type": "object",
    ///         "properties": {"flower": {"type": "string"}},
    ///         "required": ["flower"],
    ///     }),
    /// );
    /// assert_eq!(serde_json::to_value(Tool::from(tool))?["type"], "function");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Field::Value(name.into()),
            ..Self::default()
        }
    }

    /// What it does and when to use it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Field::Value(description.into());
        self
    }

    /// JSON Schema of its arguments.
    #[must_use]
    pub fn parameters(mut self, parameters: Value) -> Self {
        self.parameters = Field::Value(parameters);
        self
    }
}

/// A remote MCP server. One of `server_url`, `connector_id` and `tunnel_id` says where it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct McpTool {
    /// The name by which items refer to the server.
    #[serde(default, deserialize_with = "field::or_default")]
    pub server_label: String,
    /// Address of the server.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub server_url: Field<Text>,
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
    #[serde(
        default,
        deserialize_with = "field::map",
        skip_serializing_if = "Field::is_absent"
    )]
    pub headers: Field<BTreeMap<String, Text>>,
    /// Which of its tools may be used.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub allowed_tools: Field<AllowedTools>,
    /// Who may call the tools.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub allowed_callers: Field<Vec<String>>,
    /// Which calls need an approval first.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub require_approval: Field<RequireApproval>,
    /// Whether the tool list is loaded only when it is needed.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub defer_loading: Field<bool>,
}

impl McpTool {
    /// An MCP server by its address. Items refer to it by the label.
    ///
    /// ```
    /// use rt_protocol::{Tool, session::{ApprovalMode, McpTool}};
    /// let tool = McpTool::server("shop", "https://example.com/mcp").require_approval(ApprovalMode::Never);
    /// assert_eq!(
    ///     serde_json::to_string(&Tool::from(tool))?,
    ///     r#"{"type":"mcp","server_label":"shop","server_url":"https://example.com/mcp","require_approval":"never"}"#,
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn server(label: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            server_label: label.into(),
            server_url: Field::Value(url.into().into()),
            ..Self::default()
        }
    }

    /// A private MCP server behind a tunnel: `tunnel_` and 32 characters of a-z and 0-9.
    #[must_use]
    pub fn tunnel(label: impl Into<String>, tunnel_id: impl Into<String>) -> Self {
        Self {
            server_label: label.into(),
            tunnel_id: Field::Value(tunnel_id.into()),
            ..Self::default()
        }
    }

    /// A connector of the service, such as `connector_gmail` (deprecated by the service).
    #[must_use]
    pub fn connector(label: impl Into<String>, connector_id: impl Into<String>) -> Self {
        Self {
            server_label: label.into(),
            connector_id: Field::Value(connector_id.into()),
            ..Self::default()
        }
    }

    /// OAuth access token for the server.
    #[must_use]
    pub fn authorization(mut self, authorization: impl Into<Text>) -> Self {
        self.authorization = Field::Value(authorization.into());
        self
    }

    /// What the server offers, for the model.
    #[must_use]
    pub fn server_description(mut self, server_description: impl Into<String>) -> Self {
        self.server_description = Field::Value(server_description.into());
        self
    }

    /// Adds an HTTP header sent to the server.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.headers.or_default().insert(name.into(), value.into());
        self
    }

    /// Which of its tools may be used.
    #[must_use]
    pub fn allowed_tools(mut self, allowed_tools: impl Into<AllowedTools>) -> Self {
        self.allowed_tools = Field::Value(allowed_tools.into());
        self
    }

    /// Who may call the tools; at least one.
    #[must_use]
    pub fn allowed_callers(mut self, allowed_callers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_callers = Field::Value(allowed_callers.into_iter().map(Into::into).collect());
        self
    }

    /// Which calls need an approval first; all unless set.
    #[must_use]
    pub fn require_approval(mut self, require_approval: impl Into<RequireApproval>) -> Self {
        self.require_approval = Field::Value(require_approval.into());
        self
    }

    /// Whether the tool list is loaded only when it is needed.
    #[must_use]
    pub fn defer_loading(mut self, defer_loading: bool) -> Self {
        self.defer_loading = defer_loading.into();
        self
    }
}

/// Which tools of an MCP server may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum AllowedTools {
    /// These, by name.
    Names(#[serde(deserialize_with = "field::items")] Vec<String>),
    /// Those that match.
    Filter(McpToolFilter),
}

impl<S: Into<String>, const N: usize> From<[S; N]> for AllowedTools {
    fn from(names: [S; N]) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<String>> for AllowedTools {
    fn from(names: Vec<String>) -> Self {
        Self::Names(names)
    }
}

impl From<McpToolFilter> for AllowedTools {
    fn from(filter: McpToolFilter) -> Self {
        Self::Filter(filter)
    }
}

/// A choice of MCP tools.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct McpToolFilter {
    /// Tools by name.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub tool_names: Field<Vec<String>>,
    /// Only tools that say they change nothing.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub read_only: Field<bool>,
}

/// Which MCP calls need an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum RequireApproval {
    /// All or none: `always`, `never`.
    Mode(ApprovalMode),
    /// By tool.
    Filter(ApprovalFilter),
}

impl<'de> Deserialize<'de> for RequireApproval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        either::deserialize(
            deserializer,
            "always, never or an object",
            |text| Self::Mode(text.into()),
            Self::Filter,
        )
    }
}

impl From<ApprovalMode> for RequireApproval {
    fn from(mode: ApprovalMode) -> Self {
        Self::Mode(mode)
    }
}

impl From<ApprovalFilter> for RequireApproval {
    fn from(filter: ApprovalFilter) -> Self {
        Self::Filter(filter)
    }
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

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
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
