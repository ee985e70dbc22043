//! [`Failure`]: an error the client is told about.

use serde_json::Value;

/// An error the client is told about, as the `error` object of the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `error.code`.
    pub(crate) code: Option<String>,
    /// `error.message`.
    pub(crate) message: String,
    /// `error.param`: the path of the field at fault.
    pub(crate) param: Option<String>,
}

impl Failure {
    /// An error with a code.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: Some(code.to_owned()),
            message: message.into(),
            param: None,
        }
    }

    /// Names the field at fault.
    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// A required field is missing.
    pub(crate) fn missing(param: &str) -> Self {
        Self::new(
            "missing_required_parameter",
            format!("Missing required parameter: '{param}'."),
        )
        .param(param)
    }

    /// A field that does not exist.
    pub(crate) fn unknown(param: &str) -> Self {
        Self::new("unknown_parameter", format!("Unknown parameter: '{param}'.")).param(param)
    }

    /// A value outside the list of those that exist.
    pub(crate) fn unsupported(param: &str, value: &str, choices: &[&str]) -> Self {
        // A hostile value is not repeated at full length.
        let value: String = value.chars().take(64).collect();
        Self::new(
            "invalid_value",
            format!(
                "Invalid value: '{value}'. Supported values are: {}.",
                listed(choices)
            ),
        )
        .param(param)
    }

    /// A value of the wrong JSON kind.
    pub(crate) fn wrong_type(param: &str, expected: &str, value: &Value) -> Self {
        let message = format!(
            "Invalid type for '{param}': expected {expected}, but got {} instead.",
            kind_of(value)
        );
        Self::new("invalid_type", message).param(param)
    }
}

/// `'a', 'b' and 'c'`.
fn listed(choices: &[&str]) -> String {
    match choices {
        [] => "none".to_owned(),
        [only] => format!("'{only}'"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|choice| format!("'{choice}'")).collect();
            format!("{} and '{last}'", first.join(", "))
        }
    }
}

/// The JSON kind in words.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
