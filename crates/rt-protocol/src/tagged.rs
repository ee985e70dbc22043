//! Enums told apart by a `type` field, read in one pass.
//!
//! serde's own tagged enums buffer the whole object first and lose the position of an error. Here only what
//! stands before `type` is buffered (usually an id); the rest goes straight into the variant's struct.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::text::RawObject;

/// An enum whose variant follows from `type`.
pub(crate) trait Tagged<'de>: Sized {
    /// What the error says was expected.
    const EXPECTED: &'static str;

    /// Reads the variant that `tag` names; `None` if `type` is absent or not a string.
    fn variant<A: MapAccess<'de>>(tag: Option<&str>, fields: Fields<A>) -> Result<Self, A::Error>;
}

/// The fields of the object: those that stood before `type`, then the others.
pub(crate) struct Fields<A> {
    tag: Option<Value>,
    before: std::vec::IntoIter<(String, Value)>,
    value: Option<Value>,
    after: A,
}

impl<'de, A: MapAccess<'de>> Fields<A> {
    /// Reads them as a struct.
    pub(crate) fn read<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(self))
    }

    /// Keeps them as they are, `type` included.
    pub(crate) fn raw(mut self) -> Result<RawObject, A::Error> {
        let mut map = Map::new();
        if let Some(tag) = self.tag.take() {
            map.insert("type".to_owned(), tag);
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

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.before.next() {
            Some((key, value)) => {
                self.value = Some(value);
                seed.deserialize(key.into_deserializer()).map(Some)
            }
            None => self.after.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value).map_err(serde::de::Error::custom),
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
            while let Some(key) = map.next_key::<String>()? {
                let value: Value = map.next_value()?;
                if key == "type" {
                    tag = Some(value);
                    break;
                }
                before.push((key, value));
            }
            let name = tag.as_ref().and_then(Value::as_str).map(str::to_owned);
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
