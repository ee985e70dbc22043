//! What goes wrong, as it stands in YAML.

use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use super::super::{Action, BadFrame};
use super::{belongs, exactly_one};
use crate::script::duration;
use crate::wire::{Cut, Shape};

/// What goes wrong: a word, or a mapping.
#[derive(Debug)]
pub(super) struct RawThen(pub(super) Action);

/// What goes wrong, with its details.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAction {
    /// A close code.
    close: Option<u16>,
    /// Its reason.
    reason: Option<String>,
    /// A text message.
    text: Option<String>,
    /// A binary message, in hexadecimal digits.
    binary: Option<String>,
    /// Bytes past the WebSocket, in hexadecimal digits.
    raw: Option<String>,
    /// A bad frame.
    frame: Option<BadFrame>,
    /// How long a message claims to be.
    claim: Option<u64>,
    /// How many fragments.
    fragments: Option<u64>,
    /// The bytes of each.
    size: Option<usize>,
    /// How many Pings.
    pings: Option<u64>,
    /// How long nothing is read.
    #[serde(deserialize_with = "duration")]
    stall_reading: Option<Duration>,
    /// How long nothing is sent.
    #[serde(deserialize_with = "duration")]
    stall_writing: Option<Duration>,
    /// How much later bytes arrive.
    #[serde(deserialize_with = "duration")]
    delay: Option<Duration>,
    /// How much later still, by chance.
    #[serde(deserialize_with = "duration")]
    jitter: Option<Duration>,
    /// How many bytes at most in one write.
    slice: Option<usize>,
    /// How many bytes at a time.
    drip: Option<usize>,
    /// From one time to the next.
    #[serde(deserialize_with = "duration")]
    every: Option<Duration>,
    /// Bytes per second.
    bandwidth: Option<u64>,
    /// Whether anything gets through.
    hole: Option<bool>,
    /// Cut after so many bytes that are sent.
    cut_sending: Option<u64>,
    /// Cut after so many bytes that are received.
    cut_receiving: Option<u64>,
    /// How.
    with: Option<Cut>,
}

impl TryFrom<RawAction> for Action {
    type Error = String;

    fn try_from(raw: RawAction) -> Result<Self, String> {
        let cut = raw.cut_sending.is_some() || raw.cut_receiving.is_some();
        belongs(
            raw.reason.is_some(),
            raw.close.is_some(),
            "`reason` belongs to `close`",
        )?;
        belongs(
            raw.size.is_some(),
            raw.fragments.is_some(),
            "`size` belongs to `fragments`",
        )?;
        belongs(
            raw.with.is_some(),
            cut,
            "`with` belongs to `cut_sending` or `cut_receiving`",
        )?;
        belongs(
            raw.every.is_some(),
            raw.drip.is_some(),
            "`every` belongs to `drip`",
        )?;
        let mut found = Vec::new();
        let reason = raw.reason.unwrap_or_default();
        found.extend(raw.close.map(|code| Self::Close { code, reason }));
        found.extend(raw.text.map(Self::Text));
        found.extend(
            raw.binary
                .map(|digits| hex(&digits))
                .transpose()?
                .map(Self::Binary),
        );
        found.extend(raw.raw.map(|digits| hex(&digits)).transpose()?.map(Self::Raw));
        found.extend(raw.frame.map(Self::Frame));
        found.extend(raw.claim.map(Self::Claim));
        let size = raw.size.unwrap_or(1);
        found.extend(raw.fragments.map(|count| Self::Fragments { count, size }));
        found.extend(raw.pings.map(Self::Pings));
        found.extend(raw.stall_reading.map(Self::StallReading));
        found.extend(raw.stall_writing.map(Self::StallWriting));
        let how = raw.with.unwrap_or(Cut::Fin);
        found.extend(raw.cut_sending.map(|after| Self::CutSending { after, how }));
        found.extend(raw.cut_receiving.map(|after| Self::CutReceiving { after, how }));
        let (slice, every) = match (raw.slice, raw.drip, raw.every) {
            (Some(_), Some(_), _) => return Err("`slice` and `drip` exclude each other".into()),
            (_, Some(drip), Some(every)) => (Some(drip), every),
            (_, Some(_), None) => return Err("`drip` needs an `every`".into()),
            (slice, None, _) => (slice, Duration::ZERO),
        };
        let shape = Shape {
            delay: raw.delay.unwrap_or_default(),
            jitter: raw.jitter.unwrap_or_default(),
            slice,
            every,
            bandwidth: raw.bandwidth,
            hole: raw.hole.unwrap_or_default(),
            cut: None,
        };
        if shape.slice == Some(0) || shape.bandwidth == Some(0) {
            return Err(
                "`slice`, `drip` and `bandwidth` are 1 at least; nothing at all is `hole: true`".into(),
            );
        }
        let shaped = raw.delay.is_some() || raw.jitter.is_some() || raw.hole.is_some();
        if shaped || slice.is_some() || raw.bandwidth.is_some() {
            found.push(Self::Shape(shape));
        }
        let names = "`close`, `text`, `binary`, `raw`, `frame`, `claim`, `fragments`, `pings`, `stall_reading`, \
                     `stall_writing`, `cut_sending`, `cut_receiving`, or a way to travel (`delay`, `jitter`, `slice`, \
                     `drip`, `bandwidth`, `hole`)";
        exactly_one(found, names)
    }
}

/// Bytes from hexadecimal digits; blanks between them are fine.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => {
            Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => Err("bytes are written as pairs of hexadecimal digits, such as \"81 02 7b 7d\"".into()),
    }
}

impl<'de> Deserialize<'de> for RawThen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Accepts a word or a mapping.
        struct Visitor;

        /// The words.
        const WORDS: &[&str] = &[
            "reset",
            "hang_up",
            "close_without_code",
            "expire",
            "stall",
            "silence",
            "ignore_pings",
            "repeat",
            "swap",
        ];

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawThen;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "one of {}, or a mapping", WORDS.join(", "))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                Ok(RawThen(match word {
                    "reset" => Action::Reset,
                    "hang_up" => Action::HangUp,
                    "close_without_code" => Action::CloseWithoutCode,
                    "expire" => Action::Expire,
                    "stall" => Action::Stall,
                    "silence" => Action::Silence,
                    "ignore_pings" => Action::IgnorePings,
                    "repeat" => Action::Repeat,
                    "swap" => Action::Swap,
                    _ => return Err(E::unknown_variant(word, WORDS)),
                }))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let raw = RawAction::deserialize(MapAccessDeserializer::new(map))?;
                raw.try_into().map(RawThen).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
