//! [`Response`]: what the server reports.

use serde::{Deserialize, Serialize};

use super::{Metadata, ResponseAudio, ResponseStatus, StatusDetails, Usage};
use crate::Field;
use crate::field;
use crate::item::Item;
use crate::session::{MaxOutputTokens, Modality};

/// A response as the server reports it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Response {
    /// Always `realtime.response`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// The response's id, `resp_...`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// How far it is, or how it ended.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status: Field<ResponseStatus>,
    /// Why it ended so; `null` while it runs and when it completed.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status_details: Field<StatusDetails>,
    /// The items it made.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub output: Field<Vec<Item>>,
    /// The conversation it belongs to; `null` out of band.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub conversation_id: Field<String>,
    /// What it is made of.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub output_modalities: Field<Vec<Modality>>,
    /// The most tokens it may have.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub max_output_tokens: Field<MaxOutputTokens>,
    /// Its audio settings.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio: Field<ResponseAudio>,
    /// The tokens it took; `null` until it is done.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub usage: Field<Usage>,
    /// The metadata of the `response.create`.
    #[serde(
        default,
        deserialize_with = "field::map",
        skip_serializing_if = "Field::is_absent"
    )]
    pub metadata: Field<Metadata>,
}
