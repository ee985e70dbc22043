//! Decoding and encoding, for daily work: `cargo bench -p rt-protocol`. Comparisons with other crates are in `bench/`.

use divan::{Bencher, black_box};
use rt_protocol::client_event::InputAudioBufferAppend;
use rt_protocol::{ClientEvent, Pcm16, ServerEvent};

fn main() {
    divan::main();
}

/// Audio of the given duration in milliseconds that no encoder can shortcut.
fn audio(ms: u32) -> Pcm16 {
    (0..ms * 24).scan(1_u32, |state, _| Some(noise(state))).collect()
}

fn noise(state: &mut u32) -> i16 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 16) as u16 as i16
}

/// What a server sends for so much audio.
fn audio_delta(ms: u32) -> String {
    let append = ClientEvent::from(InputAudioBufferAppend {
        audio: audio(ms).into(),
        ..Default::default()
    })
    .to_json();
    let base64 = append.split('"').nth_back(1).unwrap_or_default().to_owned();
    format!(
        r#"{{"type":"response.output_audio.delta","event_id":"event_E6U0xVhBC3KCTCrIG4g8q","response_id":"resp_E6U0xfWhN878XBMhc0LKn","item_id":"item_E6U0xWSFIFri2uw2kTLLq","output_index":0,"content_index":0,"delta":"{base64}"}}"#
    )
}

#[divan::bench(args = [20, 100, 1000])]
fn decode_audio_delta(bencher: Bencher<'_, '_>, ms: u32) {
    let json = audio_delta(ms);
    bencher.bench(|| ServerEvent::from_json(black_box(&json)));
}

#[divan::bench(args = [20, 100, 1000])]
fn encode_append(bencher: Bencher<'_, '_>, ms: u32) {
    let event = ClientEvent::from(InputAudioBufferAppend {
        audio: audio(ms).into(),
        ..Default::default()
    });
    bencher.bench(|| black_box(&event).to_json());
}

#[divan::bench(args = ["response.output_audio_transcript.delta", "session.created", "response.done", "error"])]
fn decode_fixture(bencher: Bencher<'_, '_>, name: &str) {
    let path = format!(
        "{}/../../fixtures/events/server/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let json = without_space(&text);
    bencher.bench(|| ServerEvent::from_json(black_box(&json)));
}

/// As on the wire. The fields keep their order, which decides how much is read before the `type`.
fn without_space(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = !in_string,
                _ => {}
            }
            in_string || !c.is_ascii_whitespace()
        })
        .collect()
}
