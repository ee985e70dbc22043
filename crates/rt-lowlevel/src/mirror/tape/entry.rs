//! What a tape is made of: audio, commits, requests.

use bytes::Bytes;
use rt_protocol::client_event::InputAudioBufferCommit;
use rt_protocol::{AudioBytes, Field};
use serde::{Deserialize, Serialize};

use super::super::clock::Format;
use super::super::responses::Request;

/// One thing on the tape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::mirror) enum Entry {
    Audio(Chunk),
    Commit(Commit),
    Respond(Box<Request>),
}

/// A piece of audio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::mirror) struct Chunk {
    #[serde(skip)]
    pub(in crate::mirror) seq: Option<u64>,
    /// Its place on the session's input clock; nothing while it waits to be written.
    #[serde(skip)]
    pub(super) start: u64,
    pub(in crate::mirror) format: Format,
    pub(in crate::mirror) audio: AudioBytes,
}

/// A commit without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::mirror) struct Commit {
    #[serde(skip)]
    pub(in crate::mirror) seq: Option<u64>,
    pub(in crate::mirror) event_id: Option<String>,
}

impl Commit {
    pub(in crate::mirror) fn event(&self) -> InputAudioBufferCommit {
        InputAudioBufferCommit {
            event_id: Field::from(self.event_id.clone()),
        }
    }
}

impl Chunk {
    /// Audio that was on a tape before.
    pub(in crate::mirror) fn again(audio: AudioBytes, format: Format) -> Self {
        Self {
            seq: None,
            start: 0,
            format,
            audio,
        }
    }

    pub(in crate::mirror) fn ticks(&self) -> u64 {
        self.format.ticks(self.audio.len())
    }

    pub(super) fn end(&self) -> u64 {
        self.start + self.ticks()
    }

    /// Takes off everything before this position.
    pub(super) fn skip_to(&mut self, position: u64) {
        let skipped = self.format.bytes(position.saturating_sub(self.start));
        let skipped = skipped.min(self.audio.len());
        self.start += self.format.ticks(skipped);
        self.audio = self.audio.as_bytes().slice(skipped..).into();
    }

    /// The part between two positions.
    pub(super) fn between(&self, from: u64, to: u64) -> Bytes {
        let offset = |position: u64| {
            let bytes = self.format.bytes(position.saturating_sub(self.start));
            bytes.min(self.audio.len())
        };
        self.audio
            .as_bytes()
            .slice(offset(from)..offset(to).max(offset(from)))
    }
}

impl Entry {
    pub(super) fn ticks(&self) -> u64 {
        match self {
            Self::Audio(chunk) => chunk.ticks(),
            Self::Commit(_) | Self::Respond(_) => 0,
        }
    }

    /// It is no audio: a commit or a request.
    pub(super) fn is_mark(&self) -> bool {
        !matches!(self, Self::Audio(_))
    }

    /// For another process, which does not know our commands.
    pub(in crate::mirror) fn without_command(mut self) -> Self {
        match &mut self {
            Self::Audio(chunk) => (chunk.seq, chunk.start) = (None, 0),
            Self::Commit(commit) => commit.seq = None,
            Self::Respond(request) => request.seq = None,
        }
        self
    }

    pub(in crate::mirror) fn seq(&self) -> Option<u64> {
        match self {
            Self::Audio(chunk) => chunk.seq,
            Self::Commit(commit) => commit.seq,
            Self::Respond(request) => request.seq,
        }
    }
}
