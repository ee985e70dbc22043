//! [`Snapshot`]: a conversation that can be carried to another process.

use std::fmt;

use rt_protocol::Text;
use rt_protocol::session::SessionKind;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::clock::ms;
use super::folded::Folded;
use super::heard::Pace;
use super::items::{Entry, Items};
use super::settings::{Saved, Settings};
use super::tape::{self, Tape};
use super::{Mirror, RestorePolicy};
use crate::error::Error;

/// The version this crate writes, and the only one it reads.
const VERSION: u64 = 1;

/// Everything a new session has to be told, to go on with this conversation in another process.
///
/// It holds what was said: transcripts, audio that was not yet answered, instructions and tools with their credentials.
/// Keep it like a secret. Its `Debug` shows sizes only. Its serialised form carries a version; one that this crate does
/// not know is refused. It is to be read by a format that describes itself, such as JSON.
///
/// It is what the connection would restore if it were lost at that moment: a response that is under way is in it as far
/// as it was heard, and will not be finished.
#[derive(Clone, PartialEq)]
pub struct Snapshot {
    state: State,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct State {
    kind: Kind,
    settings: Saved,
    items: Vec<Entry>,
    summary: Option<Text>,
    /// What is to be written again.
    input: Vec<tape::Entry>,
    pace: Pace,
    playback_reported: bool,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Realtime,
    Transcription,
    Translation,
}

impl Snapshot {
    /// As JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Writing these types cannot fail: keys are strings and there is no I/O.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From JSON text.
    ///
    /// # Errors
    /// Of kind [`InvalidConfig`](crate::ErrorKind::InvalidConfig), if it is not a snapshot, or one of a version that
    /// this crate does not know. The error holds nothing of the text.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        serde_json::from_str(json)
            .map_err(|error| Error::config(format!("cannot read the snapshot of a conversation: {error}")))
    }

    /// The kind of session that it is of.
    pub(crate) fn kind(&self) -> SessionKind {
        match self.state.kind {
            Kind::Realtime => SessionKind::Realtime,
            Kind::Transcription => SessionKind::Transcription,
            Kind::Translation => SessionKind::Translation,
        }
    }

    /// How many items it holds.
    #[must_use]
    pub fn items(&self) -> usize {
        self.state.items.len()
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Versioned<'a> {
            version: u64,
            #[serde(flatten)]
            state: &'a State,
        }
        let versioned = Versioned {
            version: VERSION,
            state: &self.state,
        };
        versioned.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let version = value
            .get("version")
            .and_then(Value::as_u64)
            .ok_or_else(|| D::Error::custom("it has no version: this is not a snapshot"))?;
        if version != VERSION {
            return Err(D::Error::custom(format_args!(
                "it has version {version}, this crate reads version {VERSION}: use the crate that wrote it"
            )));
        }
        // The reason could quote what was said.
        let state = serde_json::from_value(value).map_err(|_| {
            D::Error::custom("its fields are not those of version 1: it was changed or damaged")
        })?;
        Ok(Self { state })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let audio = self.state.input.iter().map(|entry| match entry {
            tape::Entry::Audio(chunk) => chunk.ticks(),
            _ => 0,
        });
        f.debug_struct("Snapshot")
            .field("version", &VERSION)
            .field("items", &self.state.items.len())
            .field("audio_ms", &ms(audio.sum()))
            .finish_non_exhaustive()
    }
}

impl Mirror {
    /// What another process needs to go on, as if the connection were lost now. Changes nothing.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut mirror = self.clone();
        mirror.lost();
        for entry in mirror.items.entries_mut() {
            entry.created_by = None;
        }
        let state = State {
            kind: match mirror.kind {
                SessionKind::Transcription => Kind::Transcription,
                SessionKind::Translation => Kind::Translation,
                _ => Kind::Realtime,
            },
            settings: mirror.settings.saved(),
            input: mirror
                .tape
                .entries()
                .cloned()
                .map(tape::Entry::without_command)
                .collect(),
            items: mirror.items.into_entries(),
            summary: mirror.summary,
            pace: mirror.pace,
            playback_reported: mirror.playback_reported,
        };
        Snapshot { state }
    }

    /// Goes on where another mirror stopped. The state is that after [`lost`](Self::lost).
    pub(crate) fn resume(policy: RestorePolicy, snapshot: Snapshot) -> Self {
        let kind = snapshot.kind();
        let state = snapshot.state;
        let mut mirror = Self::new(policy, kind);
        mirror.settings = Settings::restored(kind, state.settings);
        mirror.items = Items::restored(state.items);
        mirror.items.bound_media(mirror.policy.media);
        mirror.tape = Tape::restored(mirror.tape.limit(), state.input);
        mirror.summary = state.summary;
        mirror.pace = state.pace;
        mirror.playback_reported = state.playback_reported;
        mirror.folded = Folded::default();
        mirror
    }
}

#[cfg(test)]
mod tests;
