//! What servers and clients to come may do to a message without making it unreadable: the generated messages, with fields
//! removed, `null`, unknown or of unknown value at every place, and written in every other way that JSON allows.

use std::collections::BTreeMap;

use rt_protocol::dialect::{Codec, Dialect};
use rt_protocol::{ClientEvent, DecodeError, ServerEvent};
use serde_json::{Value, json};

use crate::capture::read;
use crate::captures::fixtures;

/// Messages of each type that are tried; they differ in which fields they have.
const EACH: usize = 6;

struct Sample {
    is_server: bool,
    is_beta: bool,
    message: Value,
}

/// What a message is read as, in a form that can be compared.
fn decode(sample: &Sample, text: &str) -> Result<Vec<String>, DecodeError> {
    let mut codec = Codec::new(if sample.is_beta {
        Dialect::Beta
    } else {
        Dialect::Ga
    });
    Ok(if sample.is_server {
        let events = codec.decode_server(text)?;
        events.into_iter().map(|event| event.to_json()).collect()
    } else {
        vec![codec.decode_client(text)?.to_json()]
    })
}

fn samples() -> Vec<Sample> {
    let mut counts = BTreeMap::<(bool, bool, String), usize>::new();
    let mut samples = Vec::new();
    for file in ["protocol/instances.jsonl.gz", "protocol/instances_beta.jsonl.gz"] {
        for line in read(&fixtures(file)).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let is_server = line["direction"] == "server";
            let is_beta = line["dialect"] == "beta";
            let message = line["message"].clone();
            let Some(name) = message["type"].as_str() else {
                continue;
            };
            if !is_server && line["direction"] != "client" {
                continue;
            }
            let count = counts.entry((is_server, is_beta, name.to_owned())).or_default();
            *count += 1;
            if *count <= EACH {
                samples.push(Sample {
                    is_server,
                    is_beta,
                    message,
                });
            }
        }
    }
    assert!(counts.len() > 90, "{}", counts.len());
    samples
}

/// The JSON pointers of all fields of all objects but the event's `type`.
fn fields(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                fields(value, &pointer, out);
                if pointer != "/type" {
                    out.push(pointer);
                }
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                fields(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

/// The JSON pointers of all lists.
fn lists_of(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                lists_of(
                    value,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    out,
                );
            }
        }
        Value::Array(list) => {
            out.push(at.to_owned());
            for (index, value) in list.iter().enumerate() {
                lists_of(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

/// Writes every integer with a fraction of nothing.
fn with_fractions(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.as_f64().unwrap()),
        Value::Array(list) => list.iter_mut().for_each(with_fractions),
        Value::Object(object) => object.values_mut().for_each(with_fractions),
        _ => {}
    }
}

/// Whether the text of this field is base64, so that not every text will do.
fn is_audio(message: &Value, pointer: &str) -> bool {
    let event_type = message["type"].as_str().unwrap_or_default();
    pointer.ends_with("/audio") || (pointer == "/delta" && event_type.contains("audio.delta"))
}

#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn check(&mut self, sample: &Sample, message: &Value, what: &str) {
        if let Err(error) = decode(sample, &message.to_string()) {
            self.0.push(format!("{what}: {error}\n{message}"));
        }
    }
}

