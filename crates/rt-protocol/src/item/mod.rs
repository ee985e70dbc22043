//! Items: what a conversation is made of. [`Item`] is one of any kind, and [`ContentPart`] a part of a message; here is
//! what is in them.

pub(crate) mod content;
pub(crate) mod kinds;
mod mcp;

use serde::{Deserialize, Serialize};

pub(crate) use self::content::ContentPart;
pub use self::content::{ContentKind, ImageDetail};
pub(crate) use self::kinds::Item;
pub use self::mcp::{
    McpApprovalRequest, McpApprovalResponse, McpCall, McpError, McpListTools, McpListedTool,
};
use crate::field;
use crate::open_enum::open_enum;
use crate::{AudioBytes, Field, Text};

/// Something said or written: `message`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Message {
    /// The item's id, `item_...`; a client may choose it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// Always `realtime.item`; often left out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status: Field<ItemStatus>,
    /// Who speaks.
    #[serde(default, deserialize_with = "field::or_default")]
    pub role: Role,
    /// What is said.
    #[serde(default, deserialize_with = "field::items")]
    pub content: Vec<ContentPart>,
    /// Whether a model's message comments on its work or is the answer.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub phase: Field<Phase>,
}

impl Message {
    /// A message of the given parts.
    #[must_use]
    pub fn new(role: Role, content: impl Into<Vec<ContentPart>>) -> Self {
        Self {
            role,
            content: content.into(),
            ..Self::default()
        }
    }

    /// A message of the user; add parts with [`text`](Self::text), [`audio`](Self::audio) and [`part`](Self::part).
    ///
    /// ```
    /// use rt_protocol::{ContentPart, Item, item::Message};
    /// let png = b"\x89PNG\r\n...";
    /// let item = Item::from(Message::user().text("What is this?").part(ContentPart::png(png)));
    /// assert_eq!(
    ///     serde_json::to_value(&item)?["content"][1]["image_url"],
    ///     "data:image/png;base64,iVBORw0KLi4u",
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user() -> Self {
        Self::new(Role::User, [])
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, part: ContentPart) -> Self {
        self.content.push(part);
        self
    }

    /// Adds text: of the model if the message is the model's, else `input_text`.
    #[must_use]
    pub fn text(self, text: impl Into<Text>) -> Self {
        let part = if self.role == Role::Assistant {
            ContentPart::output_text(text)
        } else {
            ContentPart::input_text(text)
        };
        self.part(part)
    }

    /// Adds audio of the user, in the session's input format.
    #[must_use]
    pub fn audio(self, audio: impl Into<AudioBytes>) -> Self {
        self.part(ContentPart::input_audio(audio))
    }
}

/// The model calls a function of the client: `function_call`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// Always `realtime.item`; often left out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status: Field<ItemStatus>,
    /// The function's name.
    #[serde(default, deserialize_with = "field::or_default")]
    pub name: String,
    /// The id by which the output refers to the call, at most 32 characters when a client writes it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub call_id: Field<String>,
    /// The arguments as JSON text.
    #[serde(default, deserialize_with = "field::or_default")]
    pub arguments: Text,
}

/// What a function returned: `function_call_output`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FunctionCallOutput {
    /// The item's id.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// Always `realtime.item`; often left out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status: Field<ItemStatus>,
    /// The call that is answered.
    #[serde(default, deserialize_with = "field::or_default")]
    pub call_id: String,
    /// The result, in any form the model can read.
    #[serde(default, deserialize_with = "field::or_default")]
    pub output: Text,
}

/// An item by its id: `item_reference`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemReference {
    /// The item's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub id: String,
}

open_enum! {
    /// How far an item is.
    pub enum ItemStatus {
        /// It is whole.
        Completed = "completed",
        /// It ended early.
        Incomplete = "incomplete",
        /// It is being made.
        InProgress = "in_progress",
    }
}

open_enum! {
    /// Who speaks.
    #[derive(Default)]
    pub enum Role {
        /// The user.
        #[default]
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The application.
        System = "system",
    }
}

open_enum! {
    /// What a message of a reasoning model is for.
    pub enum Phase {
        /// It tells what the model is doing.
        Commentary = "commentary",
        /// It is the answer.
        FinalAnswer = "final_answer",
    }
}
