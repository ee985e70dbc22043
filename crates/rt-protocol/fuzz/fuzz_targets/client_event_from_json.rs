//! Any text is an event, an unknown event or an error; what was decoded can be written and decoded again to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rt_protocol::ClientEvent;
use rt_protocol::session::SessionKind;

fuzz_target!(|text: &str| {
    match ClientEvent::from_json(text) {
        Ok(event) => {
            let written = event.to_json();
            // A translation is written without its type: to read it again takes the kind of the endpoint.
            let kind = match &event {
                ClientEvent::SessionUpdate(update) => update.session.kind(),
                _ => None,
            };
            let kind = kind.unwrap_or(SessionKind::Realtime);
            let again = ClientEvent::from_json_for(kind, &written).expect("what was written is read");
            assert_eq!(event.event_type().trim(), again.event_type().trim());
            assert_eq!(written, again.to_json());
        }
        Err(error) => {
            assert_eq!(error.raw(), text);
            let _ = (error.to_string(), error.kind(), error.line(), error.column());
        }
    }
});
