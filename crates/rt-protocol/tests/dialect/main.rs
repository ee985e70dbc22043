//! The beta dialect, table by table.

#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod codec;
mod events;
mod items;
mod properties;
mod responses;
mod sessions;
mod warnings;

use rt_protocol::ClientEvent;
use rt_protocol::dialect::{Codec, Dialect, WarningReason};
use serde_json::Value;

fn beta() -> Codec {
    Codec::new(Dialect::Beta)
}

/// The GA events that a beta server's message becomes, as JSON.
fn decoded(codec: &mut Codec, message: &Value) -> Vec<Value> {
    let events = codec.decode_server(&message.to_string()).unwrap();
    events.map(|event| parsed(&event.to_json())).collect()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

/// What a client's GA event becomes, and the paths and reasons of the warnings.
fn encoded(codec: &mut Codec, event: &Value) -> (Option<Value>, Vec<(String, WarningReason)>) {
    let event = ClientEvent::from_json(&event.to_string()).unwrap();
    let encoded = codec.encode_client(&event);
    let warnings = encoded.warnings.iter();
    (
        encoded.json.as_deref().map(parsed),
        warnings.map(|w| (w.path().to_owned(), w.reason())).collect(),
    )
}
