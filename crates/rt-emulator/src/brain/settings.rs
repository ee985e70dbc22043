//! [`Settings`]: what a session is like.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::Session;
use rt_protocol::dialect::Dialect;
use rt_protocol::session::SessionKind;

use crate::pacing::Pacing;
use crate::script::Script;

/// What a session is like.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The kind of session, as it follows from the URL. Default a conversation.
    pub kind: SessionKind,
    /// The model, as it stands in the URL. Default `gpt-realtime`; without meaning for a transcription.
    pub model: String,
    /// The dialect of the client: [`Brain::handle_text`](crate::brain::Brain::handle_text) reads it, and
    /// [`Brain::encode`](crate::brain::Brain::encode) writes it. Default GA.
    pub dialect: Dialect,
    /// What the session begins with, as a `session.update` would set it. It is passed over if it is of another kind
    /// or if an update would be refused. Default none.
    pub session: Option<Session>,
    /// What is heard, said and called. Default: the parrot.
    pub script: Arc<Script>,
    /// How fast.
    pub pacing: Pacing,
    /// Where the ids come from: the same seed gives the same ids. Default 0.
    pub seed: u64,
    /// When the session opened, in seconds since 1970: `expires_at` follows from it. Default 0.
    pub opened_at: u64,
    /// How long the session may last. Default 60 minutes.
    pub session_length: Duration,
    /// Whether `rate_limits.updated` follows each response. `None`, the default, is as observed: models from
    /// `gpt-realtime-2` on send it, older ones do not.
    pub rate_limits: Option<bool>,
    /// Ids of items whose `conversation.item.create` is refused. Default none.
    pub refused_items: Vec<String>,
    /// Whether what arrives is written down: see [`Brain::record`](crate::brain::Brain::record). Default yes.
    pub keep_record: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kind: SessionKind::Realtime,
            model: "gpt-realtime".to_owned(),
            dialect: Dialect::Ga,
            session: None,
            script: Arc::default(),
            pacing: Pacing::default(),
            seed: 0,
            opened_at: 0,
            session_length: Duration::from_secs(3600),
            rate_limits: None,
            refused_items: Vec::new(),
            keep_record: true,
        }
    }
}
