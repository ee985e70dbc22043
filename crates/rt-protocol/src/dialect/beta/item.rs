//! Items: what the assistant says is called `text` and `audio` in beta.

use super::super::encoded::Warnings;
use super::super::{BetaVariant, WarningReason};
use super::State;
use crate::item::{ContentKind, Message, Role};
use crate::{Field, Item};

/// Content of the assistant under its GA names.
pub(super) fn to_ga(item: &mut Item) {
    rename(item, |kind| match kind {
        ContentKind::Text => Some(ContentKind::OutputText),
        ContentKind::Audio => Some(ContentKind::OutputAudio),
        _ => None,
    });
}

/// Content of the assistant under its beta names.
pub(super) fn to_beta(item: &mut Item) {
    rename(item, |kind| match kind {
        ContentKind::OutputText => Some(ContentKind::Text),
        ContentKind::OutputAudio => Some(ContentKind::Audio),
        _ => None,
    });
}

fn rename(item: &mut Item, other_name: fn(&ContentKind) -> Option<ContentKind>) {
    let Item::Message(Message {
        role: Role::Assistant,
        content,
        ..
    }) = item
    else {
        return;
    };
    for part in content {
        if let Some(name) = part.kind.value().and_then(other_name) {
            part.kind = name.into();
        }
    }
}

/// An item that a client sends, without what beta has not; `false` if nothing is left of it.
pub(super) fn sent_to_beta(item: &mut Item, path: &str, state: &State, warnings: &mut Warnings) -> bool {
    let is_voice_live = state.variant == BetaVariant::VoiceLive;
    match item {
        Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
            if !is_voice_live =>
        {
            warnings.add(path, WarningReason::NoSuchValue);
            return false;
        }
        Item::Message(message) => {
            warnings.drop(&mut message.phase, &format!("{path}.phase"));
            let had_content = !message.content.is_empty();
            let mut place = 0;
            message.content.retain(|part| {
                let keep = is_voice_live || part.kind != Field::Value(ContentKind::InputImage);
                if !keep {
                    warnings.add(&format!("{path}.content[{place}]"), WarningReason::NoSuchValue);
                }
                place += 1;
                keep
            });
            if had_content && message.content.is_empty() {
                return false;
            }
        }
        _ => {}
    }
    to_beta(item);
    true
}

/// Whether an item says that it is still growing: the model makes it, and has not finished.
pub(super) fn is_growing(item: &Item) -> bool {
    use crate::item::ItemStatus;
    let status = match item {
        Item::Message(item) if item.role == Role::Assistant => &item.status,
        Item::FunctionCall(item) => &item.status,
        Item::McpCall(_) => return true,
        Item::Unknown(raw) => {
            return raw.0.get("status").and_then(|status| status.as_str()) == Some("in_progress");
        }
        _ => return false,
    };
    *status == Field::Value(ItemStatus::InProgress)
}
