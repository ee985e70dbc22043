//! [`Step`]: one thing a response does.

use std::time::Duration;

use serde::Deserialize;

use super::parse::RawStep;

/// One thing a response does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawStep")]
#[non_exhaustive]
pub enum Step {
    /// Says or writes a text, as the response's modality asks.
    Say {
        /// The text, and the transcript if it is spoken.
        text: String,
        /// How long the spoken form lasts. Without it the text decides.
        lasting: Option<Duration>,
    },
    /// Calls a function.
    Call {
        /// The name of the function.
        name: String,
        /// The arguments: JSON text, sent as it is.
        arguments: String,
        /// The id of the call. Without it one is made up.
        call_id: Option<String>,
    },
    /// Waits.
    Delay(Duration),
    /// Gives back what the user said.
    Parrot,
    /// Ends the response with the status `failed`.
    Fail(Failure),
}

/// Why a scripted response fails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Failure {
    /// The `type` of the error.
    #[serde(default = "server_error", rename = "type")]
    pub error_type: String,
    /// The `code` of the error.
    #[serde(default)]
    pub code: Option<String>,
    /// The message; it is sent only if given.
    #[serde(default)]
    pub message: Option<String>,
}

/// The type of a failure that names none.
fn server_error() -> String {
    "server_error".to_owned()
}

impl Default for Failure {
    fn default() -> Self {
        Self {
            error_type: server_error(),
            code: None,
            message: None,
        }
    }
}

impl Failure {
    /// A failure with a code, such as `rate_limit_exceeded`.
    #[must_use]
    pub fn code(code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..Self::default()
        }
    }
}

impl Step {
    /// Says or writes `text`.
    #[must_use]
    pub fn say(text: impl Into<String>) -> Self {
        Self::Say {
            text: text.into(),
            lasting: None,
        }
    }

    /// Calls the function `name` with JSON `arguments`.
    #[must_use]
    pub fn call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::Call {
            name: name.into(),
            arguments: arguments.into(),
            call_id: None,
        }
    }

    /// Waits.
    #[must_use]
    pub const fn delay(duration: Duration) -> Self {
        Self::Delay(duration)
    }

    /// Fails with a code.
    #[must_use]
    pub fn fail(code: impl Into<String>) -> Self {
        Self::Fail(Failure::code(code))
    }
}
