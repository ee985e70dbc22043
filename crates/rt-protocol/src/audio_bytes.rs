//! [`AudioBytes`]: audio as the wire carries it, base64 in JSON and plain bytes here.

use std::fmt;

use bytes::Bytes;
use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::b64::{self, Out};
use crate::pcm16::{OddLength, Pcm16};

/// Audio bytes of an event, in whatever format the session has: PCM16, mu-law or A-law.
///
/// JSON has them as base64 (standard alphabet, padded); they are decoded once, from the message's own text. A
/// delta need not end on a sample: [`to_pcm16`](Self::to_pcm16) says so. `Debug` prints the length.
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct AudioBytes(Bytes);

impl AudioBytes {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The bytes, owned.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes as PCM16 at 24 kHz, without a copy.
    ///
    /// # Errors
    /// [`OddLength`] if they end within a sample.
    pub fn to_pcm16(&self) -> Result<Pcm16, OddLength> {
        Pcm16::from_le_bytes(self.0.clone())
    }

    /// Appends the bytes as base64.
    pub(crate) fn encode_into(&self, out: &mut impl Out) {
        out.base64(&self.0);
    }
}

impl fmt::Debug for AudioBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AudioBytes({} bytes)", self.0.len())
    }
}

impl From<Pcm16> for AudioBytes {
    fn from(audio: Pcm16) -> Self {
        Self(audio.into_bytes())
    }
}

impl From<Bytes> for AudioBytes {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for AudioBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl Serialize for AudioBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(b64::text_len(&self.0));
        self.encode_into(&mut text);
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for AudioBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;
        impl Visitor<'_> for Base64 {
            type Value = AudioBytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("audio as padded base64")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AudioBytes, E> {
                // Only that it is wrong: the text itself is audio.
                b64::decode(text.as_bytes())
                    .map(AudioBytes)
                    .ok_or_else(|| E::invalid_value(Unexpected::Other("text that is not base64"), &self))
            }
        }
        deserializer.deserialize_str(Base64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_round_trip() {
        let audio = AudioBytes::from(Pcm16::from_samples(&[1, 2, 3]));
        let json = serde_json::to_string(&audio).unwrap();
        assert_eq!(json, r#""AQACAAMA""#);
        assert_eq!(serde_json::from_str::<AudioBytes>(&json).unwrap(), audio);
    }

    #[test]
    fn what_is_not_base64_is_an_error_without_the_content() {
        for bad in [r#""canary!""#, r#""AQA""#, "7", "null"] {
            let error = serde_json::from_str::<AudioBytes>(bad).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn half_a_sample_is_kept_and_told() {
        let audio: AudioBytes = serde_json::from_str(r#""AQAC""#).unwrap();
        assert_eq!(audio.len(), 3);
        assert_eq!(audio.to_pcm16().unwrap_err().len, 3);
    }
}
