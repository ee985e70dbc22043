//! Events the client sends.
//!
//! To add one: its struct in the file of its family, one entry in the list in `list.rs`, a fixture in
//! `fixtures/events/client`.

mod audio;
mod conversation;
pub(crate) mod list;
mod response;
mod session;

pub use self::audio::{
    InputAudioBufferAppend, InputAudioBufferClear, InputAudioBufferCommit, OutputAudioBufferClear,
    SessionInputAudioBufferAppend,
};
pub use self::conversation::{
    ConversationItemCreate, ConversationItemDelete, ConversationItemRetrieve, ConversationItemTruncate,
};
pub use self::response::{ResponseCancel, ResponseCreate};
pub use self::session::{SessionClose, SessionUpdate};
