//! Fields that are a string or an object, read in one pass.
//!
//! serde's untagged enums copy the value first, try one form after the other, and lose the position of an error.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a string by `text`, an object by `object`, and refuses everything else.
pub(crate) fn deserialize<'de, D, T, O>(
    deserializer: D,
    expected: &'static str,
    text: impl FnOnce(&str) -> T,
    object: impl FnOnce(O) -> T,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    O: Deserialize<'de>,
{
    struct Either<T, O, S, F> {
        expected: &'static str,
        text: S,
        object: F,
        types: PhantomData<(T, O)>,
    }

    impl<'de, T, O, S, F> Visitor<'de> for Either<T, O, S, F>
    where
        O: Deserialize<'de>,
        S: FnOnce(&str) -> T,
        F: FnOnce(O) -> T,
    {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_str<E>(self, value: &str) -> Result<T, E> {
            Ok((self.text)(value))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            O::deserialize(MapAccessDeserializer::new(map)).map(self.object)
        }
    }

    deserializer.deserialize_any(Either {
        expected,
        text,
        object,
        types: PhantomData,
    })
}
