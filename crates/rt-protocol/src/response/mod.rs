//! Responses: what is in the [`ResponseParams`] that `response.create` asks with, and in the [`Response`] that
//! `response.created` and `response.done` report.

mod build;
pub(crate) mod params;
pub(crate) mod report;
mod status;
mod usage;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::params::ResponseParams;
pub(crate) use self::report::Response;
pub use self::status::{ResponseStatus, StatusDetails, StatusError, StatusReason};
pub use self::usage::{
    CachedTokens, InputTokens, OutputTokens, TranscriptionTokens, TranscriptionUsage, TranscriptionUsageKind,
    Usage,
};
use crate::open_enum::open_enum;
use crate::session::{AudioFormat, Voice};
use crate::{Field, Text};

/// Up to 16 pairs; keys of at most 64 characters, values of at most 512.
pub type Metadata = BTreeMap<String, Text>;

/// Audio settings of a response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseAudio {
    /// Audio out.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output: Field<ResponseAudioOutput>,
}

/// Settings of a response's audio output.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseAudioOutput {
    /// The format.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub format: Field<AudioFormat>,
    /// The voice.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub voice: Field<Voice>,
}

open_enum! {
    /// Which conversation a response is added to.
    pub enum ConversationChoice {
        /// The session's.
        Auto = "auto",
        /// None: an out-of-band response.
        None = "none",
    }
}
