//! The YAML form of a fault, and its checks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, de};

use super::{Action, BadFrame, Fault, Trigger};
use crate::script::duration;
use crate::wire::{Cut, Shape};

/// A fault of a script, and the connection it is for. See the [crate page](crate) for the YAML form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawFault")]
#[non_exhaustive]
pub struct FaultSpec {
    /// The number of the connection, from 1; `None` for every one.
    pub connection: Option<u64>,
    /// What goes wrong.
    pub fault: Fault,
}

/// A fault as it stands in YAML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFault {
    /// The number of the connection.
    connection: Option<u64>,
    /// `true`: reset at once.
    refuse: Option<bool>,
    /// `true`: accepted, and no word.
    no_answer: Option<bool>,
    /// `true`: a 101 for another key.
    bad_accept: Option<bool>,
    /// `true`: a 101 and no session.
    no_session: Option<bool>,
    /// The answer to the handshake, word for word.
    answer: Option<String>,
    /// The status of the answer to the handshake.
    http: Option<u16>,
    /// Its headers.
    headers: Option<BTreeMap<String, String>>,
    /// Its body.
    body: Option<String>,
    /// When its body comes.
    #[serde(default, deserialize_with = "duration")]
    body_after: Option<Duration>,
    /// An error after the 101.
    error: Option<RawError>,
    /// The id of an item.
    refuse_item: Option<String>,
    /// The moment.
    when: Option<RawTrigger>,
    /// What goes wrong then.
    then: Option<RawThen>,
}

/// An error after the 101.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawError {
    /// `error.type`.
    #[serde(default = "invalid_request_error", rename = "type")]
    error_type: String,
    /// `error.code`.
    code: Option<String>,
    /// `error.message`.
    #[serde(default)]
    message: String,
    /// The close code.
    close: u16,
    /// The close reason.
    reason: Option<String>,
}

/// The type of an error that names none.
fn invalid_request_error() -> String {
    "invalid_request_error".to_owned()
}

/// A moment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrigger {
    /// `true`: after the 101, before the session.
    upgraded: Option<bool>,
    /// A type that is sent.
    sent: Option<String>,
    /// A type that is received.
    received: Option<String>,
    /// How many of them.
    count: Option<u64>,
    /// So many messages, whatever they are.
    sent_messages: Option<u64>,
    /// So many messages, whatever they are.
    received_messages: Option<u64>,
    /// So much time since the 101.
    #[serde(default, deserialize_with = "duration")]
    after: Option<Duration>,
}

/// What goes wrong: a word, or a mapping.
#[derive(Debug)]
struct RawThen(Action);

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

/// One of several, or an error that names them.
fn exactly_one<T>(mut found: Vec<T>, of: &str) -> Result<T, String> {
    match found.pop() {
        Some(one) if found.is_empty() => Ok(one),
        _ => Err(format!("there must be exactly one of {of}")),
    }
}

/// A detail without what it belongs to is an error.
fn belongs(detail: bool, there: bool, words: &str) -> Result<(), String> {
    if detail && !there {
        return Err(words.to_owned());
    }
    Ok(())
}

/// `true` or nothing.
fn only_true(value: Option<bool>, name: &str) -> Result<bool, String> {
    match value {
        Some(false) => Err(format!("`{name}` can only be true")),
        value => Ok(value.is_some()),
    }
}

impl TryFrom<RawFault> for FaultSpec {
    type Error = String;

    fn try_from(raw: RawFault) -> Result<Self, String> {
        if raw.connection == Some(0) {
            return Err("`connection` counts from 1; leave it out for every connection".into());
        }
        let details = raw.headers.is_some() || raw.body.is_some() || raw.body_after.is_some();
        belongs(
            details,
            raw.http.is_some(),
            "`headers`, `body` and `body_after` belong to `http`",
        )?;
        belongs(raw.then.is_some(), raw.when.is_some(), "`then` belongs to `when`")?;
        let mut found = Vec::new();
        if only_true(raw.refuse, "refuse")? {
            found.push(Fault::Refuse);
        }
        if only_true(raw.no_answer, "no_answer")? {
            found.push(Fault::NoAnswer);
        }
        if only_true(raw.bad_accept, "bad_accept")? {
            found.push(Fault::BadAccept);
        }
        if only_true(raw.no_session, "no_session")? {
            found.push(Fault::no_session());
        }
        found.extend(raw.answer.map(|text| Fault::Answer(text.into_bytes())));
        if let Some(status) = raw.http {
            if !(100..=599).contains(&status) {
                return Err(format!("{status} is no HTTP status"));
            }
            let mut fault = Fault::status(status);
            for (name, value) in raw.headers.unwrap_or_default() {
                fault = fault.header(name, value);
            }
            if let Some(body) = raw.body {
                fault = fault.body(body);
            }
            if let Some(pause) = raw.body_after {
                fault = fault.body_after(pause);
            }
            found.push(fault);
        }
        found.extend(raw.error.map(|error| Fault::Error {
            reason: error.reason.unwrap_or_else(|| match &error.code {
                Some(code) => format!("{}.{code}", error.error_type),
                None => error.error_type.clone(),
            }),
            error_type: error.error_type,
            code: error.code,
            message: error.message,
            close: error.close,
        }));
        found.extend(raw.refuse_item.map(Fault::refuse_item));
        if let Some(when) = raw.when {
            let then = raw.then.ok_or("`when` needs a `then`")?;
            found.push(Fault::at(when.try_into()?, then.0));
        }
        let names = "`refuse`, `no_answer`, `bad_accept`, `no_session`, `answer`, `http`, `error`, `refuse_item`, `when`";
        Ok(Self {
            connection: raw.connection,
            fault: exactly_one(found, names)?,
        })
    }
}

impl TryFrom<RawTrigger> for Trigger {
    type Error = String;

    fn try_from(raw: RawTrigger) -> Result<Self, String> {
        let typed = raw.sent.is_some() || raw.received.is_some();
        belongs(
            raw.count.is_some(),
            typed,
            "`count` belongs to `sent` or `received`",
        )?;
        let count = raw.count.unwrap_or(1);
        let mut found = Vec::new();
        if only_true(raw.upgraded, "upgraded")? {
            found.push(Self::Upgraded);
        }
        found.extend(raw.sent.map(|event_type| Self::Sent { event_type, count }));
        found.extend(
            raw.received
                .map(|event_type| Self::Received { event_type, count }),
        );
        found.extend(raw.sent_messages.map(Self::SentMessages));
        found.extend(raw.received_messages.map(Self::ReceivedMessages));
        found.extend(raw.after.map(Self::After));
        exactly_one(
            found,
            "`upgraded`, `sent`, `received`, `sent_messages`, `received_messages`, `after`",
        )
    }
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

#[cfg(test)]
mod tests;
