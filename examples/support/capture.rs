//! Reads captured messages and tells what a decode and a rewrite would lose of them.

pub mod beta;

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;

use rt_protocol::{ClientEvent, DecodeError, ServerEvent};
use serde_json::Value;
use serde_json::value::RawValue;

/// How one captured message fared.
pub enum Outcome {
    /// Decoded; the paths that differ when it is written again.
    Decoded(Vec<Loss>),
    /// A type that the protocol crate does not know.
    Unknown,
    /// It could not be decoded.
    Malformed(DecodeError),
    /// A line that is not for this check: another dialect, or a body of an HTTP call.
    Skipped,
}

/// A place of a message that is not the same after decoding and writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Where, as `session.audio.input.format`; list indices are `[]`.
    pub path: String,
    /// `lost`, `changed`, `added`, or `defaulted`: it was absent or `null`, which the protocol forbids there, and is
    /// written as what the types take for that: nothing was lost.
    pub how: &'static str,
}

/// One line of a capture: its type as the capture names it, the direction and the message.
pub struct Line {
    pub direction: Option<String>,
    pub dialect: Option<String>,
    pub message: Value,
    /// The message's own text, as it was captured: the order of its keys and its escapes are part of the check.
    text: String,
}

impl Line {
    /// Parses `{"direction", "type", "message"}` or a bare message.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let value: Value = serde_json::from_str(text)?;
        let parts: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
        let name = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(match value.get("message") {
            Some(message @ Value::Object(_)) if value.get("direction").is_some() => Self {
                direction: name("direction"),
                dialect: name("dialect"),
                message: message.clone(),
                text: parts.get("message").map_or(text, |part| part.get()).to_owned(),
            },
            _ => Self {
                direction: None,
                dialect: None,
                message: value,
                text: text.to_owned(),
            },
        })
    }

    /// The message's own type.
    pub fn event_type(&self) -> String {
        self.message
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("(no type)")
            .to_owned()
    }

    /// Decodes the message, writes it again and compares.
    pub fn check(&self) -> Outcome {
        let is_client = match self.direction.as_deref() {
            Some("server" | "received") => false,
            Some("client" | "sent") => true,
            Some(_) => return Outcome::Skipped,
            // Without a direction: the few names that both sides use (session.update is the client's, error
            // the server's) do not clash.
            None => {
                let name = self.event_type();
                ClientEvent::KNOWN_TYPES.contains(&name.trim()) || name == "transcription_session.update"
            }
        };
        let text = &self.text;
        match self.dialect.as_deref() {
            None if beta::is_beta(&self.message) => beta::check(&self.message, is_client),
            Some("beta") => beta::check(&self.message, is_client),
            None | Some("ga" | "translation") if is_client => self.rewritten(ClientEvent::from_json(text)),
            None | Some("ga" | "translation") => self.rewritten(ServerEvent::from_json(text)),
            Some(_) => Outcome::Skipped,
        }
    }

    fn rewritten<E: Rewrite>(&self, decoded: Result<E, DecodeError>) -> Outcome {
        match decoded {
            Err(error) => Outcome::Malformed(error),
            Ok(event) if event.is_unknown() => Outcome::Unknown,
            Ok(event) => compared(&self.message, &event.json()),
        }
    }
}

fn compared(original: &Value, written: &str) -> Outcome {
    let written: Value = serde_json::from_str(written).expect("events are written as JSON");
    let mut losses = Vec::new();
    compare("", original, &written, &mut losses);
    Outcome::Decoded(losses)
}

trait Rewrite {
    fn is_unknown(&self) -> bool;
    fn json(&self) -> String;
}

impl Rewrite for ServerEvent {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
    fn json(&self) -> String {
        self.to_json()
    }
}

impl Rewrite for ClientEvent {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }
    fn json(&self) -> String {
        self.to_json()
    }
}

/// Lists every place where `written` is not `original`. Numbers are equal by value: 1 is 1.0.
pub fn compare(path: &str, original: &Value, written: &Value, losses: &mut Vec<Loss>) {
    let loss = |path: &str, how| Loss {
        path: path.to_owned(),
        how,
    };
    match (original, written) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                match b.get(key) {
                    Some(other) => compare(&path, value, other, losses),
                    None => losses.push(loss(&path, "lost")),
                }
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let how = if is_default(value) { "defaulted" } else { "added" };
                losses.push(loss(&path, how));
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (a, b) in a.iter().zip(b) {
                compare(&format!("{path}[]"), a, b, losses);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (Value::Null, b) if is_default(b) => losses.push(loss(path, "defaulted")),
        _ => losses.push(loss(path, "changed")),
    }
}

