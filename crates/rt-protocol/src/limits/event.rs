//! Events of the client.

use crate::ClientEvent;
use crate::client_event::InputAudioBufferAppend;
use crate::limits::{APPEND_BYTES, Check, EVENT_ID_CHARS, LimitError, Path, chars, present};

impl ClientEvent {
    /// Checks the event against the [limits](crate::limits) of the service.
    ///
    /// It costs next to nothing for the events that are sent often: of audio it looks at the length.
    ///
    /// # Errors
    /// [`LimitError`] for the first field beyond its limit.
    pub fn check(&self) -> Result<(), LimitError> {
        Path::Root.check(self)
    }
}

impl Check for ClientEvent {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        if let Some(id) = self.event_id() {
            chars(&at.key("event_id"), id, EVENT_ID_CHARS)?;
        }
        match self {
            Self::SessionUpdate(event) => at.key("session").check(&event.session),
            Self::InputAudioBufferAppend(event) => event.check_at(at),
            Self::SessionInputAudioBufferAppend(event) => match event.audio.len() {
                bytes if bytes % 2 == 1 => at
                    .key("audio")
                    .refuse(format_args!("{bytes} bytes"), "whole 16-bit samples"),
                _ => Ok(()),
            },
            Self::ConversationItemCreate(event) => at.key("item").check(&event.item),
            Self::ConversationItemRetrieve(event) => item_id(at, &event.item_id),
            Self::ConversationItemDelete(event) => item_id(at, &event.item_id),
            Self::ConversationItemTruncate(event) => item_id(at, &event.item_id),
            Self::ResponseCreate(event) => match event.response.value() {
                Some(params) => at.key("response").check(&**params),
                None => Ok(()),
            },
            Self::InputAudioBufferCommit(_)
            | Self::InputAudioBufferClear(_)
            | Self::OutputAudioBufferClear(_)
            | Self::ResponseCancel(_)
            | Self::SessionClose(_)
            | Self::Unknown(_) => Ok(()),
        }
    }
}

impl Check for InputAudioBufferAppend {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        let bytes = self.audio.len();
        if bytes <= APPEND_BYTES {
            return Ok(());
        }
        at.key("audio").refuse(
            format_args!("{bytes} bytes"),
            format_args!("at most {APPEND_BYTES} bytes (15 MiB)"),
        )
    }
}

fn item_id(at: &Path<'_>, id: &str) -> Result<(), LimitError> {
    present(&at.key("item_id"), Some(id), "the id of an item")
}
