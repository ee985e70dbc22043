//! [`ToolChoice`]: whether and which tool the model uses.

use serde::{Deserialize, Deserializer, Serialize};

use crate::either;
use crate::open_enum::open_enum;
use crate::{Field, RawObject};

/// Whether and which tool the model uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ToolChoice {
    /// `none`, `auto` or `required`.
    Mode(ToolChoiceMode),
    /// This one tool.
    Tool(ToolChoiceTool),
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        either::deserialize(
            deserializer,
            "a tool choice, by name or as an object",
            |text| Self::Mode(text.into()),
            Self::Tool,
        )
    }
}

impl ToolChoice {
    /// This function and no other.
    #[must_use]
    pub fn function(name: impl Into<String>) -> Self {
        Self::Tool(ToolChoiceTool {
            kind: "function".into(),
            name: Field::Value(name.into()),
            ..ToolChoiceTool::default()
        })
    }

    /// A tool of this MCP server: the named one, or any.
    #[must_use]
    pub fn mcp(server_label: impl Into<String>, name: Option<&str>) -> Self {
        Self::Tool(ToolChoiceTool {
            kind: "mcp".into(),
            name: name.map(str::to_owned).into(),
            server_label: Field::Value(server_label.into()),
            ..ToolChoiceTool::default()
        })
    }
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

/// The tool to use, or another choice that is an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolChoiceTool {
    /// `function`, `mcp`, or one that this version does not know.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// The function's or MCP tool's name.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// The MCP server.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub server_label: Field<String>,
    /// What another kind has beside, such as `allowed_tools`.
    #[serde(flatten)]
    pub other: RawObject,
}

impl From<ToolChoiceMode> for ToolChoice {
    fn from(mode: ToolChoiceMode) -> Self {
        Self::Mode(mode)
    }
}
