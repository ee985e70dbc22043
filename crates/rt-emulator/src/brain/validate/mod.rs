//! Checks what a client sends, field by field, as the real server does: the first fault refuses the whole event.

mod bounds;
mod kinds;
mod rules;
#[cfg(test)]
mod tests;

use rt_protocol::limits;
use rt_protocol::session::SessionKind;
use serde_json::{Map, Value};

pub(crate) use self::kinds::Body;
use super::failure::Failure;

/// What a JSON value has to be.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Anything.
    Any,
    /// A string of at most so many characters.
    Text(usize),
    /// `true` or `false`.
    Bool,
    /// A whole number in a range.
    Int(i64, i64),
    /// A number in a range.
    Number(f64, f64),
    /// A whole number in a range, or `"inf"`.
    IntOrInf(i64, i64),
    /// One of a few strings.
    Choice(&'static [&'static str]),
    /// The URL of data.
    DataUrl,
    /// What the value of another field of the object says.
    By(&'static str, &'static [(&'static str, Self)]),
    /// A list.
    List(&'static Self),
    /// An object with exactly these fields.
    Object(&'static [Field]),
    /// An object whose fields depend on its `type`.
    Tagged(&'static [(&'static str, &'static [Field])]),
    /// Few pairs of short strings, as [`check_metadata`] has it.
    Metadata,
    /// The rule, or null.
    Nullable(&'static Self),
    /// The first rule if the value is a string, else the second.
    StringOr(&'static Self, &'static Self),
}

/// A field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its key.
    name: &'static str,
    /// What its value has to be.
    rule: &'static Rule,
    /// Whether it must be there.
    required: bool,
}

/// Checks a client event in a session of a kind; its `type` is returned.
pub(crate) fn check(kind: SessionKind, event: &Map<String, Value>) -> Result<&'static str, Failure> {
    let Some(given) = event.get("type") else {
        return Err(Failure::new("invalid_event", "The 'type' field is missing.").param("type"));
    };
    let Some(given) = given.as_str() else {
        return Err(Failure::wrong_type("type", "a string", given));
    };
    let Some((name, fields)) = kinds::event(kind, given) else {
        let names = kinds::names(kind);
        return Err(Failure::unsupported("type", given, &names));
    };
    check_object("", event, fields)?;
    Ok(name)
}

/// Checks the body of an HTTP request, or what stands at `path` in it.
pub(crate) fn check_body(body: Body, path: &str, value: &Value) -> Result<(), Failure> {
    check_value(path, value, &body.rule())
}

/// Checks one value.
fn check_value(path: &str, value: &Value, rule: &Rule) -> Result<(), Failure> {
    let wrong = |expected: &str| Err(Failure::wrong_type(path, expected, value));
    match rule {
        Rule::Any => Ok(()),
        Rule::Text(max) => match value.as_str() {
            Some(text) => check_length(path, text, *max),
            None => wrong("a string"),
        },
        Rule::Bool if value.is_boolean() => Ok(()),
        Rule::Bool => wrong("a boolean"),
        Rule::Int(min, max) => match value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from))
        {
            Some(number) => check_int(path, number, (*min).into(), (*max).into()),
            None => wrong("an integer"),
        },
        Rule::Number(min, max) => match value.as_f64() {
            Some(number) => check_number(path, number, *min, *max),
            None => wrong("a decimal"),
        },
        Rule::IntOrInf(min, max) => match value {
            Value::String(text) if text == "inf" => Ok(()),
            Value::String(text) => Err(Failure::unsupported(path, text, &["inf"])),
            _ => check_value(path, value, &Rule::Int(*min, *max)),
        },
        Rule::Choice(choices) => match value.as_str() {
            Some(text) if choices.contains(&text) => Ok(()),
            Some(text) => Err(Failure::unsupported(path, text, choices)),
            None => wrong("a string"),
        },
        Rule::DataUrl => match value.as_str() {
            Some(text) if text.starts_with("data:") => Ok(()),
            Some(_) => {
                let message = format!("Invalid '{path}'. Expected a base64-encoded data URL with an image.");
                Err(Failure::new("invalid_value", message).param(path))
            }
            None => wrong("a string"),
        },
        // Its object chose another rule.
        Rule::By(..) => Ok(()),
        Rule::List(rule) => match value.as_array() {
            Some(values) => values
                .iter()
                .enumerate()
                .try_for_each(|(n, value)| check_value(&format!("{path}[{n}]"), value, rule)),
            None => wrong("an array"),
        },
        Rule::Object(fields) => match value.as_object() {
            Some(object) => check_object(path, object, fields),
            None => wrong("an object"),
        },
        Rule::Tagged(kinds) => check_tagged(path, value, kinds),
        Rule::Metadata => check_metadata(path, value),
        Rule::Nullable(rule) => {
            if value.is_null() {
                Ok(())
            } else {
                check_value(path, value, rule)
            }
        }
        Rule::StringOr(text, other) => check_value(path, value, if value.is_string() { text } else { other }),
    }
}

/// Required fields first, then unknown ones, then the values.
fn check_object(path: &str, object: &Map<String, Value>, fields: &[Field]) -> Result<(), Failure> {
    let at = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    if let Some(field) = fields
        .iter()
        .find(|field| field.required && !object.contains_key(field.name))
    {
        return Err(Failure::missing(&at(field.name)));
    }
    for (key, value) in object {
        match fields.iter().find(|field| field.name == key) {
            Some(Field {
                rule: Rule::By(other, rules),
                ..
            }) => {
                let other = object.get(*other).and_then(Value::as_str);
                // A value that does not exist is found where it stands.
                if let Some((_, rule)) = rules.iter().find(|(name, _)| Some(*name) == other) {
                    check_value(&at(key), value, rule)?;
                }
            }
            Some(field) => check_value(&at(key), value, field.rule)?,
            None => return Err(Failure::unknown(&at(&key.chars().take(64).collect::<String>()))),
        }
    }
    Ok(())
}

/// An object whose fields depend on its `type`.
fn check_tagged(path: &str, value: &Value, kinds: &[(&str, &[Field])]) -> Result<(), Failure> {
    let Some(object) = value.as_object() else {
        return Err(Failure::wrong_type(path, "an object", value));
    };
    let tag_path = if path.is_empty() {
        "type".to_owned()
    } else {
        format!("{path}.type")
    };
    let Some(tag) = object.get("type") else {
        return Err(Failure::missing(&tag_path));
    };
    let Some(tag) = tag.as_str() else {
        return Err(Failure::wrong_type(&tag_path, "a string", tag));
    };
    match kinds.iter().find(|(name, _)| *name == tag) {
        Some((_, fields)) => check_object(path, object, fields),
        None => {
            let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
            Err(Failure::unsupported(&tag_path, tag, &names))
        }
    }
}

/// Few pairs of short strings.
fn check_metadata(path: &str, value: &Value) -> Result<(), Failure> {
    let Some(pairs) = value.as_object() else {
        return Err(Failure::wrong_type(path, "an object", value));
    };
    if pairs.len() > limits::METADATA_PAIRS {
        let message = format!(
            "Invalid '{path}': too many properties. Expected at most {}, but got {}.",
            limits::METADATA_PAIRS,
            pairs.len()
        );
        return Err(Failure::new("object_above_max_properties", message).param(path));
    }
    pairs.iter().try_for_each(|(key, value)| {
        check_length(path, key, limits::METADATA_KEY_CHARS)?;
        check_value(
            &format!("{path}.{key}"),
            value,
            &Rule::Text(limits::METADATA_VALUE_CHARS),
        )
    })
}

/// At most so many characters.
fn check_length(path: &str, text: &str, max: usize) -> Result<(), Failure> {
    // No text has more characters than bytes.
    if text.len() <= max || text.chars().count() <= max {
        return Ok(());
    }
    let message = format!("Invalid '{path}': string too long. Expected a string with maximum length {max}.");
    Err(Failure::new("string_above_max_length", message).param(path))
}

/// A whole number in a range.
fn check_int(path: &str, number: i128, min: i128, max: i128) -> Result<(), Failure> {
    let (code, side, bound) = if number < min {
        (
            "integer_below_min_value",
            "below minimum value. Expected a value >=",
            min,
        )
    } else if number > max {
        (
            "integer_above_max_value",
            "above maximum value. Expected a value <=",
            max,
        )
    } else {
        return Ok(());
    };
    let message = format!("Invalid '{path}': integer {side} {bound}, but got {number} instead.");
    Err(Failure::new(code, message).param(path))
}

/// A number in a range.
fn check_number(path: &str, number: f64, min: f64, max: f64) -> Result<(), Failure> {
    let (code, side, bound) = if number < min {
        (
            "decimal_below_min_value",
            "below minimum value. Expected a value >=",
            min,
        )
    } else if number > max {
        (
            "decimal_above_max_value",
            "above maximum value. Expected a value <=",
            max,
        )
    } else {
        return Ok(());
    };
    let message = format!("Invalid '{path}': decimal {side} {bound}, but got {number} instead.");
    Err(Failure::new(code, message).param(path))
}
