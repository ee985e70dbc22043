//! What is compared: the types of each client, used as its documentation says.
//!
//! Where audio stays base64 in the client's type, the decoding or encoding that its user has to write is part of what is
//! measured: base64 0.22, as in the examples of most of these crates. So each one goes from the text of the message to the
//! bytes of the audio, and back.

use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use bytes::Bytes;
use rt_protocol::client_event::InputAudioBufferAppend;
use rt_protocol::{ClientEvent, Pcm16, ServerEvent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A function that writes the same append again and again.
pub type Encoder = Box<dyn Fn() -> String>;

/// One client's way to read and to write.
pub struct Client {
    pub name: &'static str,
    /// Knows the event names of the beta interface only.
    pub is_beta: bool,
    /// Whether it counts as another client: neither this project nor the plain way.
    pub is_peer: bool,
    /// Reads an audio delta and shows the bytes; `false` if it cannot.
    pub audio: fn(&str, &mut dyn FnMut(&[u8])) -> bool,
    /// Reads another event; `false` if it cannot, or leaves it as one it does not know.
    pub event: fn(&str) -> bool,
    /// Takes PCM16 and makes ready to write it.
    pub encoder: fn(Vec<u8>) -> Encoder,
}

/// All of them, this project first.
pub const CLIENTS: [Client; 8] = [
    Client {
        name: "rt-protocol",
        is_beta: false,
        is_peer: false,
        audio: |json, sink| match ServerEvent::from_json(json) {
            Ok(ServerEvent::ResponseOutputAudioDelta(event)) => {
                sink(event.delta.as_bytes());
                true
            }
            _ => false,
        },
        event: |json| match ServerEvent::from_json(json) {
            Ok(event) => !matches!(std::hint::black_box(event), ServerEvent::Unknown(_)),
            Err(_) => false,
        },
        encoder: |pcm| {
            let audio = Pcm16::from_le_bytes(Bytes::from(pcm)).unwrap_or_default();
            Box::new(move || {
                let audio = audio.clone().into();
                ClientEvent::from(InputAudioBufferAppend {
                    audio,
                    ..Default::default()
                })
                .to_json()
            })
        },
    },
    Client {
        name: "async-openai 0.43",
        is_beta: false,
        is_peer: true,
        audio: |json, sink| {
            use async_openai::types::realtime::RealtimeServerEvent as Event;
            match serde_json::from_str(json) {
                Ok(Event::ResponseOutputAudioDelta(event)) => show(&event.delta, sink),
                _ => false,
            }
        },
        event: reads::<async_openai::types::realtime::RealtimeServerEvent>,
        encoder: |pcm| {
            use async_openai::types::realtime::{
                RealtimeClientEvent, RealtimeClientEventInputAudioBufferAppend as Append,
            };
            Box::new(move || {
                let audio = BASE64_STANDARD.encode(&pcm);
                written(&RealtimeClientEvent::InputAudioBufferAppend(Append {
                    event_id: None,
                    audio,
                }))
            })
        },
    },
    Client {
        name: "oai-rt-rs 0.5",
        is_beta: false,
        is_peer: true,
        audio: |json, sink| match serde_json::from_str(json) {
            Ok(oai_rt_rs::ServerEvent::ResponseOutputAudioDelta { delta, .. }) => show(&delta, sink),
            _ => false,
        },
        event: |json| match serde_json::from_str(json) {
            Ok(event) => !matches!(std::hint::black_box(event), oai_rt_rs::ServerEvent::Unknown(_)),
            Err(_) => false,
        },
        encoder: |pcm| {
            Box::new(move || {
                let audio = BASE64_STANDARD.encode(&pcm);
                written(&oai_rt_rs::ClientEvent::InputAudioBufferAppend {
                    event_id: None,
                    audio,
                })
            })
        },
    },
    Client {
        name: "adk-realtime 2.3",
        is_beta: false,
        is_peer: true,
        audio: |json, sink| match serde_json::from_str(json) {
            Ok(adk_realtime::ServerEvent::AudioDelta { delta, .. }) => {
                sink(&delta);
                true
            }
            _ => false,
        },
        event: |json| match serde_json::from_str(json) {
            Ok(event) => !matches!(std::hint::black_box(event), adk_realtime::ServerEvent::Unknown),
            Err(_) => false,
        },
        encoder: |pcm| {
            let event = adk_realtime::ClientEvent::AudioDelta {
                event_id: None,
                audio: pcm,
                format: None,
            };
            Box::new(move || written(&event))
        },
    },
    Client {
        name: "openai-tools 3.2",
        is_beta: true,
        is_peer: true,
        audio: |json, sink| match serde_json::from_str(json) {
            Ok(openai_tools::realtime::ServerEvent::ResponseAudioDelta(event)) => show(&event.delta, sink),
            _ => false,
        },
        event: |json| match serde_json::from_str(json) {
            Ok(event) => !matches!(
                std::hint::black_box(event),
                openai_tools::realtime::ServerEvent::Unknown
            ),
            Err(_) => false,
        },
        encoder: |pcm| {
            Box::new(move || {
                written(&openai_tools::realtime::ClientEvent::append_audio(
                    BASE64_STANDARD.encode(&pcm),
                ))
            })
        },
    },
    Client {
        name: "openai-core 0.2",
        is_beta: false,
        is_peer: true,
        audio: |json, sink| match serde_json::from_str::<openai_core::RealtimeServerEvent>(json) {
            Ok(event) => match event.raw().data.get("delta") {
                Some(Value::String(delta)) => show(delta, sink),
                _ => false,
            },
            Err(_) => false,
        },
        event: reads::<openai_core::RealtimeServerEvent>,
        // It has no types to send: its users write `json!`.
        encoder: |pcm| {
            Box::new(move || {
                written(&json!({"type": "input_audio_buffer.append", "audio": BASE64_STANDARD.encode(&pcm)}))
            })
        },
    },
    Client {
        name: "openai-api-rs 10",
        is_beta: true,
        is_peer: true,
        audio: |json, sink| {
            use openai_api_rs::realtime::server_event::ServerEvent as Event;
            match serde_json::from_str(json) {
                Ok(Event::ResponseAudioDelta(event)) => show(&event.delta, sink),
                _ => false,
            }
        },
        event: reads::<openai_api_rs::realtime::server_event::ServerEvent>,
        encoder: |pcm| {
            use openai_api_rs::realtime::client_event::{ClientEvent, InputAudioBufferAppend};
            Box::new(move || {
                let audio = BASE64_STANDARD.encode(&pcm);
                written(&ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend {
                    event_id: None,
                    audio,
                }))
            })
        },
    },
    Client {
        name: "serde(tag) and base64 0.22",
        is_beta: false,
        is_peer: false,
        audio: |json, sink| match serde_json::from_str(json) {
            Ok(Naive::AudioDelta(event)) => show(&event.delta, sink),
            _ => false,
        },
        event: reads::<Naive>,
        encoder: |pcm| {
            Box::new(move || {
                let audio = BASE64_STANDARD.encode(&pcm);
                written(&NaiveAppend::InputAudioBufferAppend { audio })
            })
        },
    },
];

/// What anybody would write first.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Naive {
    #[serde(rename = "response.output_audio.delta")]
    AudioDelta(NaiveDelta),
    #[serde(rename = "response.output_audio_transcript.delta")]
    #[expect(dead_code, reason = "read because a client reads them")]
    TranscriptDelta(NaiveDelta),
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read because a client reads them")]
struct NaiveDelta {
    event_id: String,
    response_id: String,
    item_id: String,
    output_index: u32,
    content_index: u32,
    delta: String,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum NaiveAppend {
    #[serde(rename = "input_audio_buffer.append")]
    InputAudioBufferAppend { audio: String },
}

/// For clients that refuse what they do not know.
fn reads<T: DeserializeOwned>(json: &str) -> bool {
    serde_json::from_str::<T>(json).map(std::hint::black_box).is_ok()
}

/// What the user of a client does with base64.
fn show(base64: &str, sink: &mut dyn FnMut(&[u8])) -> bool {
    match BASE64_STANDARD.decode(base64) {
        Ok(bytes) => {
            sink(&bytes);
            true
        }
        Err(_) => false,
    }
}

fn written(event: &impl Serialize) -> String {
    serde_json::to_string(event).unwrap_or_default()
}
