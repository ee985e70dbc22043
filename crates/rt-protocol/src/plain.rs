//! Reads JSON whose form is plain, for a fraction of the time of a parser that has to explain what is wrong.
//!
//! A [`Deserializer`] over the text of a message, which keeps no line, no column and no reason: **whatever is not plain is
//! refused**, and the caller reads the same text with serde_json, which either takes it or says what is wrong and where. So
//! this never reports an error, and must never take what serde_json refuses or read it otherwise; a fuzz target holds the
//! two against each other. Not plain are numbers of more than 17 digits, `-0`, nesting of more than 64 levels, and all that
//! is not JSON.

mod number;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use self::number::{digits, digits_end, short_decimal};
use crate::peek::{long_plain_len, short_plain_len, skip_space, string_end};

/// Reads the whole of `json`; `None` if it is not plain or does not fit the type.
pub(crate) fn from_str<'de, T: Deserialize<'de>>(json: &'de str) -> Option<T> {
    let mut reader = Reader {
        json,
        at: skip_space(json.as_bytes(), 0),
        depth: 0,
    };
    let value = T::deserialize(&mut reader).ok()?;
    (skip_space(json.as_bytes(), reader.at) == json.len()).then_some(value)
}

/// [`from_str`], and serde_json for what is not plain.
pub(crate) fn from_str_or_error<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, serde_json::Error> {
    from_str(json).map_or_else(|| serde_json::from_str(json), Ok)
}

/// Of another form, or of another type than was asked for: whoever asked looks for the reason elsewhere.
#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain")
    }
}

impl std::error::Error for Refused {}

impl Error for Refused {
    /// The message is not even formatted: nobody reads it.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Result<T, E = Refused> = std::result::Result<T, E>;

const MAX_DEPTH: u8 = 64;

/// Stands at the first byte of a value when it is asked for one, and behind it afterwards.
struct Reader<'de> {
    json: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    fn byte(&self) -> Result<u8> {
        self.json.as_bytes().get(self.at).copied().ok_or(Refused)
    }

    fn skip_space(&mut self) {
        self.at = skip_space(self.json.as_bytes(), self.at);
    }

    fn literal(&mut self, text: &str) -> Result<()> {
        if !self.json.as_bytes()[self.at..].starts_with(text.as_bytes()) {
            return Err(Refused);
        }
        self.at += text.len();
        Ok(())
    }

    /// The byte behind white space.
    #[inline]
    fn next_byte(&mut self) -> Result<u8> {
        let byte = self.byte()?;
        if byte > b' ' {
            return Ok(byte);
        }
        self.skip_space();
        self.byte()
    }

