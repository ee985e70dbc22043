//! What the service sends by webhook.

use serde::{Deserialize, Deserializer, Serialize};

use crate::field;
use crate::http::json_body;
use crate::tagged::{self, Fields, Tagged};
use crate::{Field, RawObject, Text};

/// A webhook about calls.
///
/// Check the signature of the request before you trust it: headers `webhook-id`, `webhook-timestamp` and
/// `webhook-signature`, over the bytes of the body as they came.
///
/// ```
/// use rt_protocol::http::Webhook;
/// let body = r#"{"id":"evt_1","object":"event","created_at":1719168000,"type":"realtime.call.incoming",
///                "data":{"call_id":"rtc_1","sip_headers":[{"name":"From","value":"sip:+1@example.com"}]}}"#;
/// let Webhook::RealtimeCallIncoming(call) = Webhook::from_json(body)? else { unreachable!() };
/// assert_eq!(call.data.call_id, "rtc_1");
/// assert_eq!(call.data.header("from"), Some("sip:+1@example.com"));
/// # Ok::<(), rt_protocol::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Webhook {
    /// Somebody calls by SIP; answered by [`CallAccept`](crate::http::CallAccept) or
    /// [`CallReject`](crate::http::CallReject).
    ///
    /// See [OpenAI Realtime reference/realtime.call.incoming](https://platform.openai.com/docs/api-reference/webhook-events/realtime/call/incoming).
    #[serde(rename = "realtime.call.incoming")]
    RealtimeCallIncoming(CallIncoming),
    /// The same of the Live API, which is another protocol.
    #[serde(rename = "live.call.incoming")]
    LiveCallIncoming(LiveCallIncoming),
    /// A webhook this version does not know.
    #[serde(untagged)]
    Unknown(RawObject),
}

/// `realtime.call.incoming`: somebody calls by SIP.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallIncoming {
    /// The id of the webhook event, `evt_...`: the same if it is delivered again.
    #[serde(default, deserialize_with = "field::or_default")]
    pub id: String,
    /// Always `event`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// When it happened, in seconds since 1970.
    #[serde(default, deserialize_with = "field::or_default")]
    pub created_at: u64,
    /// The call.
    #[serde(default, deserialize_with = "field::or_default")]
    pub data: CallData,
}

/// The call of a [`CallIncoming`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallData {
    /// The call's id, `rtc_...`: part of the paths to accept and reject it, and of the address to listen in.
    #[serde(default, deserialize_with = "field::or_default")]
    pub call_id: String,
    /// Headers of the SIP invitation.
    #[serde(default, deserialize_with = "field::items")]
    pub sip_headers: Vec<SipHeader>,
}

impl CallData {
    /// The first SIP header of this name; SIP does not know case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.sip_headers, name)
    }
}

/// `live.call.incoming`: somebody calls a session of the Live API.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LiveCallIncoming {
    /// The id of the webhook event, `evt_...`: the same if it is delivered again.
    #[serde(default, deserialize_with = "field::or_default")]
    pub id: String,
    /// Always `event`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub object: Field<String>,
    /// When it happened, in seconds since 1970.
    #[serde(default, deserialize_with = "field::or_default")]
    pub created_at: u64,
    /// The call.
    #[serde(default, deserialize_with = "field::or_default")]
    pub data: LiveCallData,
}

/// The call of a [`LiveCallIncoming`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LiveCallData {
    /// The id of the session.
    #[serde(default, deserialize_with = "field::or_default")]
    pub session_id: String,
    /// Headers of the SIP invitation.
    #[serde(default, deserialize_with = "field::items")]
    pub sip_headers: Vec<SipHeader>,
}

impl LiveCallData {
    /// The first SIP header of this name; SIP does not know case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.sip_headers, name)
    }
}

/// A header of a SIP message. Who calls is not shown by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SipHeader {
    /// Its name, such as `From`.
    #[serde(default, deserialize_with = "field::or_default")]
    pub name: String,
    /// Its value.
    #[serde(default, deserialize_with = "field::or_default")]
    pub value: Text,
}

fn header<'a>(headers: &'a [SipHeader], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| &*header.value)
}

json_body! {
    Webhook = "webhook",
}

impl<'de> Tagged<'de> for Webhook {
    const EXPECTED: &'static str = "a webhook object";

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            Some("realtime.call.incoming") => fields.read().map(Self::RealtimeCallIncoming),
            Some("live.call.incoming") => fields.read().map(Self::LiveCallIncoming),
            _ => fields.raw().map(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for Webhook {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
