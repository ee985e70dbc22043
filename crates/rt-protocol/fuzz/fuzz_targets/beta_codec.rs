//! Any lines are read by one codec in every direction; what it writes, it reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rt_protocol::dialect::{BetaVariant, Codec, Dialect};
use rt_protocol::{ClientEvent, ServerEvent};

fuzz_target!(|input: (u8, &str)| {
    let variant = match input.0 % 3 {
        0 => BetaVariant::OpenAi,
        1 => BetaVariant::AzurePreview,
        _ => BetaVariant::VoiceLive,
    };
    let mut codec = Codec::new(Dialect::Beta).with_variant(variant);
    for line in input.1.lines() {
        let _ = Dialect::detect(line);
        let mut messages = Vec::new();
        if let Ok(events) = codec.decode_server(line) {
            messages.extend(events);
        }
        messages.extend(ServerEvent::from_json(line));
        for event in messages {
            if let Some(beta) = codec.encode_server(&event) {
                assert!(codec.decode_server(&beta).is_ok(), "what was written is read");
            }
        }
        for event in codec.decode_client(line).into_iter().chain(ClientEvent::from_json(line)) {
            if let Some(beta) = codec.encode_client(&event).json {
                assert!(codec.decode_client(&beta).is_ok(), "what was written is read");
            }
        }
    }
});
