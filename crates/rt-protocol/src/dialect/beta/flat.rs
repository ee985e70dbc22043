//! [`Flat`]: the settings that beta has under another name, in another place or in another form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Field;
use crate::field;
use crate::session::{
    AudioFormat, MaxOutputTokens, Modality, NoiseReduction, Transcription, TurnDetection, Voice,
};

/// Of a session, of a response, and of a `response.create`, each of which has some of them.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Flat {
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub(super) modalities: Field<Vec<Modality>>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) voice: Field<Voice>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) speed: Field<f64>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) input_audio_format: Field<AudioFormat>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) input_audio_sampling_rate: Field<u32>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) output_audio_format: Field<AudioFormat>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) input_audio_transcription: Field<Transcription>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) input_audio_noise_reduction: Field<NoiseReduction>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) turn_detection: Field<TurnDetection>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) max_response_output_tokens: Field<MaxOutputTokens>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) temperature: Field<f64>,
    /// Only the nested form, which GA has not.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) tool_choice: Field<Value>,
    /// What kind of session it is, where that is not told by the event.
    #[serde(rename = "type", default, skip_serializing)]
    pub(super) kind: Field<String>,
    #[serde(default, skip_serializing)]
    pub(super) object: Field<String>,
}

/// The settings in the `session` of a message.
#[derive(Deserialize)]
pub(super) struct InSession {
    #[serde(default, deserialize_with = "field::or_default")]
    pub(super) session: Flat,
}

/// The settings in the `response` of a message.
#[derive(Deserialize)]
pub(super) struct InResponse {
    #[serde(default, deserialize_with = "field::or_default")]
    pub(super) response: Flat,
}

/// A GA struct without the settings that moved, and those.
#[derive(Serialize)]
pub(super) struct With<T> {
    #[serde(flatten)]
    pub(super) same: T,
    #[serde(flatten)]
    pub(super) flat: Flat,
}
