//! The reader of WebSocket messages makes of any bytes, however they are cut, what tungstenite's own makes of them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((step, bytes)) = bytes.split_first() {
        rt_lowlevel::fuzzing::websocket_reader(bytes, usize::from(*step));
    }
});
