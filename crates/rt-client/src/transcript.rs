//! [`Transcript`]: what was said, by whom.

use std::sync::Arc;

use rt_protocol::Text;

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
/// While somebody speaks, pieces come with `is_final` false, those of the model faster than it is heard. At the end the whole
/// text comes once with `is_final` true: of the model when its audio was played, or cut to what was heard when it is interrupted,
/// and not at all if nothing was. What the user says is transcribed only if the session
/// asks for it, and may come after the answer: [`Event::Line`](crate::Event::Line) has the lines in the order of the
/// conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transcript {
    /// Who spoke.
    pub speaker: Speaker,
    /// The item of the conversation it belongs to; empty in a translation, which has none. All its pieces share the string: a
    /// copy costs no memory.
    pub item_id: Arc<str>,
    /// The piece, or the whole text. Its `Debug` does not show it; its `Display` does.
    pub text: Text,
    /// Whether `text` is the whole.
    pub is_final: bool,
}

/// What one side said in its turn, whole, in the order of the conversation. What the model speaks is told when it was heard:
/// when its audio was played, or was cut by an interruption. When the session ends before that, it is told whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Who spoke.
    pub speaker: Speaker,
    /// The item of the conversation.
    pub item_id: String,
    /// What was said.
    pub text: Text,
    /// It was waited for too long, and lines that belong after it came before.
    pub late: bool,
}
