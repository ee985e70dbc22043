//! [`Access`]: who may connect, and to which model. As with the real server, a refusal comes after the 101.

use super::request::Request;

/// Models a realtime session can have.
const MODELS: &[&str] = &[
    "gpt-4o-realtime-preview",
    "gpt-4o-realtime-preview-2024-10-01",
    "gpt-4o-realtime-preview-2024-12-17",
    "gpt-4o-realtime-preview-2025-06-03",
    "gpt-4o-mini-realtime-preview",
    "gpt-4o-mini-realtime-preview-2024-12-17",
    "gpt-audio-1.5",
    "gpt-audio-mini",
    "gpt-audio-mini-2025-10-06",
    "gpt-audio-mini-2025-12-15",
];

/// Who may connect, and to which model. It holds keys, so it has no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// The good keys; if there are none, all are but the obviously bad ones.
    pub(crate) keys: Vec<String>,
    /// Models besides the known ones.
    pub(crate) models: Vec<String>,
}

/// An `error` event and the close that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `error.type`.
    pub(crate) error_type: String,
    /// `error.code`.
    pub(crate) code: Option<String>,
    /// `error.message`.
    pub(crate) message: String,
    /// The close code.
    pub(crate) close: u16,
    /// The close reason.
    pub(crate) reason: String,
}

impl Refusal {
    /// An `invalid_request_error`, whose close reason says so.
    fn new(close: u16, code: Option<&str>, message: impl Into<String>) -> Self {
        let error_type = "invalid_request_error";
        let reason = code.map_or_else(|| error_type.to_owned(), |code| format!("{error_type}.{code}"));
        Self {
            error_type: error_type.to_owned(),
            code: code.map(str::to_owned),
            message: message.into(),
            close,
            reason,
        }
    }
}

impl Access {
    /// The model of a good request, or why it is refused.
    pub(crate) fn check(&self, request: &Request) -> Result<String, Refusal> {
        let Some(key) = key_of(request) else {
            return Err(Refusal::new(
                3000,
                None,
                "Missing bearer or basic authentication in header.",
            ));
        };
        if !self.is_good(key) {
            return Err(Refusal::new(
                3000,
                Some("invalid_api_key"),
                "Incorrect API key provided.",
            ));
        }
        let beta = request
            .header("openai-beta")
            .is_some_and(|value| value.contains("realtime"))
            || request
                .protocols()
                .any(|protocol| protocol == "openai-beta.realtime-v1");
        if beta {
            let message =
                "The beta form of the Realtime API is switched off. Leave out the OpenAI-Beta header.";
            return Err(Refusal::new(4000, Some("beta_api_shape_disabled"), message));
        }
        if let Some(intent) = request.query("intent").filter(|intent| *intent != "realtime") {
            let intent: String = intent.chars().take(64).collect();
            return Err(Refusal::new(
                4000,
                Some("invalid_intent"),
                format!("Invalid intent: '{intent}'."),
            ));
        }
        match request.query("model") {
            None | Some("") => Err(Refusal::new(
                4000,
                Some("missing_model"),
                "You must provide a model parameter.",
            )),
            Some(model) if self.knows(model) => Ok(model.to_owned()),
            Some(model) => {
                let model: String = model.chars().take(64).collect();
                let message =
                    format!("Model '{model}' does not exist or cannot be used in a realtime session.");
                Err(Refusal::new(4000, Some("invalid_model"), message))
            }
        }
    }

    /// Without a list, every key is good that does not say of itself that it is bad.
    fn is_good(&self, key: &str) -> bool {
        if self.keys.is_empty() {
            let name = key.strip_prefix("sk-").unwrap_or(key);
            !name.is_empty() && !name.starts_with("bad") && !name.starts_with("invalid")
        } else {
            self.keys.iter().any(|good| good == key)
        }
    }

    /// The `gpt-realtime` family, the older ones by name, and what was added. Models for transcription and
    /// translation are not for this endpoint.
    fn knows(&self, model: &str) -> bool {
        let other_kind =
            model.contains("whisper") || model.contains("translate") || model.contains("transcribe");
        let family = model == "gpt-realtime" || model.starts_with("gpt-realtime-");
        (family && !other_kind) || MODELS.contains(&model) || self.models.iter().any(|known| known == model)
    }
}

/// The key of a request: a bearer token, or the browsers' WebSocket protocol.
fn key_of(request: &Request) -> Option<&str> {
    if let Some(value) = request.header("authorization") {
        let (scheme, key) = value.split_once(' ').unwrap_or((value, ""));
        return Some(key.trim()).filter(|key| scheme.eq_ignore_ascii_case("bearer") && !key.is_empty());
    }
    request
        .protocols()
        .find_map(|protocol| protocol.strip_prefix("openai-insecure-api-key."))
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;

    fn check(access: &Access, target: &str, headers: &str) -> Result<String, (u16, String)> {
        let request = request(&format!("GET {target} HTTP/1.1\nHost: h\n{headers}"));
        access
            .check(&request)
            .map_err(|refusal| (refusal.close, refusal.reason))
    }

    #[test]
    fn refuses_as_the_real_server_does() {
        let key = "Authorization: Bearer sk-test";
        let url = "/v1/realtime?model=gpt-realtime";
        for (target, headers, close, reason) in [
            (url, "X: y", 3000, "invalid_request_error"),
            (url, "Authorization: Bearer ", 3000, "invalid_request_error"),
            (url, "Authorization: Basic abc", 3000, "invalid_request_error"),
            (
                url,
                "Authorization: Bearer bad",
                3000,
                "invalid_request_error.invalid_api_key",
            ),
            (
                url,
                "Authorization: Bearer sk-invalid-1",
                3000,
                "invalid_request_error.invalid_api_key",
            ),
            ("/v1/realtime", key, 4000, "invalid_request_error.missing_model"),
            (
                "/v1/realtime?model=gpt-5",
                key,
                4000,
                "invalid_request_error.invalid_model",
            ),
            (
                "/v1/realtime?model=gpt-realtime-whisper",
                key,
                4000,
                "invalid_request_error.invalid_model",
            ),
            (
                "/v1/realtime?intent=chat",
                key,
                4000,
                "invalid_request_error.invalid_intent",
            ),
            (
                url,
                "Authorization: Bearer x\nOpenAI-Beta: realtime=v1",
                4000,
                "invalid_request_error.beta_api_shape_disabled",
            ),
        ] {
            let refused = check(&Access::default(), target, headers).unwrap_err();
            assert_eq!(refused, (close, reason.to_owned()), "{target} {headers}");
        }
    }

    #[test]
    fn admits_the_good() {
        let access = Access::default();
        let url = "/v1/realtime?model=gpt-realtime-2.1-mini";
        assert_eq!(
            check(&access, url, "Authorization: bearer x").unwrap(),
            "gpt-realtime-2.1-mini"
        );
        let browser = "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.ek_1";
        assert!(check(&access, url, browser).is_ok());
        let strict = Access {
            keys: vec!["sk-1".into()],
            models: vec!["mine".into()],
        };
        assert!(check(&strict, "/v1/realtime?model=mine", "Authorization: Bearer sk-1").is_ok());
        assert_eq!(check(&strict, url, browser).unwrap_err().0, 3000);
    }
}
