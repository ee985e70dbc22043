//! [`Transcript`]: what was said, by whom.

use rt_protocol::{ServerEvent, Text};

/// Who spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Speaker {
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// A piece of what was said, or all of one part of it.
///
/// While somebody speaks, pieces come with `is_final` false; at the end the whole text comes once with `is_final`
/// true. What the user says is transcribed only if the session asks for it, and may come after the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transcript {
    /// Who spoke.
    pub speaker: Speaker,
    /// The item of the conversation it belongs to.
    pub item_id: String,
    /// The piece, or the whole text. Its `Debug` does not show it; its `Display` does.
    pub text: Text,
    /// Whether `text` is the whole.
    pub is_final: bool,
}

impl Transcript {
    /// What an event says, if it says something.
    pub(crate) fn of(event: &ServerEvent) -> Option<Self> {
        use ServerEvent as E;
        let (speaker, item_id, text, is_final) = match event {
            E::ConversationItemInputAudioTranscriptionDelta(event) => {
                (Speaker::User, &event.item_id, event.delta.value()?, false)
            }
            E::ConversationItemInputAudioTranscriptionCompleted(event) => {
                (Speaker::User, &event.item_id, &event.transcript, true)
            }
            E::ResponseOutputAudioTranscriptDelta(event) => {
                (Speaker::Assistant, &event.item_id, &event.delta, false)
            }
            E::ResponseOutputAudioTranscriptDone(event) => {
                (Speaker::Assistant, &event.item_id, &event.transcript, true)
            }
            E::ResponseOutputTextDelta(event) => (Speaker::Assistant, &event.item_id, &event.delta, false),
            E::ResponseOutputTextDone(event) => (Speaker::Assistant, &event.item_id, &event.text, true),
            _ => return None,
        };
        Some(Self {
            speaker,
            item_id: item_id.clone(),
            text: text.clone(),
            is_final,
        })
    }
}
