//! [`Run`]: a response under way.

use std::time::Duration;

use rt_protocol::item::{ContentKind, FunctionCall, ItemStatus, Message, Role};
use rt_protocol::response::{ResponseStatus, StatusDetails, StatusError};
use rt_protocol::{ContentPart, Field, Item, Response, Text};

use super::format::Format;
use super::plan::{Ending, Steps};
use super::usage::{Context, OUTPUT_MS};

/// A response under way.
#[derive(Debug)]
pub(crate) struct Run {
    /// Its id.
    pub(crate) id: String,
    /// Whether its items join the conversation.
    pub(crate) in_conversation: bool,
    /// As `response.created` shows it.
    pub(crate) wire: Response,
    /// The format of its audio; `None` if it is written.
    pub(crate) spoken: Option<Format>,
    /// What is still to come.
    pub(crate) steps: Steps,
    /// The item under way.
    pub(crate) open: Option<Open>,
    /// The items that are done.
    pub(crate) output: Vec<Item>,
    /// What goes in.
    pub(crate) context: Context,
    /// Pieces of text that came out.
    pub(crate) text_out: u64,
    /// Milliseconds of audio that came out.
    pub(crate) audio_ms: u64,
    /// When the audio began.
    pub(crate) audio_since: Option<Duration>,
    /// The calls it made.
    pub(crate) call_ids: Vec<String>,
}

/// The item under way.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// Its id.
    pub(crate) id: String,
    /// What it is.
    pub(crate) kind: OpenKind,
    /// The text, transcript or arguments so far.
    pub(crate) text: String,
}

/// What an item under way is.
#[derive(Debug, Clone)]
pub(crate) enum OpenKind {
    /// A message with one written part.
    Written,
    /// A message with one spoken part.
    Spoken,
    /// A function call.
    Call {
        /// The function.
        name: String,
        /// The id of the call.
        call_id: String,
    },
}

impl Run {
    /// When the next step is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.steps.front().map(|(due, _)| *due)
    }

    /// The index of the item under way.
    pub(crate) fn output_index(&self) -> u32 {
        u32::try_from(self.output.len()).unwrap_or(u32::MAX)
    }

    /// The response as `response.done` shows it.
    pub(crate) fn done(&self, ending: &Ending) -> Response {
        let details = |kind: ResponseStatus| StatusDetails {
            kind: kind.into(),
            ..Default::default()
        };
        let (status, status_details) = match ending {
            Ending::Completed => (ResponseStatus::Completed, Field::Null),
            Ending::Incomplete(reason) => {
                let details = StatusDetails {
                    reason: reason.clone().into(),
                    ..details(ResponseStatus::Incomplete)
                };
                (ResponseStatus::Incomplete, details.into())
            }
            Ending::Cancelled(reason) => {
                let details = StatusDetails {
                    reason: reason.clone().into(),
                    ..details(ResponseStatus::Cancelled)
                };
                (ResponseStatus::Cancelled, details.into())
            }
            Ending::Failed(failure) => {
                let error = StatusError {
                    kind: failure.error_type.clone().into(),
                    code: Field::or_null(failure.code.clone()),
                    message: failure.message.clone().into(),
                };
                let details = StatusDetails {
                    error: error.into(),
                    ..details(ResponseStatus::Failed)
                };
                (ResponseStatus::Failed, details.into())
            }
        };
        // A response that failed before it said anything costs nothing.
        let free = matches!(ending, Ending::Failed(_)) && self.output.is_empty();
        let usage = (!free).then(|| self.context.usage(self.text_out, self.audio_ms / OUTPUT_MS));
        Response {
            status: status.into(),
            status_details,
            output: self.output.clone().into(),
            usage: Field::or_null(usage),
            ..self.wire.clone()
        }
    }
}

impl Open {
    /// The item as it stands.
    pub(crate) fn item(&self, status: ItemStatus) -> Item {
        match &self.kind {
            OpenKind::Call { name, call_id } => FunctionCall {
                id: self.id.clone().into(),
                status: status.into(),
                name: name.clone(),
                call_id: call_id.clone().into(),
                arguments: Text::from(self.text.clone()),
                ..FunctionCall::default()
            }
            .into(),
            kind => {
                let content = match (&status, kind) {
                    (ItemStatus::InProgress, _) => Vec::new(),
                    (_, OpenKind::Spoken) => vec![self.part(ContentKind::OutputAudio)],
                    _ => vec![self.part(ContentKind::OutputText)],
                };
                Message {
                    id: self.id.clone().into(),
                    status: status.into(),
                    role: Role::Assistant,
                    content,
                    ..Message::default()
                }
                .into()
            }
        }
    }

    /// The part of a message, under the name that the place asks for.
    pub(crate) fn part(&self, kind: ContentKind) -> ContentPart {
        let text = Field::Value(Text::from(self.text.clone()));
        let spoken = matches!(self.kind, OpenKind::Spoken);
        let (text, transcript) = if spoken {
            (Field::Absent, text)
        } else {
            (text, Field::Absent)
        };
        ContentPart {
            kind: kind.into(),
            text,
            transcript,
            ..ContentPart::default()
        }
    }
}
