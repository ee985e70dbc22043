//! The YAML form of a fault, and its checks.

mod action;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use self::action::RawThen;
use super::{Fault, Trigger};
use crate::script::duration;

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

#[cfg(test)]
mod tests;
