//! [`Encoded`]: a client's event as text, and what could not be said in the server's dialect.

use std::fmt;

use crate::Field;

/// A client's event in the dialect of the server.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
#[must_use = "the message has to be sent, and the warnings tell what it does not say"]
pub struct Encoded {
    /// The message to send; `None` if the dialect has nothing like the event.
    pub json: Option<String>,
    /// What the message does not say, though the event did.
    pub warnings: Vec<Warning>,
}

impl Encoded {
    /// A message that says everything.
    pub(super) const fn whole(json: String) -> Self {
        Self {
            json: Some(json),
            warnings: Vec::new(),
        }
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.json.as_ref().map(String::len);
        f.debug_struct("Encoded")
            .field("bytes", &bytes)
            .field("warnings", &self.warnings)
            .finish()
    }
}

/// A part of an event that the server's dialect cannot express. It was left out of the message.
///
/// ```
/// # use rt_protocol::dialect::{Codec, Dialect, WarningReason};
/// # use rt_protocol::ClientEvent;
/// let event = r#"{"type":"session.update","session":{"type":"realtime","reasoning":{"effort":"low"}}}"#;
/// let encoded = Codec::new(Dialect::Beta).encode_client(&ClientEvent::from_json(event)?);
/// let warning = &encoded.warnings[0];
/// assert_eq!((warning.path(), warning.reason()), ("session.reasoning", WarningReason::NoSuchField));
/// assert_eq!(warning.to_string(), "session.reasoning was not sent: the beta dialect has no such field");
/// # Ok::<(), rt_protocol::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    path: String,
    reason: WarningReason,
}

impl Warning {
    /// What was left out: its path in the GA event, such as `session.tools[1]`; `type` is the whole event.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> WarningReason {
        self.reason
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not sent: {}", self.path, self.reason)
    }
}

/// Why a part of an event was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningReason {
    /// The dialect has no such field.
    NoSuchField,
    /// The dialect has the field, but not this value or kind of value.
    NoSuchValue,
    /// The dialect has no such event, so nothing is sent.
    NoSuchEvent,
}

impl fmt::Display for WarningReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchField => "the beta dialect has no such field",
            Self::NoSuchValue => "the beta dialect has no such value",
            Self::NoSuchEvent => "the beta dialect has no such event",
        })
    }
}

/// Collects warnings below a path.
pub(super) struct Warnings {
    root: &'static str,
    list: Vec<Warning>,
}

impl Warnings {
    /// None yet, of fields of `root`.
    pub(super) const fn of(root: &'static str) -> Self {
        Self {
            root,
            list: Vec::new(),
        }
    }

    /// A place below the root was left out.
    pub(super) fn add(&mut self, path: &str, reason: WarningReason) {
        let path = match (self.root, path) {
            ("", path) => path.to_owned(),
            (root, "") => root.to_owned(),
            (root, path) => format!("{root}.{path}"),
        };
        self.list.push(Warning { path, reason });
    }

    /// Takes away a field that the dialect has not.
    pub(super) fn drop<T>(&mut self, field: &mut Field<T>, path: &str) {
        if !field.is_absent() {
            *field = Field::Absent;
            self.add(path, WarningReason::NoSuchField);
        }
    }

    /// The object in a field that the dialect has only the parts of; its `null` cannot be said.
    pub(super) fn open<T: Default>(&mut self, field: Field<T>, path: &str) -> T {
        if field.is_null() {
            self.add(path, WarningReason::NoSuchField);
        }
        field.into_value().unwrap_or_default()
    }

    pub(super) fn into_vec(self) -> Vec<Warning> {
        self.list
    }
}
