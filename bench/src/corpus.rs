//! The messages that are measured: audio that is generated, and the rest as it was recorded.
//!
//! Everything is the same in every run. Audio is noise, so that no branch of a base64 codec can be predicted from it;
//! the other messages are those of the repository's recordings, with the fields in the order the server sent them.

use anyhow::{Context as _, ensure};
use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use yaml_serde::Value;

/// How many different messages of a kind take turns, so that none is known to the branch predictor by heart.
const VARIANTS: u32 = 8;

const RECORDINGS: [&str; 4] = [
    include_str!("../../fixtures/golden/audio_in_server_vad_turn.yaml"),
    include_str!("../../fixtures/golden/message_history_seeding.yaml"),
    include_str!("../../fixtures/golden/text_in_audio_out_turn.yaml"),
    include_str!("../../fixtures/golden/tool_call_round.yaml"),
];

/// Little-endian PCM16 at 24 kHz: `ms` milliseconds of noise, another one for each `variant`.
pub fn pcm(ms: u32, variant: u32) -> Vec<u8> {
    let mut state = variant.wrapping_mul(0x9e37_79b9).wrapping_add(1);
    (0..ms * 48)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

/// Pieces of audio of the same length.
pub fn pieces(ms: u32) -> Vec<Vec<u8>> {
    (0..VARIANTS).map(|variant| pcm(ms, variant)).collect()
}

/// `response.output_audio.delta` as the server writes it, with so much audio each.
pub fn audio_deltas(ms: u32) -> Vec<String> {
    pieces(ms)
        .iter()
        .enumerate()
        .map(|(n, pcm)| {
            format!(
                r#"{{"type":"response.output_audio.delta","event_id":"event_E6U0xVhBC3KCTCrIG4g{n:02}","response_id":"resp_E6U0xfWhN878XBMhc0LKn","item_id":"item_E6U0xWSFIFri2uw2kTLLq","output_index":0,"content_index":0,"delta":"{}"}}"#,
                BASE64_STANDARD.encode(pcm)
            )
        })
        .collect()
}

/// All recorded messages of a type, as text without white space.
pub fn recorded(event_type: &str) -> anyhow::Result<Vec<String>> {
    let mut messages = Vec::new();
    for recording in RECORDINGS {
        let recording: Value = yaml_serde::from_str(recording)?;
        let interactions = recording["interactions"].as_sequence().context("interactions")?;
        for interaction in interactions {
            let data = &interaction["data"];
            if interaction["direction"] == "received" && data["type"] == event_type {
                messages.push(serde_json::to_string(data)?);
            }
        }
    }
    ensure!(!messages.is_empty(), "no {event_type} was recorded");
    Ok(messages)
}

/// The same messages with the names of the beta interface, which is all that some clients know.
pub fn beta(messages: &[String]) -> Vec<String> {
    messages
        .iter()
        .map(|message| {
            message
                .replacen("\"response.output_audio", "\"response.audio", 1)
                .replacen("\"response.output_text", "\"response.text", 1)
        })
        .collect()
}

/// The base64 of an audio delta.
pub fn base64_of(message: &str) -> &str {
    message.rsplit('"').nth(1).unwrap_or_default()
}
