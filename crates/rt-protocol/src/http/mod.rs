//! Bodies of the HTTP side of the API: ephemeral keys, calls, webhooks, errors. Data only, no requests.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST realtime/client_secrets` | [`ClientSecretRequest`] | [`ClientSecretResponse`] |
//! | `POST realtime/translations/client_secrets` | [`TranslationSecretRequest`] | [`ClientSecretResponse`] |
//! | `POST realtime/calls` | [`CallCreate`], multipart | 201, an SDP answer, and the call's id in `Location`: [`call_id`] |
//! | `POST realtime/calls/{call_id}/accept` | [`CallAccept`] | 200, empty |
//! | `POST realtime/calls/{call_id}/reject` | [`CallReject`] | 200, empty |
//! | `POST realtime/calls/{call_id}/refer` | [`CallRefer`] | 200, empty |
//! | `POST realtime/calls/{call_id}/hangup` | none | 200, empty |
//! | a webhook, from the service | [`Webhook`] | 200, empty |
//! | any that fails | | [`ErrorBody`] |
//!
//! Azure OpenAI has the same paths below `openai/v1/`, and the same bodies.
//!
//! ```
//! use rt_protocol::http::{ClientSecretRequest, ClientSecretResponse};
//! use rt_protocol::RealtimeSession;
//!
//! let request = ClientSecretRequest::new(RealtimeSession::new().model("gpt-realtime-2.1")).expires_after(600);
//! request.check()?;
//! assert_eq!(
//!     request.to_json(),
//!     r#"{"expires_after":{"anchor":"created_at","seconds":600},"session":{"type":"realtime","model":"gpt-realtime-2.1"}}"#,
//! );
//!
//! let answer = r#"{"value":"ek_abc","expires_at":1756310470,"session":{"type":"realtime"}}"#;
//! let answer = ClientSecretResponse::from_json(answer)?;
//! assert_eq!(answer.value.expose(), "ek_abc");
//! assert_eq!(format!("{:?}", answer.value), "ClientSecret(6 bytes)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod call;
mod client_secret;
mod error;
mod webhook;

pub use self::call::{CallAccept, CallCreate, CallRefer, CallReject, Part, call_id};
pub use self::client_secret::{
    Anchor, ClientSecret, ClientSecretRequest, ClientSecretResponse, ExpiresAfter, TranslationSecretRequest,
};
pub use self::error::{ApiError, ErrorBody};
pub use self::webhook::{CallData, CallIncoming, LiveCallData, LiveCallIncoming, SipHeader, Webhook};

use serde::de::DeserializeOwned;

use crate::DecodeError;

/// Reads a body; the error says which it was meant to be.
fn from_json<T: DeserializeOwned>(name: &str, json: &str) -> Result<T, DecodeError> {
    crate::read::body(name, json)
}

/// `from_json` and `to_json` of a body.
macro_rules! json_body {
    ($($Body:ty = $name:literal),* $(,)?) => {$(
        impl $Body {
            /// Reads the body. Unknown fields, unknown values of string enums, and `null` or missing fields are not
            /// errors.
            ///
            /// # Errors
            /// If the text is not a JSON object, or if a field has another kind of value than the protocol says. The
            /// error keeps the text.
            pub fn from_json(json: &str) -> Result<Self, crate::DecodeError> {
                crate::http::from_json($name, json)
            }

            /// The body as JSON text.
            #[must_use]
            pub fn to_json(&self) -> String {
                crate::events::to_json(self)
            }
        }
    )*};
}
use json_body;

/// `check` of a body.
macro_rules! check_body {
    ($($Body:ty),* $(,)?) => {$(
        impl $Body {
            /// Checks the body against the [limits](crate::limits) of the service.
            ///
            /// # Errors
            /// [`LimitError`](crate::limits::LimitError) for the first field beyond its limit.
            pub fn check(&self) -> Result<(), crate::limits::LimitError> {
                crate::limits::Path::Root.check(self)
            }
        }
    )*};
}
use check_body;
