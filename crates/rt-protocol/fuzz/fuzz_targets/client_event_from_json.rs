//! Any text is an event, an unknown event or an error; what was decoded can be written and decoded again to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rt_protocol::ClientEvent;

fuzz_target!(|text: &str| {
    match ClientEvent::from_json(text) {
        Ok(event) => {
            let written = event.to_json();
            let again = ClientEvent::from_json(&written).expect("what was written is read");
            assert_eq!(event.event_type().trim(), again.event_type().trim());
            assert_eq!(written, again.to_json());
        }
        Err(error) => {
            assert_eq!(error.raw(), text);
            let _ = (error.to_string(), error.kind(), error.line(), error.column());
        }
    }
});
