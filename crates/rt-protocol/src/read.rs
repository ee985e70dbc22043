//! Reading the body of a message whose type is known: quickly, then carefully, then leniently.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::DecodeError;
use crate::plain;

/// Reads `json` as a `T`; the error names `name`, a message's type or what a body is for.
pub(crate) fn body<T: DeserializeOwned>(name: &str, json: &str) -> Result<T, DecodeError> {
    plain::from_str_or_error(json)
        .or_else(|error| lenient(json, &error).ok_or_else(|| DecodeError::of(name, &error, json)))
}

/// A longer message is read as it is or not at all: the tree of one takes many times its memory.
const MAX_LEN: usize = 256 << 10;

/// Reads what is odd but has one meaning: an integer written as `1200.0`, which JSON Schema calls an integer too, and
/// half of a surrogate pair, of which a gateway that cuts text by UTF-16 makes two messages.
#[cold]
fn lenient<T: DeserializeOwned>(json: &str, error: &serde_json::Error) -> Option<T> {
    if json.len() > MAX_LEN {
        return None;
    }
    let whole = if error.is_data() {
        Cow::Borrowed(json)
    } else {
        let mended = without_lone_surrogates(json)?;
        if let Ok(body) = serde_json::from_str(&mended) {
            return Some(body);
        }
        Cow::Owned(mended)
    };
    let mut value: Value = serde_json::from_str(&whole).ok()?;
    let mut found = false;
    with_integers(&mut value, &mut found);
    found.then(|| serde_json::from_value(value).ok())?
}

/// Writes every whole number without a fraction.
fn with_integers(value: &mut Value, found: &mut bool) {
    // From here on a float does not tell one integer from the next.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or(f64::NAN);
            if float.fract() == 0.0 && float.abs() < EXACT {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "it is a whole number of less than 2^53"
                )]
                let whole = float as i64;
                *number = whole.into();
                *found = true;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| with_integers(value, found)),
        Value::Object(map) => map.values_mut().for_each(|value| with_integers(value, found)),
        _ => {}
    }
}

/// Puts the replacement character in place of each half pair; `None` if there is none.
fn without_lone_surrogates(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let mut found = false;
    // A backslash stands in strings only, and always with the character behind it.
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                found = true;
                continue;
            }
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out.push_str(rest);
    found.then_some(out)
}

enum Half {
    High,
    Low,
}

/// The half of a pair that the text begins with, as an escape.
fn surrogate(text: &str) -> Option<Half> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_pairs_become_the_replacement_character() {
        for (json, text) in [
            (r#"["\ud83d"]"#, "\u{fffd}"),
            (r#"["a\ude00b"]"#, "a\u{fffd}b"),
            (r#"["\ud83d\ud83d\ude00"]"#, "\u{fffd}\u{1f600}"),
            (r#"["\\\ud83d\\ud83d"]"#, "\\\u{fffd}\\ud83d"),
            (r#"["\ud83d\n\u00e9"]"#, "\u{fffd}\n\u{e9}"),
        ] {
            assert_eq!(body::<[String; 1]>("x", json).unwrap(), [text], "{json}");
        }
        assert_eq!(
            without_lone_surrogates(r#"["\ud83d\ude00 \\ud83d \u00e9"]"#),
            None
        );
        assert_eq!(without_lone_surrogates(r#"["\"#), None);
    }

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        assert_eq!(
            body::<[u32; 3]>("x", "[1200.0, 12e2, 7]").unwrap(),
            [1200, 1200, 7]
        );
        assert_eq!(
            body::<(u32, Value)>("x", r#"[3.0, {"a": 1.5}]"#).unwrap(),
            (3, json!({"a": 1.5}))
        );
        body::<[u32; 1]>("x", "[1.5]").unwrap_err();
        body::<[u32; 1]>("x", "[-1.0]").unwrap_err();
        body::<[u64; 1]>("x", "[1e300]").unwrap_err();
    }

    #[test]
    fn long_messages_are_not_made_trees_of() {
        let list = |len: usize| format!("[1.0{}]", ",0".repeat(len));
        assert!(body::<Vec<u32>>("x", &list(1000)).is_ok());
        assert!(body::<Vec<u32>>("x", &list(MAX_LEN)).is_err());
    }

    #[test]
    fn the_error_is_that_of_the_message_as_it_came() {
        let error = body::<[u32; 2]>("x", "[1.0,\n \"a\"]").unwrap_err();
        assert_eq!((error.line(), error.raw()), (1, "[1.0,\n \"a\"]"));
    }
}