#[test]
fn fields_may_be_missing_null_unknown_or_of_unknown_value() {
    let mut failures = Failures::default();
    for sample in samples() {
        let mut pointers = Vec::new();
        fields(&sample.message, "", &mut pointers);
        for pointer in pointers {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let name = name.replace("~1", "/").replace("~0", "~");

            let mut changed = sample.message.clone();
            *changed.pointer_mut(&pointer).unwrap() = Value::Null;
            failures.check(&sample, &changed, &format!("{pointer} is null"));

            let mut changed = sample.message.clone();
            let object = changed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            object.remove(&name);
            failures.check(&sample, &changed, &format!("{pointer} is missing"));

            let mut changed = sample.message.clone();
            // In these the names are the user's, and all values are strings.
            let is_map = parent.ends_with("/metadata") || parent.ends_with("/headers");
            let object = changed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            let future = json!({"a": [1.5, null, {"type": "?"}], "b": "\u{1F600}"});
            object.insert("x_future".to_owned(), if is_map { json!("a") } else { future });
            failures.check(&sample, &changed, &format!("{parent} has an unknown field"));

            if sample.message.pointer(&pointer).unwrap().is_string() && !is_audio(&sample.message, &pointer) {
                let mut changed = sample.message.clone();
                *changed.pointer_mut(&pointer).unwrap() = json!("x_future\n\"\u{1F600}");
                failures.check(&sample, &changed, &format!("{pointer} has an unknown value"));
            }
        }
        let mut lists = Vec::new();
        lists_of(&sample.message, "", &mut lists);
        for pointer in lists {
            let mut changed = sample.message.clone();
            let list = changed.pointer_mut(&pointer).unwrap().as_array_mut().unwrap();
            list.insert(0, Value::Null);
            failures.check(&sample, &changed, &format!("{pointer} has null in it"));
        }
        let mut changed = sample.message.clone();
        with_fractions(&mut changed);
        failures.check(&sample, &changed, "integers are written as 1.0");
    }
    assert!(
        failures.0.is_empty(),
        "{}: {}",
        failures.0.len(),
        failures.0.join("\n")
    );
}

#[test]
fn the_same_message_in_another_form_is_the_same_event() {
    for sample in samples() {
        let plain = sample.message.to_string();
        let expected = decode(&sample, &plain).unwrap_or_else(|error| panic!("{error}\n{plain}"));
        let forms = [
            serde_json::to_string_pretty(&sample.message).unwrap(),
            format!("\r\n\t {plain} \r\n"),
            with_type(&sample.message, true),
            with_type(&sample.message, false),
            escaped(&plain),
            format!(
                "{},\"x\":1,\"x\":[2],\"x\":{{}}}}",
                plain.strip_suffix('}').unwrap()
            ),
            format!(
                "{},\"x\":\"{}\"}}",
                plain.strip_suffix('}').unwrap(),
                "long ".repeat(20_000)
            ),
            format!(
                "{},\"x\":[-0, -0.0, 1e300, 123456789012345678901234567890, 1E-7]}}",
                plain.strip_suffix('}').unwrap()
            ),
        ];
        for form in forms {
            match decode(&sample, &form) {
                Ok(events) => assert_eq!(events, expected, "{form}"),
                Err(error) => panic!("{error}\n{form}"),
            }
        }
    }
}

/// The message with its type in front of, or behind, all other fields.
fn with_type(message: &Value, first: bool) -> String {
    let mut object = message.as_object().unwrap().clone();
    let event_type = object.remove("type").unwrap();
    let rest = Value::Object(object).to_string();
    let rest = &rest[1..rest.len() - 1];
    let comma = if rest.is_empty() { "" } else { "," };
    if first {
        format!("{{\"type\":{event_type}{comma}{rest}}}")
    } else {
        format!("{{{rest}{comma}\"type\":{event_type}}}")
    }
}

/// The same text with every letter in a string as an escape, names of fields included.
fn escaped(json: &str) -> String {
    let mut out = String::new();
    let mut is_inside = false;
    let mut chars = json.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                is_inside = !is_inside;
                out.push('"');
            }
            '\\' => {
                out.push('\\');
                let escape = chars.next();
                out.extend(escape);
                if escape == Some('u') {
                    out.extend(chars.by_ref().take(4));
                }
            }
            char if is_inside && !char.is_ascii_digit() => {
                let mut units = [0; 2];
                for unit in char.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            char => out.push(char),
        }
    }
    out
}

#[test]
fn another_type_is_an_unknown_event_and_keeps_its_text() {
    for sample in samples().into_iter().filter(|sample| !sample.is_beta) {
        let mut message = sample.message.clone();
        message["type"] = json!("x_future.event");
        let text = message.to_string();
        let raw = if sample.is_server {
            match ServerEvent::from_json(&text).unwrap() {
                ServerEvent::Unknown(event) => event.raw,
                other => panic!("{other:?}"),
            }
        } else {
            match ClientEvent::from_json(&text).unwrap() {
                ClientEvent::Unknown(event) => event.raw,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(raw, text);
    }
}
