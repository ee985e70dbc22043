//! [`Hearing`]: the transcription of one committed piece of audio, as it unfolds.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::Field;
use rt_protocol::response::{TranscriptionTokens, TranscriptionUsage, TranscriptionUsageKind};
use rt_protocol::session::Transcription;

use super::voice::split;
use crate::pacing::Pacing;

/// The transcription of one committed piece of audio.
#[derive(Debug, Clone)]
pub(crate) struct Hearing {
    /// The item that is transcribed.
    pub(crate) item_id: String,
    /// The whole transcript.
    pub(crate) text: String,
    /// What it costs.
    pub(crate) usage: TranscriptionUsage,
    /// Pieces to send, the first of them due at `due`.
    deltas: VecDeque<String>,
    /// When the next event is due.
    due: Duration,
    /// From one piece to the next.
    step: Duration,
}

/// The next event of a transcription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A piece of the text.
    Delta(String),
    /// All of it.
    Completed,
}

impl Hearing {
    /// Begins to transcribe `ms` of audio.
    pub(crate) fn new(
        item_id: String,
        text: String,
        ms: u64,
        wish: &Transcription,
        pacing: &Pacing,
        now: Duration,
    ) -> Self {
        let deltas = split(&text);
        Self {
            usage: usage(wish, ms, deltas.len() as u64),
            item_id,
            text,
            deltas: deltas.into(),
            due: now + pacing.transcription,
            step: pacing.transcription,
        }
    }

    /// In a conversation the first word comes with a space before it; the completed text does not have it.
    pub(crate) fn begin_with_space(&mut self) {
        if let Some(first) = self.deltas.front_mut() {
            first.insert(0, ' ');
        }
    }

    /// When the next event is due.
    pub(crate) fn due(&self) -> Duration {
        self.due
    }

    /// The next event.
    pub(crate) fn advance(&mut self) -> Heard {
        self.due += self.step;
        self.deltas.pop_front().map_or(Heard::Completed, Heard::Delta)
    }
}

/// Tokens for the models that count tokens, seconds for the others.
fn usage(wish: &Transcription, ms: u64, words: u64) -> TranscriptionUsage {
    let by_token = wish.model.as_deref().is_some_and(|model| {
        model.starts_with("gpt-4o-transcribe") || model.starts_with("gpt-4o-mini-transcribe")
    });
    if !by_token {
        return TranscriptionUsage {
            kind: TranscriptionUsageKind::Duration.into(),
            seconds: Field::Value(ms.div_ceil(1000) as f64),
            ..TranscriptionUsage::default()
        };
    }
    let audio = ms.div_ceil(100);
    TranscriptionUsage {
        kind: TranscriptionUsageKind::Tokens.into(),
        total_tokens: (audio + words).into(),
        input_tokens: audio.into(),
        output_tokens: words.into(),
        input_token_details: TranscriptionTokens {
            text_tokens: 0.into(),
            audio_tokens: audio.into(),
        }
        .into(),
        ..TranscriptionUsage::default()
    }
}
