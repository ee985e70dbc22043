//! [`Field`]: a wire field that may be absent, `null` or have a value.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An optional field of a wire message, with the three states that JSON has.
///
/// The difference matters in both directions. In a `session.update`, an absent `turn_detection` leaves it as it
/// is, `null` switches it off. In a `session.created`, the server writes `null` where the published schema
/// knows only absent fields. `Field` keeps what was received and writes what was meant.
///
/// ```
/// use rt_protocol::Field;
/// let language: Field<String> = "en".into();
/// assert_eq!(language.as_deref(), Some("en"));
/// assert_eq!(Field::<u32>::Null.value(), None);
/// assert!(Field::<u32>::default().is_absent());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "JSON has exactly these three states")]
pub enum Field<T> {
    /// The message does not have the field. Never written.
    #[default]
    Absent,
    /// The field is there and is `null`.
    Null,
    /// The field is there with a value.
    Value(T),
}

impl<T> Field<T> {
    /// The value, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value to change in place, if there is one.
    #[must_use]
    pub const fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value, if there is one; forgets whether a missing one was absent or `null`.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value seen through `Deref`: `Option<&str>` of a `Field<String>`.
    #[must_use]
    pub fn as_deref(&self) -> Option<&T::Target>
    where
        T: std::ops::Deref,
    {
        self.value().map(std::ops::Deref::deref)
    }

    /// The same field by reference.
    #[must_use]
    pub const fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(value),
        }
    }

    /// Changes the value and keeps the other states.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(f(value)),
        }
    }

    /// The value to change in place, made from `Default` where there is none.
    pub fn or_default(&mut self) -> &mut T
    where
        T: Default,
    {
        if !matches!(self, Self::Value(_)) {
            *self = Self::Value(T::default());
        }
        match self {
            Self::Value(value) => value,
            // Set one line above.
            Self::Absent | Self::Null => unreachable!("a value was just put here"),
        }
    }

    /// Whether the message does not have the field.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the field is there and is `null`.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// This field, or `other` where this one is absent: how a partial update is applied.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.is_absent() { other } else { self }
    }

    /// `Some` becomes a value, `None` becomes `null`.
    #[must_use]
    pub fn or_null(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

impl From<&str> for Field<String> {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => serializer.serialize_some(value),
            Self::Absent | Self::Null => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::or_null)
    }
}

/// For `#[serde(deserialize_with)]` on fields the protocol demands: `null` reads as the default.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// For `#[serde(deserialize_with)]` on codes of errors, which some gateways write as numbers.
pub(crate) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Field<String>, D::Error> {
    struct Code(String);

    impl<'de> Deserialize<'de> for Code {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Either;

            impl Visitor<'_> for Either {
                type Value = Code;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a code, as text or a number")
                }

                fn visit_str<E>(self, code: &str) -> Result<Code, E> {
                    Ok(Code(code.to_owned()))
                }

                fn visit_u64<E>(self, code: u64) -> Result<Code, E> {
                    Ok(Code(code.to_string()))
                }

                fn visit_i64<E>(self, code: i64) -> Result<Code, E> {
                    Ok(Code(code.to_string()))
                }
            }

            deserializer.deserialize_any(Either)
        }
    }

    Field::<Code>::deserialize(deserializer).map(|code| code.map(|code| code.0))
}

/// For `#[serde(deserialize_with)]` on lists that the protocol demands: `null` reads as empty, and there is nothing
/// where an element is `null`.
pub(crate) fn items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    list(deserializer).map(|list| list.into_value().unwrap_or_default())
}

/// For `#[serde(deserialize_with)]` on lists: there is nothing where an element is `null`.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Field<Vec<T>>, D::Error> {
    struct Present<T>(Vec<T>);

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Present<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct List<T>(PhantomData<T>);

            impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
                type Value = Present<T>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a list")
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Present<T>, A::Error> {
                    let mut list = Vec::new();
                    while let Some(element) = seq.next_element::<Option<T>>()? {
                        list.extend(element);
                    }
                    Ok(Present(list))
                }
            }

            deserializer.deserialize_seq(List(PhantomData))
        }
    }

    Field::<Present<T>>::deserialize(deserializer).map(|list| list.map(|list| list.0))
}

/// For `#[serde(deserialize_with)]` on maps: a value that is `null` reads as the default.
pub(crate) fn map<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<Field<BTreeMap<String, T>>, D::Error> {
    let map = Field::<BTreeMap<String, Option<T>>>::deserialize(deserializer)?;
    Ok(map.map(|map| {
        map.into_iter()
            .map(|(key, value)| (key, value.unwrap_or_default()))
            .collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, Default, Debug, PartialEq)]
    struct Sample {
        #[serde(default, skip_serializing_if = "Field::is_absent")]
        n: Field<u32>,
    }

    #[test]
    fn three_states_survive_a_round_trip() {
        for (json, field) in [
            ("{}", Field::Absent),
            (r#"{"n":null}"#, Field::Null),
            (r#"{"n":7}"#, Field::Value(7)),
        ] {
            let sample: Sample = serde_json::from_str(json).unwrap();
            assert_eq!(sample.n, field, "{json}");
            assert_eq!(serde_json::to_string(&sample).unwrap(), json);
        }
    }

    #[test]
    fn null_in_a_map_reads_as_the_default() {
        let read = |json| map::<_, String>(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!(read("null"), Field::Null);
        let expected = [("a".to_owned(), String::new()), ("b".to_owned(), "c".to_owned())];
        assert_eq!(read(r#"{"a":null,"b":"c"}"#), Field::Value(expected.into()));
    }

    #[test]
    fn null_in_a_list_is_nothing() {
        let read = |json| list::<_, String>(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!(read("null"), Field::Null);
        assert_eq!(read(r#"[null,"a",null]"#), Field::Value(vec!["a".to_owned()]));
        let read = |json| items::<_, u32>(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert!(read("null").is_empty());
        assert_eq!(read("[null,7]"), [7]);
    }

    #[test]
    fn codes_are_text_or_numbers() {
        let read = |json| code(&mut serde_json::Deserializer::from_str(json)).ok();
        assert_eq!(read("null"), Some(Field::Null));
        assert_eq!(read(r#""invalid_api_key""#), Some("invalid_api_key".into()));
        assert_eq!(read("429"), Some("429".into()));
        assert_eq!(read("-1"), Some("-1".into()));
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn a_partial_update_keeps_what_it_does_not_name() {
        assert_eq!(Field::Absent.or(Field::Value(1)), Field::Value(1));
        assert_eq!(Field::Null.or(Field::Value(1)), Field::Null);
        assert_eq!(Field::Value(2).or(Field::Value(1)), Field::Value(2));
        let mut field = Field::<u32>::Null;
        *field.or_default() += 5;
        assert_eq!(field, Field::Value(5));
    }
}
