//! The YAML form of a step, and its checks.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use super::step::{Failure, Step};

/// A step as it stands in YAML: one of `say`, `call`, `delay`, `parrot`, `fail`, with its details beside it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStep {
    /// A text to say.
    say: Option<String>,
    /// How long saying it lasts.
    #[serde(default, deserialize_with = "duration")]
    lasting: Option<Duration>,
    /// A function to call.
    call: Option<String>,
    /// Its arguments: a mapping, or a string that is sent as it is.
    arguments: Option<serde_json::Value>,
    /// The id of the call.
    call_id: Option<String>,
    /// A time to wait.
    #[serde(default, deserialize_with = "duration")]
    delay: Option<Duration>,
    /// `true`: give back what the user said.
    parrot: Option<bool>,
    /// An error to fail with.
    fail: Option<Failure>,
}

impl TryFrom<RawStep> for Step {
    type Error = String;

    fn try_from(raw: RawStep) -> Result<Self, String> {
        if raw.lasting.is_some() && raw.say.is_none() {
            return Err("`lasting` belongs to `say`".into());
        }
        if (raw.arguments.is_some() || raw.call_id.is_some()) && raw.call.is_none() {
            return Err("`arguments` and `call_id` belong to `call`".into());
        }
        let lasting = raw.lasting;
        let mut steps = Vec::new();
        steps.extend(raw.say.map(|text| Self::Say { text, lasting }));
        if let Some(name) = raw.call {
            if name.is_empty() {
                return Err("`call` needs the name of a function".into());
            }
            let call_id = raw.call_id;
            if call_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > 32) {
                return Err("`call_id` must have 1 to 32 characters".into());
            }
            let arguments = match raw.arguments {
                None => "{}".to_owned(),
                Some(serde_json::Value::String(text)) => text,
                Some(value @ serde_json::Value::Object(_)) => value.to_string(),
                Some(_) => return Err("`arguments` must be a mapping, or JSON in a string".into()),
            };
            steps.push(Self::Call {
                name,
                arguments,
                call_id,
            });
        }
        steps.extend(raw.delay.map(Self::Delay));
        match raw.parrot {
            Some(true) => steps.push(Self::Parrot),
            Some(false) => return Err("`parrot` can only be true".into()),
            None => {}
        }
        steps.extend(raw.fail.map(Self::Fail));
        match steps.pop() {
            Some(step) if steps.is_empty() => Ok(step),
            _ => Err("a step is exactly one of `say`, `call`, `delay`, `parrot`, `fail`".into()),
        }
    }
}

/// The longest time a script may ask for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads `200ms`, `1.5s` or a number of milliseconds.
pub(crate) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    /// Accepts a number or a string.
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a time such as 200ms or 1.5s, or a number of milliseconds")
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
            self.visit_str(&format!("{value}ms"))
        }

        fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
            let text = value.trim();
            let (number, unit) = match text.strip_suffix("ms") {
                Some(number) => (number, 1e-3),
                None => (text.strip_suffix('s').unwrap_or("no unit"), 1.0),
            };
            number
                .trim()
                .parse::<f64>()
                .ok()
                .and_then(|number| Duration::try_from_secs_f64(number * unit).ok())
                .filter(|duration| *duration <= LONGEST)
                .map(Some)
                .ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
        }
    }

    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{After, ErrorKind, Script, Step};

    const FULL: &str = r#"
hear: Hello.
turns:
  - hear: What is the weather in London?
    reply:
      - delay: 1.5s
      - call: get_weather
        arguments: {city: London}
  - reply:
      - say: It is foggy.
        lasting: 2s
      - parrot: true
      - fail: {code: rate_limit_exceeded}
      - delay: 20
      - call: raw
        arguments: "{ }"
        call_id: call_1
after: repeat
"#;

    #[test]
    fn reads_every_step() {
        let script = Script::from_yaml(FULL).unwrap();
        assert_eq!(script.after, After::Repeat);
        assert_eq!(script.hear.as_deref(), Some("Hello."));
        assert_eq!(
            script.turns[0].reply,
            [
                Step::Delay(Duration::from_millis(1500)),
                Step::call("get_weather", r#"{"city":"London"}"#)
            ]
        );
        assert_eq!(
            script.turns[1].reply[0],
            Step::Say {
                text: "It is foggy.".into(),
                lasting: Some(Duration::from_secs(2))
            }
        );
        assert_eq!(script.turns[1].reply[2], Step::fail("rate_limit_exceeded"));
        assert_eq!(script.turns[1].reply[3], Step::Delay(Duration::from_millis(20)));
        assert_eq!(Script::from_yaml("turns: []").unwrap(), Script::parrot());
    }

    #[test]
    fn the_examples_of_the_crate_page_are_valid() {
        let page = include_str!("../lib.rs");
        let mut scripts = page.split("```yaml\n").skip(1).map(|rest| {
            let (example, _) = rest.split_once("//! ```").unwrap();
            let lines = example.lines().map(|line| {
                line.trim_start_matches("//!")
                    .strip_prefix(' ')
                    .unwrap_or_default()
            });
            Script::from_yaml(&lines.collect::<Vec<_>>().join("\n")).unwrap()
        });
        let script = scripts.next().unwrap();
        assert_eq!((script.turns.len(), script.turns[0].reply.len()), (4, 3));
        assert_eq!(script.faults.len(), 1);
        assert_eq!(scripts.next().unwrap().faults.len(), 14);
        assert!(scripts.next().is_none());
    }

    #[test]
    fn errors_name_line_and_field() {
        for (text, line, words) in [
            (
                "turns:\n  - hear: x\n    replay: []\n",
                3,
                "unknown field `replay`",
            ),
            (
                "turns:\n  - reply:\n      - sya: Hello\n",
                3,
                "unknown field `sya`",
            ),
            (
                "turns:\n  - reply:\n      - say: Hello\n        delay: 20ms\n",
                3,
                "exactly one of",
            ),
            ("turns:\n  - reply:\n      - {}\n", 3, "exactly one of"),
            (
                "turns:\n  - reply:\n      - say: Hello\n        arguments: {}\n",
                3,
                "belong to `call`",
            ),
            ("turns:\n  - reply:\n      - delay: soon\n", 3, "200ms or 1.5s"),
            ("turns:\n  - reply:\n      - delay: -1\n", 3, "200ms or 1.5s"),
            ("turns:\n  - reply:\n      - delay: 1e99s\n", 3, "200ms or 1.5s"),
            ("hear: x\nafter: dance\n", 2, "unknown variant `dance`"),
            ("turns: 7\n", 1, "expected a sequence"),
            ("turns: [\n", 2, "line 2"),
        ] {
            let error = Script::from_yaml(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Script);
            let message = error.to_string();
            assert!(message.contains(words), "{text}: {message}");
            assert!(message.contains(&format!("line {line}")), "{text}: {message}");
        }
    }

    #[test]
    fn no_bytes_panic() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..3000 {
            let mut bytes = FULL.as_bytes().to_vec();
            for _ in 0..rng.usize(1..8) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            let _ = Script::from_yaml(&String::from_utf8_lossy(&bytes));
        }
    }
}
