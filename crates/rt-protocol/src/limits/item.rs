//! Items of a conversation.

use crate::item::{ContentKind, ContentPart, Item};
use crate::limits::{CALL_ID_CHARS, Check, LimitError, Path, chars, name, present};

impl Item {
    /// Checks the item against the [limits](crate::limits) of the service.
    ///
    /// # Errors
    /// [`LimitError`] for the first field beyond its limit; its path starts with `item`.
    pub fn check(&self) -> Result<(), LimitError> {
        Path::Root.key("item").check(self)
    }
}

impl Check for Item {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Message(message) => {
                name(&at.key("role"), Some(message.role.as_str()))?;
                let at = at.key("content");
                for (n, part) in message.content.iter().enumerate() {
                    part.check_at(&at.index(n))?;
                }
                Ok(())
            }
            Self::FunctionCall(call) => call
                .call_id
                .as_deref()
                .map_or(Ok(()), |id| chars(&at.key("call_id"), id, CALL_ID_CHARS)),
            // The id is the server's own, so only that there is one.
            Self::FunctionCallOutput(output) => {
                present(&at.key("call_id"), Some(&output.call_id), "the id of a call")
            }
            Self::McpApprovalResponse(response) => present(
                &at.key("approval_request_id"),
                Some(&response.approval_request_id),
                "the id of a request",
            ),
            Self::ItemReference(reference) => {
                present(&at.key("id"), Some(&reference.id), "the id of an item")
            }
            Self::Unknown(raw) => present(&at.key("type"), raw.kind(), "the type of an item"),
            Self::McpListTools(_) | Self::McpCall(_) | Self::McpApprovalRequest(_) => Ok(()),
        }
    }
}

impl Check for ContentPart {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        let kind = self.kind.value();
        name(&at.key("type"), kind.map(|kind| kind.as_str()))?;
        if kind != Some(&ContentKind::InputImage) {
            return Ok(());
        }
        let at_url = at.key("image_url");
        let allowed = "a data URI with a PNG or JPEG image";
        present(&at_url, self.image_url.as_deref(), allowed)?;
        match self.image_url.as_deref() {
            Some(url) if !has_scheme(url, "data:") => {
                at_url.refuse(format_args!("not a data URI ({} bytes)", url.len()), allowed)
            }
            _ => name(
                &at.key("detail"),
                self.detail.value().map(|detail| detail.as_str()),
            ),
        }
    }
}

/// Whether an address starts so; schemes do not know case.
pub(crate) fn has_scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}
