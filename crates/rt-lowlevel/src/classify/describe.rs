//! How a failure is told: kind, message, hint.

use super::{ApiError, Failure, Refusal};
use crate::close::{CloseCode, CloseFrame};
use crate::error::{Detail, Error, ErrorKind};

/// How much of the server's own words goes into a message.
const SERVER_TEXT: usize = 300;

impl Failure {
    /// The error to show for this failure.
    pub(crate) fn to_error(&self) -> Error {
        match self {
            Self::Config(error)
            | Self::Token(error)
            | Self::Dns { error, .. }
            | Self::Insecure(error)
            | Self::Tcp(error)
            | Self::Proxy { error, .. }
            | Self::Tls { error, .. }
            | Self::Handshake(error)
            | Self::BadResponse(error)
            | Self::NotWebSocket(error)
            | Self::Ended(error) => error.clone(),
            Self::Refused(refusal) => refusal.to_error("the server refused the connection"),
            Self::AttemptTimeout(limit) => Error::new(
                ErrorKind::Handshake,
                format!("the server was not reached within {limit:?}"),
            ),
            Self::NoSession(limit) => Error::new(
                ErrorKind::Handshake,
                format!("the connection opened, but no session.created came within {limit:?}"),
            ),
            Self::RestoreTimeout(limit) => Error::new(
                ErrorKind::Handshake,
                format!(
                    "the session opened, but took nothing more of what the last one knew within {limit:?}"
                ),
            ),
            Self::MessageTooBig { name, bytes } => Error::new(
                ErrorKind::MessageTooLarge,
                format!(
                    "the server closed because a message was too large: of those that it may not have read, \
                     {name} of {bytes} bytes is the largest, and is not sent again"
                ),
            ),
            Self::Event(api) => event(api),
            Self::Expired => Error::new(
                ErrorKind::SessionExpired,
                "the session reached its maximum duration",
            ),
            Self::Close(close) => closed(close),
            Self::PingTimeout(limit) => Error::new(
                ErrorKind::PingTimeout,
                format!("the server was silent for {limit:?} although it was pinged"),
            ),
            Self::SlowConsumer(limit) => Error::new(
                ErrorKind::SlowConsumer,
                format!("no event was taken for {limit:?} although more were waiting"),
            )
            .with_hint("take events on a task of their own, and hand long work over"),
            Self::WriteStall(limit) => Error::new(
                ErrorKind::WriteStall,
                format!("the server took nothing of what was sent for {limit:?}"),
            ),
            Self::Violation(what) => Error::new(
                ErrorKind::Protocol,
                format!("the server broke the WebSocket protocol: {what}"),
            ),
            Self::NotUtf8 => Error::new(
                ErrorKind::Protocol,
                "the server broke the WebSocket protocol: text that is not UTF-8",
            ),
            Self::TooLarge { limit } => Error::new(
                ErrorKind::MessageTooLarge,
                format!("the server sent a message larger than the limit of {limit} bytes"),
            )
            .with_hint("raise `Limits::message` if such messages are expected"),
        }
    }
}

/// The kind a code of the API stands for.
fn kind_of(name: &str) -> Option<ErrorKind> {
    Some(match name {
        "insufficient_quota" | "billing_hard_limit_reached" | "credit_balance_exhausted" => ErrorKind::Quota,
        "invalid_api_key" | "account_deactivated" | "authentication_error" => ErrorKind::Unauthorized,
        "model_not_found" | "invalid_model" | "missing_model" | "DeploymentNotFound" => ErrorKind::NotFound,
        "unsupported_country_region_territory" => ErrorKind::Forbidden,
        "rate_limit_exceeded" => ErrorKind::RateLimited,
        "session_expired" => ErrorKind::SessionExpired,
        _ => return None,
    })
}

fn hint_of(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Unauthorized => {
            "check the key, and that it belongs to this endpoint (Azure keys do not work at OpenAI)"
        }
        ErrorKind::Forbidden => "check that the project or resource may use this model from this network",
        ErrorKind::NotFound => {
            "check model, deployment and path; a new Azure deployment takes up to 5 minutes to answer"
        }
        ErrorKind::Quota => "check plan and billing of the account; trying again does not help",
        ErrorKind::RedirectRefused => {
            "use the address it redirects to, if you trust it; keys are not carried along"
        }
        ErrorKind::NotWebSocket => {
            "check the URL, and whether a proxy or a login page of the network is in between"
        }
        _ => return None,
    })
}

