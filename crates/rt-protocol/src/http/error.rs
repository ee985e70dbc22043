//! Errors of HTTP requests.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Field;
use crate::either;
use crate::field;
use crate::http::json_body;

/// The body of a request that failed: `{"error": {"message", "type", "param", "code"}}`.
///
/// Gateways are not strict about it. An error that is a bare text is read as the message, a code that is a number as
/// text, and what is missing stays absent. What is no JSON at all is an error of
/// [`from_json`](Self::from_json), which keeps the text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    #[serde(default, deserialize_with = "field::or_default")]
    pub error: ApiError,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ApiError {
    /// What happened.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub message: Field<String>,
    /// The kind of error, such as `invalid_request_error`. Azure leaves it out.
    #[serde(rename = "type", skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// The parameter that was wrong, such as `session.audio.output.voice`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub param: Field<String>,
    /// The code, such as `invalid_api_key`; from Azure such as `DeploymentNotFound` or `401`.
    #[serde(skip_serializing_if = "Field::is_absent")]
    pub code: Field<String>,
}

impl ApiError {
    /// Whether the code or the kind is `name`: servers have moved names from one to the other.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.kind.as_deref() == Some(name) || self.code.as_deref() == Some(name)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or("no message"))?;
        match self.code.as_deref().or_else(|| self.kind.as_deref()) {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

json_body! {
    ErrorBody = "error",
}

/// The error as an object.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    message: Field<String>,
    #[serde(rename = "type", default)]
    kind: Field<String>,
    #[serde(default)]
    param: Field<String>,
    #[serde(default, deserialize_with = "field::code")]
    code: Field<String>,
}

impl<'de> Deserialize<'de> for ApiError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        either::deserialize(
            deserializer,
            "an error, as text or an object",
            |text| Self {
                message: text.into(),
                ..Self::default()
            },
            |wire: Wire| Self {
                message: wire.message,
                kind: wire.kind,
                param: wire.param,
                code: wire.code,
            },
        )
    }
}
