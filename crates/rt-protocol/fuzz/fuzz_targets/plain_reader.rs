//! The plain reader never takes what serde_json refuses, and reads what it takes as serde_json does.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    rt_protocol::fuzzing::plain_reader(text);
});