/// What the types have in place of a field that the protocol demands and the message has not.
fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.values().all(is_default),
    }
}

/// Deviations that are known and accepted, each with its reason: lines of
/// `type | what | reason`, where `what` is `lost PATH`, `changed PATH`, `added PATH` or `malformed with TEXT`.
#[derive(Default)]
pub struct Allowed(Vec<(String, String)>);

impl Allowed {
    /// Parses the list; `#` starts a comment.
    pub fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(
            lines
                .filter_map(|line| {
                    let mut parts = line.split('|').map(|part| part.trim().to_owned());
                    Some((parts.next()?, parts.next()?))
                })
                .collect(),
        )
    }

    /// Whether the deviation of this message type is listed.
    pub fn has(&self, event_type: &str, what: &str) -> bool {
        self.0
            .iter()
            .any(|(name, path)| name == event_type && path == what)
    }

    /// The entry `malformed with TEXT` whose text the message has.
    pub fn malformed(&self, event_type: &str, message: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, what)| {
                name == event_type
                    && what
                        .strip_prefix("malformed with ")
                        .is_some_and(|text| message.contains(text))
            })
            .map(|(_, what)| what.as_str())
    }
}

/// The result for one type.
#[derive(Default, Debug)]
pub struct Tally {
    pub decoded: usize,
    pub unknown: usize,
    pub malformed: usize,
    pub skipped: usize,
    /// Lost, changed or added paths that are not listed, and how often.
    pub lost: BTreeMap<String, usize>,
    /// Listed deviations that occurred, and how often.
    pub listed: BTreeMap<String, usize>,
    /// Fields that the protocol demands and the message has not, and how often.
    pub defaulted: BTreeMap<String, usize>,
    /// What the malformed messages said.
    pub errors: Vec<String>,
}

/// The result for a whole capture, by type.
pub type Report = BTreeMap<String, Tally>;

/// Checks every line of a capture and adds to the report.
pub fn check_lines(text: &str, allowed: &Allowed, report: &mut Report) {
    for (number, text) in text
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
    {
        let line = match Line::parse(text) {
            Ok(line) => line,
            Err(error) => {
                let tally = report.entry("(not JSON)".to_owned()).or_default();
                tally.malformed += 1;
                tally.errors.push(format!("line {}: {error}", number + 1));
                continue;
            }
        };
        let event_type = line.event_type().trim().to_owned();
        let tally = report.entry(event_type.clone()).or_default();
        match line.check() {
            Outcome::Unknown => tally.unknown += 1,
            Outcome::Skipped => tally.skipped += 1,
            Outcome::Malformed(error) => {
                if let Some(what) = allowed.malformed(&event_type, &line.message.to_string()) {
                    *tally.listed.entry(what.to_owned()).or_default() += 1;
                } else {
                    tally.malformed += 1;
                    tally.errors.push(format!("line {}: {error}", number + 1));
                }
            }
            Outcome::Decoded(losses) => {
                tally.decoded += 1;
                for loss in losses {
                    let what = format!("{} {}", loss.how, loss.path);
                    let count = if loss.how == "defaulted" {
                        &mut tally.defaulted
                    } else if allowed.has(&event_type, &what) {
                        &mut tally.listed
                    } else {
                        &mut tally.lost
                    };
                    *count.entry(what).or_default() += 1;
                }
            }
        }
    }
}

/// The lines of a capture: of a file, of a gzipped file, of a YAML recording, or of standard input (`-`).
pub fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path)?;
    }
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?;
    } else {
        bytes.as_slice().read_to_string(&mut text)?;
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => recording(&text).map_err(io::Error::other),
        _ => Ok(text),
    }
}

/// A recording as lines of `{"direction", "message"}`.
fn recording(yaml: &str) -> Result<String, yaml_serde::Error> {
    let recording: Value = yaml_serde::from_str(yaml)?;
    let interactions = recording["interactions"].as_array().into_iter().flatten();
    Ok(interactions
        .map(|one| {
            serde_json::json!({ "direction": one["direction"], "message": one["data"] }).to_string() + "\n"
        })
        .collect())
}
