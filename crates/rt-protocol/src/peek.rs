//! Finds the `type` of a message without reading the rest of it.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

/// The value of the top-level `type` of a JSON object, if it has one that is a string.
///
/// This is a scan, not a parser: text that is not JSON may give an answer too, and is refused when the
/// event itself is read. It keeps no stack, so nesting costs nothing.
pub(crate) fn peek_type(json: &str) -> Option<Cow<'_, str>> {
    let mut at = skip_space(json.as_bytes(), 0);
    let bytes = json.as_bytes();
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    loop {
        at = skip_space(bytes, at);
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(bytes, at)?;
        let is_type = key_text(&json[at..key_end])? == "type";
        at = skip_space(bytes, key_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(bytes, at + 1);
        if is_type {
            return match bytes.get(at) {
                Some(b'"') => key_text(&json[at..string_end(bytes, at)?]),
                _ => None,
            };
        }
        at = skip_space(bytes, value_end(bytes, at)?);
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
    }
}

/// The text of a string with its quotes; borrowed unless it has escapes.
fn key_text(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = &quoted[1..quoted.len() - 1];
    if memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(quoted).ok().map(Cow::Owned)
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The position behind the string that starts at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
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
    fn nesting_needs_no_stack() {
        let deep = format!(
            r#"{{"a":{}{},"type":"x"}}"#,
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        assert_eq!(peek_type(&deep).as_deref(), Some("x"));
    }
}
