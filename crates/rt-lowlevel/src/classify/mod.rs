//! The classification table: what each failure means for the connection.
//!
//! Pure functions. [`Failure`] says at which stage what was seen, [`verdict`] what follows from it, and
//! [`Failure::to_error`] (in `describe`) how it is told.

mod describe;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::close::{CloseCode, CloseFrame};
use crate::config::RetryPolicy;
use crate::error::Error;

/// What follows from a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Try again after a wait; uses budget.
    Retry,
    /// Try again at once; uses no budget.
    Now,
    /// The end; no further connects.
    Fatal,
    /// The session goes on; at most one request failed.
    Keep,
    /// Try again once, then the end.
    Once,
}

/// Failures that are only forgiven a few times in a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// 401 although a token provider could have a fresher token.
    Unauthorized,
    /// 403 by something in front of the API.
    Edge,
    /// 421: another connection may reach the right server.
    Misdirected,
    /// Not a WebSocket server: perhaps a captive portal that is gone the next time.
    NotWebSocket,
    /// The peer broke the WebSocket protocol.
    Violation,
}

impl Bucket {
    /// Over which time [`max`](Self::max) counts.
    pub(crate) const WINDOW: Duration = Duration::from_secs(60);

    /// How many retries there are per window.
    pub(crate) fn max(self) -> usize {
        match self {
            Self::Unauthorized | Self::Misdirected | Self::NotWebSocket => 1,
            Self::Edge | Self::Violation => 2,
        }
    }
}

/// A class, with what limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    /// The count that must allow the retry.
    pub(crate) bucket: Option<Bucket>,
    /// The shortest wait before it.
    pub(crate) floor: Duration,
}

impl Verdict {
    const FATAL: Self = Self::of(Class::Fatal);
    const RETRY: Self = Self::of(Class::Retry);

    const fn of(class: Class) -> Self {
        Self {
            class,
            bucket: None,
            floor: Duration::ZERO,
        }
    }

    const fn counted(class: Class, bucket: Bucket) -> Self {
        Self {
            class,
            bucket: Some(bucket),
            floor: Duration::ZERO,
        }
    }

    fn not_before(self, floor: Duration) -> Self {
        Self { floor, ..self }
    }
}

/// An HTTP answer other than 101.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) api: ApiError,
    /// Whether the body was JSON, as the API's own answers are.
    pub(crate) is_json: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<String>,
}

/// The API's error object. Either of the names may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) message: Option<String>,
}

impl ApiError {
    /// The first of `code` and `type` for which `test` holds.
    fn find(&self, test: impl Fn(&str) -> bool) -> Option<&str> {
        [&self.code, &self.kind]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|name| test(name))
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.code.as_deref().or(self.kind.as_deref())
    }

    fn is_quota(&self) -> bool {
        let is_quota = |name: &str| {
            name.contains("quota")
                || ["billing_hard_limit_reached", "credit_balance_exhausted"].contains(&name)
        };
        self.find(is_quota).is_some()
    }

    /// Whether it is about the account, and so about every later session too.
    fn is_of_account(&self) -> bool {
        self.find(|name| ACCOUNT_CODES.contains(&name)).is_some()
    }

    /// Whether it says that a session like the one that was asked for cannot be had.
    fn is_of_setup(&self) -> bool {
        self.find(|name| SETUP_CODES.contains(&name)).is_some()
    }

    pub(crate) fn is_expiry(&self) -> bool {
        self.find(|name| name == "session_expired").is_some()
    }
}

/// Codes that end it at any time.
const ACCOUNT_CODES: [&str; 6] = [
    "insufficient_quota",
    "invalid_api_key",
    "account_deactivated",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "unsupported_country_region_territory",
];

/// Codes that end it before `session.created`. Later they answer one request, such as a `session.update` that names a
/// transcription model, and the session goes on.
const SETUP_CODES: [&str; 5] = [
    "model_not_found",
    "invalid_model",
    "missing_model",
    "invalid_intent",
    "beta_api_shape_disabled",
];

/// The class of an error event, or of the error in a failed response. `is_created` says whether `session.created` has
/// come.
pub(crate) fn event_class(error: &ApiError, is_created: bool) -> Class {
    if error.is_of_account() || (!is_created && error.is_of_setup()) {
        Class::Fatal
    } else if error.is_expiry() {
        Class::Now
    } else {
        Class::Keep
    }
}

/// Why an attempt failed, or a connection ended.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The caller's settings turned out not to be usable.
    Config(Error),
    /// The token provider failed.
    Token(Error),
    /// The name was not resolved.
    Dns { not_found: bool, error: Error },
    /// A secret would have left in the clear.
    Insecure(Error),
    /// No address answered.
    Tcp(Error),
    /// No tunnel through the proxy; `refused` if the proxy said no, rather than nothing.
    Proxy { refused: bool, error: Error },
    /// TLS failed; `refused` if the certificate or the protocol is wrong, not the weather.
    Tls { refused: bool, error: Error },
    /// No whole HTTP response.
    Handshake(Error),
    /// An HTTP response that is too large, or otherwise not to be taken again.
    BadResponse(Error),
    /// An HTTP response that says no.
    Refused(Box<Refusal>),
    /// An answer of something that does not speak WebSocket.
    NotWebSocket(Error),
    /// The whole attempt took too long.
    AttemptTimeout(Duration),
    /// The upgrade was good, but no session came.
    NoSession(Duration),
    /// The session was not told in time what the last one knew.
    RestoreTimeout(Duration),
    /// The server closed with 1009; this is the message that it must have meant, which is not sent again.
    MessageTooBig { name: &'static str, bytes: usize },
    /// An error event that ends it, or 401 and the like.
    Event(ApiError),
    /// `session_expired`.
    Expired,
    /// A close frame of the server.
    Close(CloseFrame),
    /// The stream ended or broke without a close frame.
    Ended(Error),
    /// Nothing was heard although asked.
    PingTimeout(Duration),
    /// Nobody takes the events.
    SlowConsumer(Duration),
    /// What is sent is not taken.
    WriteStall(Duration),
    /// The peer broke the protocol.
    Violation(String),
    /// Text of the peer that is not UTF-8.
    NotUtf8,
    /// An incoming message beyond the limit.
    TooLarge { limit: usize },
}

