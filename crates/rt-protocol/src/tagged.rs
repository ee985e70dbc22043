//! Enums told apart by a `type` field, read in one pass.
//!
//! serde's own tagged enums buffer the whole object first and lose the position of an error. Here only what
//! stands before `type` is buffered (usually an id); the rest goes straight into the variant's struct.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::text::RawObject;

/// An enum whose variant follows from `type`.
pub(crate) trait Tagged<'de>: Sized {
    /// What the error says was expected.
    const EXPECTED: &'static str;

    /// Reads the variant that `tag` names; `None` if `type` is absent or not a string.
    fn variant<A: MapAccess<'de>>(tag: Option<&str>, fields: Fields<'de, A>) -> Result<Self, A::Error>;
}

/// The fields of the object: those that stood before `type`, then the others.
pub(crate) struct Fields<'de, A> {
    tag: Option<Tag<'de>>,
    before: std::vec::IntoIter<(Name<'de>, Value)>,
    value: Option<Value>,
    after: A,
}

impl<'de, A: MapAccess<'de>> Fields<'de, A> {
    /// Reads them as a struct.
    pub(crate) fn read<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(self))
    }

    /// Keeps them as they are, `type` included.
    pub(crate) fn raw(mut self) -> Result<RawObject, A::Error> {
        let mut map = Map::new();
        if let Some(tag) = self.tag.take() {
            map.insert("type".to_owned(), tag.into());
        }
        while let Some((key, value)) = self.next_entry()? {
            // The first `type` has decided what this is; a second one must not make it something else.
            if key != "type" {
                map.insert(key, value);
            }
        }
        Ok(RawObject(map))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.before.next() {
            Some((key, value)) => {
                self.value = Some(value);
                seed.deserialize(key.0.into_deserializer()).map(Some)
            }
            None => self.after.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(Error::custom),
            None => self.after.next_value_seed(seed),
        }
    }
}

/// The body of `Deserialize` for a [`Tagged`] enum.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Tagged<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Tagged<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let mut before = Vec::new();
            let mut tag = None;
            while let Some(key) = map.next_key::<Name<'de>>()? {
                if key.0 == "type" {
                    tag = Some(map.next_value()?);
                    break;
                }
                before.push((key, map.next_value()?));
            }
            let name = match &tag {
                Some(Tag::Name(name)) => Some(name.0.clone()),
                _ => None,
            };
            let fields = Fields {
                tag,
                before: before.into_iter(),
                value: None,
                after: map,
            };
            T::variant(name.as_deref(), fields)
        }
    }
    deserializer.deserialize_map(Object(PhantomData))
}

/// A string, borrowed from the message where it has no escapes.
struct Name<'de>(Cow<'de, str>);

/// The value of `type`, which may be anything.
enum Tag<'de> {
    Name(Name<'de>),
    Other(Value),
}

impl From<Tag<'_>> for Value {
    fn from(tag: Tag<'_>) -> Self {
        match tag {
            Tag::Name(name) => name.0.into(),
            Tag::Other(value) => value,
        }
    }
}

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(TagVisitor)? {
            Tag::Name(name) => Ok(name),
            Tag::Other(_) => Err(Error::custom("a name is a string")),
        }
    }
}

impl<'de> Deserialize<'de> for Tag<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TagVisitor)
    }
}

struct TagVisitor;

impl<'de> Visitor<'de> for TagVisitor {
    type Value = Tag<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Tag<'de>, E> {
        Ok(Tag::Name(Name(Cow::Borrowed(name))))
    }

    fn visit_str<E>(self, name: &str) -> Result<Tag<'de>, E> {
        Ok(Tag::Name(Name(Cow::Owned(name.to_owned()))))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tag<'de>, E> {
        Ok(Tag::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Tag<'de>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(Tag::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Tag<'de>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Tag::Other)
    }
}
