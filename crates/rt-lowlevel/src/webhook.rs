//! Webhooks: is what came truly from the service?
//!
//! The service tells of an incoming SIP call by `POST` to your server. Anybody can send such a request; the signature says who
//! did. It is that of [Standard Webhooks](https://www.standardwebhooks.com).
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use rt_lowlevel::protocol::http::Webhook;
//! use rt_lowlevel::webhook::WebhookSecret;
//!
//! let secret = WebhookSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
//! // What your web server received: three headers, and the bytes of the body as they came.
//! let body = br#"{"id":"evt_1","type":"realtime.call.incoming","data":{"call_id":"rtc_1"}}"#;
//! let header = |name: &str| match name {
//!     "webhook-id" => Some("msg_1"),
//!     "webhook-timestamp" => Some("1614265330"),
//!     "webhook-signature" => Some("v1,D7Qpdy4TyEziQ4iVOXOypYBDLu/megeH7e1Zto6Rtrk="),
//!     _ => None,
//! };
//! # let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_614_265_400);
//! # let _ = || SystemTime::now();
//! match secret.verify(body, header, now)? {
//!     Webhook::RealtimeCallIncoming(call) => assert_eq!(call.data.call_id, "rtc_1"),
//!     other => println!("not ours: {other:?}"),
//! }
//! # Ok::<(), rt_lowlevel::Error>(())
//! ```
//!
//! A webhook may come more than once. `webhook-id` is the same then: whoever must not act twice remembers it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use rt_protocol::http::Webhook;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

/// How old or how far ahead a webhook may be.
const TOLERANCE: Duration = Duration::from_secs(300);
/// How many signatures of a webhook are looked at: one for each secret while secrets change.
const SIGNATURES: usize = 8;
/// 32 bytes in base64.
const ENCODED: usize = 44;

/// The secret that a webhook is signed with. `Debug` does not show it.
#[derive(Clone)]
pub struct WebhookSecret {
    key: hmac::Key,
    tolerance: Duration,
}

impl WebhookSecret {
    /// The secret as the dashboard shows it: `whsec_` and base64. One without `whsec_` is taken as it is.
    ///
    /// # Errors
    /// `InvalidConfig` if it is empty or what follows `whsec_` is not base64. The error does not repeat it.
    pub fn new(secret: impl Into<String>) -> Result<Self, Error> {
        let secret = Zeroizing::new(secret.into());
        let text = secret.trim();
        let bytes = Zeroizing::new(match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| {
                Error::config("the webhook secret is not base64 after `whsec_`")
                    .with_hint("copy it whole from the dashboard")
            })?,
            None => text.as_bytes().to_vec(),
        });
        if bytes.is_empty() {
            return Err(Error::config("the webhook secret is empty"));
        }
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            tolerance: TOLERANCE,
        })
    }

    /// How old a webhook may be, and how far ahead of this clock. 5 min.
    #[must_use]
    pub fn tolerance(self, tolerance: Duration) -> Self {
        Self { tolerance, ..self }
    }

    /// Checks the signature and reads the webhook. `body` is the bytes as they came: JSON that was read and written again has
    /// another signature. `header` looks a header up by its name in lower case. The first 8 signatures are looked at.
    ///
    /// # Errors
    /// `InvalidSignature` if a header is missing, no signature is that of this secret, or the time is too far from `now`: answer
    /// 400 and do nothing. `InvalidBody` if the signature is good but the body cannot be read.
    pub fn verify<'a>(
        &self,
        body: &[u8],
        header: impl Fn(&str) -> Option<&'a str>,
        now: SystemTime,
    ) -> Result<Webhook, Error> {
        let refuse = |why: &str| {
            Error::new(
                ErrorKind::InvalidSignature,
                format!("the webhook was refused: {why}"),
            )
        };
        let get = |name: &str| {
            let value = header(name).map(str::trim).filter(|value| !value.is_empty());
            value.ok_or_else(|| refuse(&format!("the header {name} is missing")))
        };
        let (id, timestamp, signatures) = (
            get("webhook-id")?,
            get("webhook-timestamp")?,
            get("webhook-signature")?,
        );
        let seconds: u64 = timestamp
            .parse()
            .map_err(|_| refuse("its timestamp is not a number of seconds"))?;
        // First, because it costs nothing and anybody may ask.
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let difference = now.abs_diff(Duration::from_secs(seconds));
        if difference > self.tolerance {
            return Err(refuse("its time is too far from now")
                .with_hint("check the clock; if it is right, it was sent before"));
        }
        // The body is read once, however many signatures there are.
        let tag = hmac::sign(&self.key, &signed(id, timestamp, body));
        // Compared as MACs of the two, which takes the same time whatever they hold.
        let tag = hmac::sign(&self.key, tag.as_ref());
        let is_genuine = signatures
            .split_ascii_whitespace()
            .filter_map(|signature| signature.strip_prefix("v1,"))
            .filter(|signature| signature.len() == ENCODED)
            .take(SIGNATURES)
            .filter_map(|signature| STANDARD.decode(signature).ok())
            .any(|signature| hmac::verify(&self.key, &signature, tag.as_ref()).is_ok());
        if !is_genuine {
            return Err(refuse("no signature is of this secret and this body")
                .with_hint("check the secret, and that the body is passed as it came"));
        }
        let unreadable = |why: &dyn fmt::Display| {
            Error::new(
                ErrorKind::InvalidBody,
                format!("the webhook is genuine, but cannot be read: {why}"),
            )
        };
        let text = std::str::from_utf8(body).map_err(|_| unreadable(&"it is not UTF-8"))?;
        Webhook::from_json(text).map_err(|error| unreadable(&error))
    }

    /// The value of `webhook-signature` for these: what the service does, for tests of whoever receives webhooks.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let tag = hmac::sign(&self.key, &signed(id, &timestamp.to_string(), body));
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}

/// What is signed.
fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

#[cfg(test)]
mod tests;
