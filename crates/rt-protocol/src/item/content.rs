//! Content of messages.

use serde::{Deserialize, Serialize};

use crate::b64::Out as _;
use crate::open_enum::open_enum;
use crate::{AudioBytes, Field, Text};

/// One part of a message, or of a response under way.
///
/// One struct serves every kind, because the service does not keep to one naming: the same audio is
/// `output_audio` in an item and `audio` in a `response.content_part.added`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContentPart {
    /// The kind of part.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<ContentKind>,
    /// The text, of `input_text`, `output_text` and `text`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub text: Field<Text>,
    /// The audio, in the session's format, of `input_audio`, `output_audio` and `audio`. Mostly left out by the
    /// server, which sends it as deltas.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub audio: Field<AudioBytes>,
    /// What was said in the audio; `null` until it is known.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub transcript: Field<Text>,
    /// An image as a data URI (PNG or JPEG); no other addresses are accepted.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub image_url: Field<Text>,
    /// How closely the model looks at an image.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub detail: Field<ImageDetail>,
}

impl ContentPart {
    /// Text from the user or the system.
    #[must_use]
    pub fn input_text(text: impl Into<Text>) -> Self {
        Self {
            kind: ContentKind::InputText.into(),
            text: Field::Value(text.into()),
            ..Self::default()
        }
    }

    /// Audio from the user, in the session's input format.
    #[must_use]
    pub fn input_audio(audio: impl Into<AudioBytes>) -> Self {
        Self {
            kind: ContentKind::InputAudio.into(),
            audio: Field::Value(audio.into()),
            ..Self::default()
        }
    }

    /// An image from the user, as a data URI (`data:image/png;base64,...`).
    #[must_use]
    pub fn input_image(data_uri: impl Into<Text>) -> Self {
        Self {
            kind: ContentKind::InputImage.into(),
            image_url: Field::Value(data_uri.into()),
            ..Self::default()
        }
    }

    /// An image from the user, as the bytes of a PNG file.
    #[must_use]
    pub fn png(file: &[u8]) -> Self {
        Self::image_file("data:image/png;base64,", file)
    }

    /// An image from the user, as the bytes of a JPEG file.
    #[must_use]
    pub fn jpeg(file: &[u8]) -> Self {
        Self::image_file("data:image/jpeg;base64,", file)
    }

    fn image_file(prefix: &str, file: &[u8]) -> Self {
        let mut uri = String::with_capacity(prefix.len() + file.len().div_ceil(3) * 4);
        uri.push_str(prefix);
        uri.base64(file);
        Self::input_image(uri)
    }

    /// How closely the model looks at the image.
    #[must_use]
    pub fn detail(mut self, detail: ImageDetail) -> Self {
        self.detail = detail.into();
        self
    }

    /// Text from the model.
    #[must_use]
    pub fn output_text(text: impl Into<Text>) -> Self {
        Self {
            kind: ContentKind::OutputText.into(),
            text: Field::Value(text.into()),
            ..Self::default()
        }
    }

    /// What can be read: the text, else the transcript.
    #[must_use]
    pub fn readable(&self) -> Option<&str> {
        self.text.as_deref().or_else(|| self.transcript.as_deref())
    }
}

open_enum! {
    /// The kind of a content part.
    pub enum ContentKind {
        /// Text from the user or the system.
        InputText = "input_text",
        /// Audio from the user.
        InputAudio = "input_audio",
        /// An image from the user.
        InputImage = "input_image",
        /// Text from the model.
        OutputText = "output_text",
        /// Audio from the model, with its transcript.
        OutputAudio = "output_audio",
        /// Text from the model, in `response.content_part.*` and in the beta dialect.
        Text = "text",
        /// Audio from the model, in `response.content_part.*` and in the beta dialect.
        Audio = "audio",
    }
}

open_enum! {
    /// How closely the model looks at an image.
    pub enum ImageDetail {
        /// As the model decides.
        Auto = "auto",
        /// Coarsely, for fewer tokens.
        Low = "low",
        /// Closely.
        High = "high",
    }
}
