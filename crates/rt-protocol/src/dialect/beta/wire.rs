//! Writing one message.

use serde::Serialize;

/// Writes a payload under the given type.
pub(super) fn write(event_type: &str, payload: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Event<'a, T> {
        #[serde(rename = "type")]
        event_type: &'a str,
        #[serde(flatten)]
        payload: &'a T,
    }
    crate::events::to_json(&Event { event_type, payload })
}
