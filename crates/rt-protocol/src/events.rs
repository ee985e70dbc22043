//! `event_enum!`: one list per direction, from which the enum and all that goes with it is made.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::Field;

/// An event of a type this version does not know, whole.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownEvent {
    /// The event's `type`.
    pub event_type: String,
    /// The message as it came.
    pub raw: String,
}

impl UnknownEvent {
    /// The `event_id`, if the message has one that is a string.
    #[must_use]
    pub fn event_id(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Id {
            event_id: Option<String>,
        }
        serde_json::from_str::<Id>(&self.raw).ok()?.event_id
    }
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnknownEvent({}, {} bytes)", self.event_type, self.raw.len())
    }
}

impl Serialize for UnknownEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<Value>(&self.raw)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

/// The `event_id` of a payload, which some events demand and others leave open.
pub(crate) trait EventId {
    fn id(&self) -> Option<&str>;
    fn set(&mut self, id: String);
}

impl EventId for String {
    fn id(&self) -> Option<&str> {
        Some(self)
    }
    fn set(&mut self, id: String) {
        *self = id;
    }
}

impl EventId for Field<String> {
    fn id(&self) -> Option<&str> {
        self.as_deref()
    }
    fn set(&mut self, id: String) {
        *self = Self::Value(id);
    }
}

/// `Deserialize` for an event enum from any format: through JSON text, because the raw text may have to be kept.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    from_json: impl FnOnce(&str) -> Result<T, crate::DecodeError>,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    from_json(&value.to_string()).map_err(D::Error::custom)
}

/// For events that have no fast path.
pub(crate) fn no_fast_path<T>(_event_type: &str, _rest: Option<usize>, _json: &str) -> Option<T> {
    None
}

/// Defines an event enum from its list: variants, wire names, decoding, encoding, ids.
macro_rules! event_enum {
    (
        $(#[$meta:meta])*
        pub enum $Enum:ident, fast path $fast:path {
            $( $(#[$vmeta:meta])* $Variant:ident($Payload:ty) = $name:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum $Enum {
            $( $(#[$vmeta])* #[serde(rename = $name)] $Variant($Payload), )*
            /// An event this version does not know.
            #[serde(untagged)]
            Unknown($crate::UnknownEvent),
        }

        impl $Enum {
            /// The wire names of all events this version knows.
            pub const KNOWN_TYPES: &'static [&'static str] = &[$($name),*];

            /// Reads a message: finds its type, then reads the struct of that type.
            ///
            /// Unknown types, unknown fields, unknown values of string enums, and `null` or missing fields are
            /// not errors.
            ///
            /// # Errors
            /// If the text is not a JSON object with a `type`, or if a field of a known type has another
            /// kind of value than the protocol says. The error keeps the text.
            pub fn from_json(json: &str) -> Result<Self, $crate::DecodeError> {
                use $crate::error::{DecodeError, DecodeErrorKind};
                let Some(peeked) = $crate::peek::peek(json) else {
                    return Err(match serde_json::from_str::<serde::de::IgnoredAny>(json) {
                        Ok(_) => DecodeError::new(DecodeErrorKind::NoType, None, None, json),
                        Err(error) => DecodeError::new(DecodeErrorKind::NotJson, None, Some(&error), json),
                    });
                };
                if let Some(event) = $fast(&peeked.event_type, peeked.rest, json) {
                    return Ok(event);
                }
                let event_type = peeked.event_type;
                // A published example has a space before the name.
                match event_type.trim() {
                    $( $name => $crate::read::body(&event_type, json).map(Self::$Variant), )*
                    other => $crate::read::body::<serde::de::IgnoredAny>(&event_type, json).map(|_| {
                        Self::Unknown($crate::UnknownEvent {
                            event_type: other.to_owned(),
                            raw: json.to_owned(),
                        })
                    }),
                }
            }

            /// Fails if the two readers of JSON make different events of a message.
            #[cfg(any(test, fuzzing))]
            pub(crate) fn compare_readers(json: &str) {
                let Some(peeked) = $crate::peek::peek(json) else { return };
                match peeked.event_type.trim() {
                    $( $name => $crate::plain::compare::<$Payload>(json), )*
                    _ => $crate::plain::compare::<serde_json::Value>(json),
                }
            }

            /// The event's wire name.
            #[must_use]
            pub fn event_type(&self) -> &str {
                match self {
                    $( Self::$Variant(_) => $name, )*
                    Self::Unknown(event) => &event.event_type,
                }
            }

            /// The event's id, if it has one. Unknown events keep theirs in the raw text.
            #[must_use]
            pub fn event_id(&self) -> Option<&str> {
                use $crate::events::EventId as _;
                match self {
                    $( Self::$Variant(event) => event.event_id.id(), )*
                    Self::Unknown(_) => None,
                }
            }

            /// Gives the event an id. Unknown events keep the one they have.
            pub fn set_event_id(&mut self, id: impl Into<String>) {
                use $crate::events::EventId as _;
                match self {
                    $( Self::$Variant(event) => event.event_id.set(id.into()), )*
                    Self::Unknown(_) => {}
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $Enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::events::deserialize(deserializer, Self::from_json)
            }
        }
    };
}
pub(crate) use event_enum;

/// The JSON text of an event. Writing these types cannot fail: keys are strings and there is no I/O.
pub(crate) fn to_json(event: &impl Serialize) -> String {
    serde_json::to_string(event).unwrap_or_default()
}
