use super::*;

/// The same with and without the start that a look at the type gives.
fn delta_event(event_type: &str, json: &str) -> Option<ServerEvent> {
    let event = super::delta_event(event_type, None, json);
    if let Some(peeked) = crate::peek::peek(json).filter(|peeked| peeked.event_type == event_type) {
        assert_eq!(event, super::delta_event(event_type, peeked.rest, json), "{json}");
    }
    event
}

const TYPES: [&str; 5] = [
    "response.output_audio.delta",
    "response.output_text.delta",
    "response.output_audio_transcript.delta",
    "response.function_call_arguments.delta",
    "conversation.item.input_audio_transcription.delta",
];

#[test]
fn plain_events_take_the_fast_path_and_equal_serdes() {
    for event_type in TYPES {
        let json = format!(
            r#" {{"type":"{event_type}","event_id":"e","response_id":"r","item_id":"i", "output_index":0,
             "content_index" : 12,"call_id":"c","delta":"AQID","obfuscation":"xyz","future":"é","n":7}} "#
        );
        let fast = delta_event(event_type, &json);
        assert!(fast.is_some(), "{event_type}");
        assert_eq!(fast, slow(event_type, &json), "{event_type}");
        let empty = format!(r#"{{"type":"{event_type}"}}"#);
        assert_eq!(
            delta_event(event_type, &empty),
            slow(event_type, &empty),
            "{event_type}"
        );
    }
}

#[test]
fn everything_else_is_left_to_serde() {
    for body in [
        r#""delta":"a\n""#,
        r#""delta":"a\"b""#,
        r#""delta":null"#,
        r#""delta":7"#,
        r#""delta":"AQID","delta":"AQID""#,
        "\"delta\":\"a\tb\"",
        r#""output_index":-1"#,
        r#""output_index":1.0"#,
        r#""output_index":1e2"#,
        r#""output_index":01"#,
        r#""output_index":4294967295"#,
        r#""output_index":"1""#,
        r#""event_id":"\u0041""#,
        r#""nested":{"a":1}"#,
        r#""list":[]"#,
        r#""flag":true"#,
        r#""event_id":"unfinished"#,
        "\"event_id\" \"x\"",
        "\"bad\u{1}\":\"x\"",
    ] {
        for event_type in TYPES {
            let json = format!(r#"{{"type":"{event_type}",{body}}}"#);
            assert_eq!(delta_event(event_type, &json), None, "{json}");
        }
    }
    let json = r#"{"type":"response.output_text.delta"} x"#;
    assert_eq!(delta_event("response.output_text.delta", json), None);
}

#[test]
fn long_audio_is_found_from_the_end_or_left_to_serde() {
    let event_type = "response.output_audio.delta";
    let base64 = "AQID".repeat(500);
    for len in [0, 1, 100, TAIL - 19, TAIL - 18, TAIL, 3 * TAIL] {
        let tail = "x".repeat(len);
        let json = format!(r#"{{"type":"{event_type}","delta":"{base64}","obfuscation":"{tail}"}}"#);
        let fast = delta_event(event_type, &json);
        // With the quotes, the comma, the name and the brace around it, 19 more.
        assert_eq!(fast.is_some(), len + 19 <= TAIL, "{len}");
        assert!(fast.is_none() || fast == slow(event_type, &json), "{len}");
        for at in (0..json.len()).step_by(7) {
            for byte in *b"\"\\, =\x01" {
                let mut bytes = json.clone().into_bytes();
                bytes[at] = byte;
                let damaged = String::from_utf8(bytes).unwrap();
                if let Some(fast) = delta_event(event_type, &damaged) {
                    assert_eq!(Some(fast), slow(event_type, &damaged), "{damaged}");
                }
            }
        }
    }
    // A delta that ends early, with other strings in front of the tail.
    let json = format!(r#"{{"type":"{event_type}","delta":"AQID","event_id":"{base64}","item_id":"i"}}"#);
    assert_eq!(delta_event(event_type, &json), None);
    let json = format!(r#"{{"type":"{event_type}","event_id":"{base64}","delta":"AQID"}}"#);
    assert_eq!(delta_event(event_type, &json), slow(event_type, &json));
    assert!(delta_event(event_type, &json).is_some());
}

#[test]
fn damaged_events_never_differ_from_serde() {
    // Every single-byte change of a few bytes' choice, at every place, of every type.
    for event_type in TYPES {
        let json = format!(
            r#"{{"type":"{event_type}","event_id":"e","item_id":"i","content_index":10,"delta":"AQIDBA==","obfuscation":"x"}}"#
        );
        for at in 0..json.len() {
            for byte in *b"\"\\{}[],:09-.e= \x01A/" {
                let mut bytes = json.clone().into_bytes();
                bytes[at] = byte;
                let Ok(damaged) = String::from_utf8(bytes) else {
                    continue;
                };
                if let Some(fast) = delta_event(event_type, &damaged) {
                    assert_eq!(Some(fast), slow(event_type, &damaged), "{damaged}");
                }
            }
        }
    }
}
