//! Audio settings.

use crate::limits::{
    Check, IDLE_TIMEOUT_MS, LimitError, NOISE_REDUCTION_STRENGTH, Path, SPEED, VAD_THRESHOLD, name, within,
};
use crate::session::{
    AudioFormat, AudioFormatKind, AudioInput, AudioOutput, NoiseReduction, SessionAudio, Transcription,
    TurnDetection, Voice,
};
use crate::{Field, Pcm16};

impl Check for SessionAudio {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        at.key("input").check_field(&self.input)?;
        at.key("output").check_field(&self.output)
    }
}

impl Check for AudioInput {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        at.key("format").check_field(&self.format)?;
        at.key("transcription").check_field(&self.transcription)?;
        at.key("noise_reduction").check_field(&self.noise_reduction)?;
        at.key("turn_detection").check_field(&self.turn_detection)
    }
}

impl Check for AudioOutput {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        at.key("format").check_field(&self.format)?;
        match self.voice.value() {
            Some(Voice::Named(voice)) => name(&at.key("voice"), Some(voice.as_str()))?,
            Some(Voice::Custom(voice)) => name(&at.key("voice").key("id"), voice.id.as_deref())?,
            None => {}
        }
        within(&at.key("speed"), &self.speed, &SPEED)?;
        name(&at.key("language"), self.language.as_deref())
    }
}

impl Check for AudioFormat {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        let rate = at.key("rate");
        match (self.kind.value(), &self.rate) {
            (Some(AudioFormatKind::Pcm), Field::Value(hertz)) if *hertz != Pcm16::SAMPLE_RATE => {
                rate.refuse(hertz, Pcm16::SAMPLE_RATE)
            }
            (Some(kind @ (AudioFormatKind::Pcmu | AudioFormatKind::Pcma)), Field::Value(hertz)) => {
                rate.refuse(hertz, format_args!("no rate with {kind}, which has 8000"))
            }
            (Some(kind), _) => name(&at.key("type"), Some(kind.as_str())),
            (None, _) => Ok(()),
        }
    }
}

impl Check for Transcription {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        name(&at.key("model"), self.model.as_deref())?;
        if self.languages.value().is_some_and(Vec::is_empty) {
            at.key("languages").refuse("empty", "at least one language")?;
        }
        name(&at.key("delay"), self.delay.value().map(|delay| delay.as_str()))
    }
}

impl Check for NoiseReduction {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        name(&at.key("type"), self.kind.value().map(|kind| kind.as_str()))?;
        within(&at.key("strength"), &self.strength, &NOISE_REDUCTION_STRENGTH)
    }
}

impl Check for TurnDetection {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::ServerVad(vad) => {
                within(&at.key("threshold"), &vad.threshold, &VAD_THRESHOLD)?;
                within(&at.key("idle_timeout_ms"), &vad.idle_timeout_ms, &IDLE_TIMEOUT_MS)
            }
            Self::SemanticVad(vad) => name(
                &at.key("eagerness"),
                vad.eagerness.value().map(|eagerness| eagerness.as_str()),
            ),
            Self::Unknown(_) => Ok(()),
        }
    }
}