fn api_kind(api: &ApiError) -> Option<ErrorKind> {
    [&api.code, &api.kind]
        .into_iter()
        .flatten()
        .find_map(|name| kind_of(name))
}

impl Refusal {
    /// The error to show for it; `what` says who refused what.
    pub(crate) fn to_error(&self, what: &str) -> Error {
        let by_status = match self.status {
            200..=299 => ErrorKind::NotWebSocket,
            300..=399 => ErrorKind::RedirectRefused,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            429 if self.api.is_quota() => ErrorKind::Quota,
            429 => ErrorKind::RateLimited,
            408 | 421 | 425 | 500 | 502 | 503 | 504 | 520..=524 | 529 => ErrorKind::ServerUnavailable,
            _ => ErrorKind::Rejected,
        };
        let mut message = format!("{what} with HTTP {}", self.status);
        push_server_text(&mut message, &self.api, by_status);
        let error = Error::new(by_status, message).with_detail(Detail {
            retry_after: self.retry_after,
            http_status: Some(self.status),
            code: self.api.name().map(str::to_owned),
            close: None,
            request_id: self.request_id.clone(),
            session_id: None,
        });
        hinted(error)
    }
}

fn event(api: &ApiError) -> Error {
    let kind = api_kind(api).unwrap_or(ErrorKind::Rejected);
    let mut message = "the server ended the session with an error".to_owned();
    push_server_text(&mut message, api, kind);
    let detail = Detail {
        code: api.name().map(str::to_owned),
        ..Detail::default()
    };
    hinted(Error::new(kind, message).with_detail(detail))
}

fn closed(close: &CloseFrame) -> Error {
    // The API writes the error's type and code into the reason: `invalid_request_error.invalid_model`.
    let api = ApiError {
        code: close
            .reason
            .rsplit_once('.')
            .map(|(_, code)| code.to_owned())
            .filter(|code| is_name(code)),
        ..ApiError::default()
    };
    let by_code = match close.code {
        CloseCode::NORMAL => ErrorKind::ClosedByServer,
        CloseCode::AWAY if close.reason.contains("maximum duration") => ErrorKind::SessionExpired,
        CloseCode::TOO_BIG => ErrorKind::MessageTooLarge,
        CloseCode::UNAUTHORIZED => ErrorKind::Unauthorized,
        CloseCode::PROTOCOL
        | CloseCode::UNSUPPORTED
        | CloseCode::INVALID
        | CloseCode::EXTENSION
        | CloseCode::POLICY => ErrorKind::ClosedByServer,
        code if code.as_u16() >= 3000 => ErrorKind::Rejected,
        _ => ErrorKind::ConnectionLost,
    };
    let kind = api_kind(&api).unwrap_or(by_code);
    // A reason about a key may repeat a part of it, and stays out.
    let is_about_key = kind == ErrorKind::Unauthorized || close.code == CloseCode::UNAUTHORIZED;
    let told = match &api.code {
        Some(name) if is_about_key => format!("close code {} ({name})", close.code),
        None if is_about_key => format!("close code {}", close.code),
        _ => close.to_string(),
    };
    let error = Error::new(kind, format!("the server closed the connection: {told}")).with_detail(Detail {
        code: api.code,
        close: Some(close.clone()),
        ..Detail::default()
    });
    hinted(error)
}

fn hinted(error: Error) -> Error {
    match hint_of(error.kind()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Adds code and message as the server gave them. Answers about keys repeat a part of the key: those stay out.
fn push_server_text(message: &mut String, api: &ApiError, kind: ErrorKind) {
    if let Some(name) = api.name() {
        message.push_str(", ");
        message.extend(name.chars().filter(|c| !c.is_control()).take(64));
    }
    if kind == ErrorKind::Unauthorized || api_kind(api) == Some(ErrorKind::Unauthorized) {
        return;
    }
    if let Some(text) = &api.message {
        message.push_str(" (server: ");
        message.extend(
            text.chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .take(SERVER_TEXT),
        );
        message.push(')');
    }
}
