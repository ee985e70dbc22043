//! [`Item`]: an item of any kind.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    ContentPart, FunctionCall, FunctionCallOutput, ItemReference, McpApprovalRequest, McpApprovalResponse,
    McpCall, McpListTools, Message, Role,
};
use crate::tagged::{self, Fields, Tagged};
use crate::{AudioBytes, Field, RawObject, Text};

/// One item of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Item {
    /// Something said or written, by the user, the model or the system.
    #[serde(rename = "message")]
    Message(Message),
    /// The model calls a function of the client.
    #[serde(rename = "function_call")]
    FunctionCall(FunctionCall),
    /// What the function returned.
    #[serde(rename = "function_call_output")]
    FunctionCallOutput(FunctionCallOutput),
    /// The tools of a remote MCP server.
    #[serde(rename = "mcp_list_tools")]
    McpListTools(McpListTools),
    /// A call of an MCP tool by the service.
    #[serde(rename = "mcp_call")]
    McpCall(Box<McpCall>),
    /// The service asks whether it may call a tool.
    #[serde(rename = "mcp_approval_request")]
    McpApprovalRequest(McpApprovalRequest),
    /// The client's answer to that.
    #[serde(rename = "mcp_approval_response")]
    McpApprovalResponse(McpApprovalResponse),
    /// An item of the conversation by its id, in the input of a response.
    #[serde(rename = "item_reference")]
    ItemReference(ItemReference),
    /// A kind this version does not know.
    #[serde(untagged)]
    Unknown(RawObject),
}

impl Item {
    /// A message of the user with one text part.
    #[must_use]
    pub fn user_text(text: impl Into<Text>) -> Self {
        Message::new(Role::User, [ContentPart::input_text(text)]).into()
    }

    /// A message of the system with one text part.
    #[must_use]
    pub fn system_text(text: impl Into<Text>) -> Self {
        Message::new(Role::System, [ContentPart::input_text(text)]).into()
    }

    /// A message of the model with one text part: how history is given back to a new session.
    #[must_use]
    pub fn assistant_text(text: impl Into<Text>) -> Self {
        Message::new(Role::Assistant, [ContentPart::output_text(text)]).into()
    }

    /// A message of the user with one audio part, in the session's input format.
    #[must_use]
    pub fn user_audio(audio: impl Into<AudioBytes>) -> Self {
        Message::new(Role::User, [ContentPart::input_audio(audio)]).into()
    }

    /// A message of the user with one image, as a data URI; [`ContentPart::png`] and [`ContentPart::jpeg`] make one.
    #[must_use]
    pub fn user_image(data_uri: impl Into<Text>) -> Self {
        Message::new(Role::User, [ContentPart::input_image(data_uri)]).into()
    }

    /// A call the model made earlier, given back to a new session; its output has to follow. The id may have at most
    /// 32 characters, the arguments are JSON text.
    #[must_use]
    pub fn function_call(
        call_id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<Text>,
    ) -> Self {
        Self::FunctionCall(FunctionCall {
            call_id: Field::Value(call_id.into()),
            name: name.into(),
            arguments: arguments.into(),
            ..FunctionCall::default()
        })
    }

    /// The answer to an [`McpApprovalRequest`], by its id. The published type demands an id of the answer too: give it
    /// one [`with_id`](Self::with_id).
    #[must_use]
    pub fn mcp_approval(approval_request_id: impl Into<String>, approve: bool) -> Self {
        Self::McpApprovalResponse(McpApprovalResponse {
            approval_request_id: approval_request_id.into(),
            approve,
            ..McpApprovalResponse::default()
        })
    }

    /// An item of the conversation by its id, for the input of a response.
    #[must_use]
    pub fn reference(id: impl Into<String>) -> Self {
        Self::ItemReference(ItemReference { id: id.into() })
    }

    /// The item with an id of your choice.
    ///
    /// ```
    /// use rt_protocol::Item;
    /// let item = Item::function_call_output("call_1", r#"{"euros":3}"#).with_id("item_price");
    /// assert_eq!(
    ///     serde_json::to_string(&item)?,
    ///     r#"{"type":"function_call_output","id":"item_price","call_id":"call_1","output":"{\"euros\":3}"}"#,
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.set_id(id);
        self
    }

    /// The result of a function call.
    #[must_use]
    pub fn function_call_output(call_id: impl Into<String>, output: impl Into<Text>) -> Self {
        Self::FunctionCallOutput(FunctionCallOutput {
            call_id: call_id.into(),
            output: output.into(),
            ..FunctionCallOutput::default()
        })
    }

    /// The item's id, if it has one yet.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Message(item) => item.id.as_deref(),
            Self::FunctionCall(item) => item.id.as_deref(),
            Self::FunctionCallOutput(item) => item.id.as_deref(),
            Self::McpListTools(item) => item.id.as_deref(),
            Self::McpCall(item) => item.id.as_deref(),
            Self::McpApprovalRequest(item) => item.id.as_deref(),
            Self::McpApprovalResponse(item) => item.id.as_deref(),
            Self::ItemReference(item) => Some(&item.id),
            Self::Unknown(raw) => raw.0.get("id")?.as_str(),
        }
    }

    /// Gives the item an id.
    pub fn set_id(&mut self, id: impl Into<String>) {
        let id = id.into();
        match self {
            Self::Message(item) => item.id = id.into(),
            Self::FunctionCall(item) => item.id = id.into(),
            Self::FunctionCallOutput(item) => item.id = id.into(),
            Self::McpListTools(item) => item.id = id.into(),
            Self::McpCall(item) => item.id = id.into(),
            Self::McpApprovalRequest(item) => item.id = id.into(),
            Self::McpApprovalResponse(item) => item.id = id.into(),
            Self::ItemReference(item) => item.id = id,
            Self::Unknown(raw) => {
                raw.0.insert("id".to_owned(), id.into());
            }
        }
    }
}

impl Default for Item {
    fn default() -> Self {
        Self::Unknown(RawObject::default())
    }
}

impl From<Message> for Item {
    fn from(item: Message) -> Self {
        Self::Message(item)
    }
}

impl From<FunctionCall> for Item {
    fn from(item: FunctionCall) -> Self {
        Self::FunctionCall(item)
    }
}

impl From<FunctionCallOutput> for Item {
    fn from(item: FunctionCallOutput) -> Self {
        Self::FunctionCallOutput(item)
    }
}

impl<'de> Tagged<'de> for Item {
    const EXPECTED: &'static str = "a conversation item";

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            Some("message") => fields.read().map(Self::Message),
            Some("function_call") => fields.read().map(Self::FunctionCall),
            Some("function_call_output") => fields.read().map(Self::FunctionCallOutput),
            Some("mcp_list_tools") => fields.read().map(Self::McpListTools),
            Some("mcp_call") => fields.read().map(Self::McpCall),
            Some("mcp_approval_request") => fields.read().map(Self::McpApprovalRequest),
            Some("mcp_approval_response") => fields.read().map(Self::McpApprovalResponse),
            Some("item_reference") => fields.read().map(Self::ItemReference),
            _ => fields.raw().map(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
