//! Finds the `type` of a message without reading the rest of it, and the end of plain strings.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

/// The value of the top-level `type` of a JSON object, if it has one that is a string.
///
/// This is a scan, not a parser: text that is not JSON may give an answer too, and is refused when the
/// event itself is read. It keeps no stack, so nesting costs nothing.
pub(crate) fn peek_type(json: &str) -> Option<Cow<'_, str>> {
    peek(json).map(|peeked| peeked.event_type)
}

/// A message of which only the type is known.
#[derive(Debug)]
pub(crate) struct Peeked<'a> {
    pub(crate) event_type: Cow<'a, str>,
    /// The position behind the type, if it is the first field and has no escapes: a reader can go on there.
    pub(crate) rest: Option<usize>,
}

/// As [`peek_type`], with the place where the type ends.
pub(crate) fn peek(json: &str) -> Option<Peeked<'_>> {
    let mut at = skip_space(json.as_bytes(), 0);
    let bytes = json.as_bytes();
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    let mut is_first = true;
    loop {
        at = skip_space(bytes, at);
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (key, key_end) = string(json, at)?;
        let is_type = key == "type";
        at = skip_space(bytes, key_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(bytes, at + 1);
        if is_type {
            return match bytes.get(at) {
                Some(b'"') => string(json, at).map(|(event_type, end)| Peeked {
                    rest: (is_first && matches!(event_type, Cow::Borrowed(_))).then_some(end),
                    event_type,
                }),
                _ => None,
            };
        }
        at = skip_space(bytes, value_end(bytes, at)?);
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
        is_first = false;
    }
}

/// The text of the string that starts at `at`, borrowed unless it has escapes, and the position behind it.
fn string(json: &str, at: usize) -> Option<(Cow<'_, str>, usize)> {
    let bytes = json.as_bytes();
    let plain = at + 1 + plain_len(&bytes[at + 1..]);
    if bytes.get(plain) == Some(&b'"') {
        return Some((Cow::Borrowed(&json[at + 1..plain]), plain + 1));
    }
    let end = string_end(bytes, at)?;
    // Control characters are none of JSON's: what is borrowed must not have any, as nobody looks at it again.
    let text = serde_json::from_str(&json[at..end]).ok()?;
    Some((Cow::Owned(text), end))
}

#[inline]
pub(crate) fn skip_space(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(byte) if *byte <= b' ' => skip_spaces(bytes, at),
        _ => at,
    }
}

/// Apart, because servers write none.
#[inline(never)]
fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// How many bytes stand before the next quote, backslash or control character: all, if there is none.
#[inline]
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    short_plain_len(bytes).unwrap_or_else(|| long_plain_len(bytes))
}

/// The same, if it is found soon: most strings of a message are short.
///
/// Eight at a time, which is quicker than a call of `memchr`. The highest bit of a byte of `found` is set where one of the
/// three is; what the subtractions carry over sets others, but only above the first.
#[inline]
pub(crate) fn short_plain_len(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    for (index, word) in bytes.as_chunks().0.iter().take(SHORT_WORDS).enumerate() {
        let word = u64::from_le_bytes(*word);
        // A quote is 0x22: with this bit flipped, it and the control characters are all that is below 0x21.
        let low = word ^ (ONES * 0x02);
        let backslash = word ^ (ONES * 0x5c);
        let is_low = low.wrapping_sub(ONES * 0x21) & !low;
        let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
        let found = (is_low | is_backslash) & HIGHEST;
        if found != 0 {
            return Some(8 * index + found.trailing_zeros() as usize / 8);
        }
    }
    None
}

/// A string that has no end within so many words is long.
const SHORT_WORDS: usize = 6;

/// The same for long strings, and for the last few bytes of a text: quotes and backslashes are looked for with vectors, and
/// then there is no control character before the first of them, or it is not plain. Apart, so that short strings do not pay
/// for it.
#[inline(never)]
pub(crate) fn long_plain_len(bytes: &[u8]) -> usize {
    let len = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let plain = &bytes[..len];
    // Without branches it is done for many bytes at once.
    if plain.iter().fold(u8::MAX, |least, byte| least.min(*byte)) >= b' ' {
        return len;
    }
    plain.iter().position(|byte| *byte < b' ').unwrap_or(len)
}

/// The position behind the string that starts at `at`.
pub(crate) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The position behind the value that starts at `at`.
fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string_end(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => Some(at + memchr3(b',', b'}', b']', &bytes[at..])?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_top_level_type_wherever_it_stands() {
        for (json, expected) in [
            (r#"{"type":"error"}"#, Some("error")),
            (
                " {\n\"event_id\" : \"a\\\"}\" ,\t\"type\" : \"session.created\"}",
                Some("session.created"),
            ),
            (
                r#"{"session":{"type":"realtime","x":[{"type":"no"}]},"type":"yes"}"#,
                Some("yes"),
            ),
            (r#"{"n":-1.5e3,"b":true,"z":null,"type":"x"}"#, Some("x")),
            (r#"{"t\u0079pe":"a\u0062"}"#, Some("ab")),
            ("{\"type\":\"\tx\"}", None),
            ("{\"\ttype\":1,\"type\":\"x\"}", None),
            (r#"{"type":7}"#, None),
            (r#"{"kind":"x"}"#, None),
            (r#"{}"#, None),
            (r#"["type","x"]"#, None),
            (r#"{"a":"#, None),
            (r#"{"a":"\"#, None),
            (r#"{"a":[[[}"#, None),
            ("", None),
        ] {
            assert_eq!(peek_type(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn plain_text_ends_where_a_byte_by_byte_search_says() {
        // Every byte at every place of a word, between its neighbours below and above each limit.
        for around in [0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff] {
            for byte in 0..=u8::MAX {
                for at in (0..20).chain([47, 48, 79, 80, 81, 111, 112]) {
                    for len in [8, 9, 15, 16, 20, 79, 80, 112, 130] {
                        let mut bytes = vec![around; len];
                        if let Some(place) = bytes.get_mut(at) {
                            *place = byte;
                        }
                        let slow = bytes.iter().position(|b| matches!(b, 0..0x20 | b'"' | b'\\'));
                        assert_eq!(plain_len(&bytes), slow.unwrap_or(len), "{bytes:?}");
                    }
                }
            }
        }
        assert_eq!(plain_len(b""), 0);
    }

    #[test]
    fn nesting_needs_no_stack() {
        let deep = format!(
            r#"{{"a":{}{},"type":"x"}}"#,
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        assert_eq!(peek_type(&deep).as_deref(), Some("x"));
    }
}
