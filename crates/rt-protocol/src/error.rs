//! [`DecodeError`]: a message that could not be read.

use std::fmt;

/// Why a message could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The text is not a JSON object. The sender is at fault.
    NotJson,
    /// The object has no `type` that is a string. The sender is at fault.
    NoType,
    /// The type is known and a field does not fit it. The protocol has changed, or the sender is at fault.
    Body,
}

/// A message that could not be read. The raw text is kept; the connection need not end.
///
/// `Display` and `Debug` name the type and the place, never the content.
#[derive(Clone)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: DecodeErrorKind,
    event_type: Option<String>,
    line: usize,
    column: usize,
    reason: String,
    raw: String,
}

impl DecodeError {
    pub(crate) fn new(
        kind: DecodeErrorKind,
        event_type: Option<&str>,
        error: Option<&serde_json::Error>,
        raw: &str,
    ) -> Self {
        let (line, column) = error.map_or((1, 1), |error| (error.line(), error.column()));
        let reason = error.map(reason).unwrap_or_default();
        Self(Box::new(Inner {
            kind,
            event_type: event_type.map(str::to_owned),
            line,
            column,
            reason,
            raw: raw.to_owned(),
        }))
    }

    /// The error of a message whose type, or purpose, is known.
    pub(crate) fn of(name: &str, error: &serde_json::Error, raw: &str) -> Self {
        let kind = if error.is_data() {
            DecodeErrorKind::Body
        } else {
            DecodeErrorKind::NotJson
        };
        Self::new(kind, Some(name), Some(error), raw)
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// The message's `type`, if it had one.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.0.event_type.as_deref()
    }

    /// The line of the text, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line
    }

    /// The column in that line, in bytes from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.column
    }

    /// The message as it came. It may hold what was said: do not log it.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0.raw
    }

    /// The message as it came, owned.
    #[must_use]
    pub fn into_raw(self) -> String {
        self.0.raw
    }
}

/// serde's reason without the value that was wrong: `invalid type: string "...", expected u64` loses the string, and
/// likewise the numbers that serde shows in backticks.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // The position stands at the end; the value may have words like it.
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    match text.rfind(", expected ") {
        Some(at) if text.starts_with("invalid ") => {
            let value = text.find(['"', '`']).map_or(at, |quote| quote.min(at));
            format!("{}{}", text[..value].trim_end(), &text[at..])
        }
        _ => text.to_owned(),
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            event_type,
            line,
            column,
            reason,
            ..
        } = &*self.0;
        match kind {
            DecodeErrorKind::NotJson => {
                write!(f, "message is not a JSON object, line {line} column {column}")?
            }
            DecodeErrorKind::NoType => write!(f, "message has no type, line {line} column {column}")?,
            DecodeErrorKind::Body => {
                let event_type = event_type.as_deref().unwrap_or_default();
                write!(
                    f,
                    "message of type {event_type} cannot be read, line {line} column {column}"
                )?;
            }
        }
        if !reason.is_empty() {
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self}; {} bytes)", self.0.raw.len())
    }
}

impl std::error::Error for DecodeError {}
