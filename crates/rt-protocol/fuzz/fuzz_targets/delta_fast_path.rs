//! The one scan of delta events never takes what serde refuses, and reads what it takes as serde does.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some((fast, slow)) = rt_protocol::fuzzing::delta_event(text) {
        assert_eq!(Some(fast), slow);
    }
});