    /// The text of the string here, if it has no escapes.
    fn plain_string(&mut self) -> Option<&'de str> {
        let (quote, rest) = self.json.as_bytes().get(self.at..)?.split_first()?;
        if *quote != b'"' {
            return None;
        }
        match short_plain_len(rest) {
            Some(len) => self.take_string(len),
            None => self.long_string(),
        }
    }

    /// Apart, so that short ones do not pay for the call.
    #[inline(never)]
    fn long_string(&mut self) -> Option<&'de str> {
        let len = long_plain_len(self.json.as_bytes().get(self.at + 1..)?);
        self.take_string(len)
    }

    /// The text of the string here, if it ends behind so many bytes.
    #[inline]
    fn take_string(&mut self, len: usize) -> Option<&'de str> {
        let (json, start) = (self.json, self.at + 1);
        let end = start + len;
        if json.as_bytes().get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        json.get(start..end)
    }

    fn string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.plain_string() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_string(self.escaped_string()?),
        }
    }

    #[cold]
    fn escaped_string(&mut self) -> Result<String> {
        if self.byte()? != b'"' {
            return Err(Refused);
        }
        let start = self.at;
        self.at = string_end(self.json.as_bytes(), start).ok_or(Refused)?;
        let quoted = self.json.get(start..self.at).ok_or(Refused)?;
        serde_json::from_str(quoted).map_err(|_| Refused)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let bytes = self.json.as_bytes();
        let start = self.at;
        let is_negative = bytes[start] == b'-';
        let (whole, integer_end) = digits(bytes, start + usize::from(is_negative))?;
        let mut end = integer_end;
        if bytes.get(end) == Some(&b'.') {
            end = digits_end(bytes, end + 1)?;
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
            end = digits_end(bytes, end + 1 + usize::from(signed))?;
        }
        self.at = end;
        if end > integer_end {
            // Rounded correctly, as serde_json does with `float_roundtrip`.
            let number = match short_decimal(whole, bytes.get(integer_end..end).unwrap_or_default()) {
                Some(number) if is_negative => -number,
                Some(number) => number,
                None => self.json[start..end].parse().map_err(|_| Refused)?,
            };
            return if number.is_finite() {
                visitor.visit_f64(number)
            } else {
                Err(Refused)
            };
        }
        if !is_negative {
            return visitor.visit_u64(whole);
        }
        match i64::try_from(whole) {
            Ok(whole) if whole > 0 => visitor.visit_i64(-whole),
            _ => Err(Refused),
        }
    }

    /// Reads an object or an array, one level deeper.
    fn nested<T>(&mut self, close: u8, read: impl FnOnce(&mut Nested<'_, 'de>) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return Err(Refused);
        }
        self.depth += 1;
        self.at += 1;
        let mut nested = Nested {
            reader: self,
            close,
            state: State::First,
        };
        let value = read(&mut nested)?;
        if nested.has_next()? {
            return Err(Refused);
        }
        self.depth -= 1;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            b'"' => self.string(visitor),
            b'{' => self.nested(b'}', |nested| visitor.visit_map(nested)),
            b'[' => self.nested(b']', |nested| visitor.visit_seq(nested)),
            b't' => self.literal("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.literal("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.literal("null").and_then(|()| visitor.visit_unit()),
            b'-' | b'0'..=b'9' => self.number(visitor),
            _ => Err(Refused),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.byte()? == b'n' {
            self.literal("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            b'{' => self.nested(b'}', |nested| visitor.visit_map(nested)),
            _ => Err(Refused),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    /// The crate has none of serde's own.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value> {
        Err(Refused)
    }

    /// Bytes are written in more than one way.
    fn deserialize_bytes<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(Refused)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(Refused)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char unit unit_struct seq tuple tuple_struct ignored_any
    }
}

/// What is inside an object or an array.
struct Nested<'a, 'de> {
    reader: &'a mut Reader<'de>,
    close: u8,
    state: State,
}

enum State {
    First,
    Later,
    Over,
}

impl Nested<'_, '_> {
    /// Goes to the next entry, or behind the end.
    fn has_next(&mut self) -> Result<bool> {
        if matches!(self.state, State::Over) {
            return Ok(false);
        }
        let byte = self.reader.next_byte()?;
        if byte == self.close {
            self.reader.at += 1;
            self.state = State::Over;
            return Ok(false);
        }
        if matches!(self.state, State::First) {
            self.state = State::Later;
        } else if byte == b',' {
            self.reader.at += 1;
            self.reader.skip_space();
        } else {
            return Err(Refused);
        }
        Ok(true)
    }
}

impl<'de> MapAccess<'de> for &mut Nested<'_, 'de> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if !self.has_next()? {
            return Ok(None);
        }
        let key = seed.deserialize(Key(self.reader))?;
        if self.reader.next_byte()? != b':' {
            return Err(Refused);
        }
        self.reader.at += 1;
        self.reader.skip_space();
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut Nested<'_, 'de> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if !self.has_next()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

/// The name of a field, which is a string whatever is asked for.
struct Key<'a, 'de>(&'a mut Reader<'de>);

impl<'de> Deserializer<'de> for Key<'_, 'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.0.deserialize_str(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Fails if the two readers differ: the plain one may refuse, but not take or read anything otherwise.
#[cfg(any(test, fuzzing))]
pub(crate) fn compare<'de, T: Deserialize<'de> + PartialEq + fmt::Debug>(json: &'de str) {
    if let Some(plain) = from_str::<T>(json) {
        let full = serde_json::from_str::<T>(json);
        assert!(full.is_ok_and(|full| full == plain), "{json}");
    }
}

#[cfg(test)]
mod tests;