impl Failure {
    /// Whether the session reached its maximum duration.
    pub(crate) fn is_expiry(&self) -> bool {
        match self {
            Self::Expired => true,
            Self::Close(close) => close.code == CloseCode::AWAY && close.reason.contains("maximum duration"),
            _ => false,
        }
    }
}

/// What the class may depend on besides the failure itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) policy: &'a RetryPolicy,
    /// A token provider is set.
    pub(crate) can_refresh: bool,
    /// No session was ever open on this connection.
    pub(crate) is_first: bool,
}

/// The table.
pub(crate) fn verdict(failure: &Failure, facts: Facts<'_>) -> Verdict {
    match failure {
        Failure::Config(_) | Failure::Insecure(_) | Failure::BadResponse(_) => Verdict::FATAL,
        Failure::Dns { not_found: true, .. } if facts.is_first && facts.policy.fail_fast => Verdict::FATAL,
        Failure::Tls { refused: true, .. } | Failure::Proxy { refused: true, .. } => Verdict::FATAL,
        Failure::Proxy { error, .. } => Verdict::RETRY.not_before(error.retry_after().unwrap_or_default()),
        Failure::Token(_)
        | Failure::Dns { .. }
        | Failure::Tcp(_)
        | Failure::Tls { .. }
        | Failure::Handshake(_)
        | Failure::AttemptTimeout(_)
        | Failure::NoSession(_)
        | Failure::RestoreTimeout(_)
        | Failure::MessageTooBig { .. }
        | Failure::Ended(_)
        | Failure::PingTimeout(_)
        | Failure::WriteStall(_) => Verdict::RETRY,
        Failure::Refused(refusal) => status_verdict(refusal, facts),
        Failure::NotWebSocket(_) => Verdict::counted(Class::Once, Bucket::NotWebSocket),
        Failure::Event(_) | Failure::TooLarge { .. } | Failure::SlowConsumer(_) => Verdict::FATAL,
        Failure::Expired => Verdict::of(Class::Now),
        Failure::Close(_) if failure.is_expiry() => Verdict::of(Class::Now),
        Failure::Close(close) => close_verdict(close, facts.policy),
        Failure::Violation(_) | Failure::NotUtf8 => Verdict::counted(Class::Retry, Bucket::Violation),
    }
}

fn status_verdict(refusal: &Refusal, facts: Facts<'_>) -> Verdict {
    let floor = refusal.retry_after.unwrap_or_default();
    match refusal.status {
        200..=299 => Verdict::counted(Class::Once, Bucket::NotWebSocket),
        401 if facts.can_refresh => Verdict::counted(Class::Once, Bucket::Unauthorized),
        403 if refusal.retry_after.is_some() || !refusal.is_json => {
            Verdict::counted(Class::Retry, Bucket::Edge).not_before(floor)
        }
        421 => Verdict::counted(Class::Once, Bucket::Misdirected),
        429 if refusal.api.is_quota() => Verdict::FATAL,
        429 => Verdict::RETRY.not_before(floor.max(facts.policy.throttle_floor)),
        408 | 425 | 500 | 502 | 503 | 504 | 520..=524 | 529 => Verdict::RETRY.not_before(floor),
        _ => Verdict::FATAL,
    }
}

/// The reason tungstenite, which servers and gateways use too, puts in place of one with a code that must not be on the
/// wire.
const REWRITTEN: &str = "Protocol violation";

fn close_verdict(close: &CloseFrame, policy: &RetryPolicy) -> Verdict {
    match close.code {
        CloseCode::NORMAL if policy.reopen_after_normal_close => Verdict::RETRY,
        CloseCode::NORMAL => Verdict::FATAL,
        CloseCode::PROTOCOL if close.reason == REWRITTEN => Verdict::counted(Class::Retry, Bucket::Violation),
        CloseCode::PROTOCOL
        | CloseCode::UNSUPPORTED
        | CloseCode::INVALID
        | CloseCode::POLICY
        | CloseCode::TOO_BIG
        | CloseCode::EXTENSION => Verdict::FATAL,
        // 1014 is a gateway's, and the rest must not be on the wire: something in between is broken.
        code if code.as_u16() == 1014 || !(code == CloseCode::NO_STATUS || code.is_for_the_wire()) => {
            Verdict::counted(Class::Retry, Bucket::Violation)
        }
        CloseCode::AGAIN => Verdict::RETRY.not_before(policy.throttle_floor),
        code if (3000..5000).contains(&code.as_u16()) => {
            if policy.retry_close_codes.contains(&code.as_u16()) {
                Verdict::RETRY
            } else {
                Verdict::FATAL
            }
        }
        // 1001, 1005, 1011 and 1012.
        _ => Verdict::RETRY,
    }
}
