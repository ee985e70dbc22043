//! The cases: which client does what with which messages.

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::GeneralPurposeConfig;

use crate::clients::{CLIENTS, Client};
use crate::corpus;
use crate::stats::Subject;

/// One column of a table.
pub struct Case {
    /// Its name on the command line.
    pub key: &'static str,
    pub title: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    DecodeAudio(u32),
    Decode(&'static str),
    Encode(u32),
}

const fn case(key: &'static str, title: &'static str, kind: Kind) -> Case {
    Case { key, title, kind }
}

/// Text to bytes.
pub const DECODE: [Case; 6] = [
    case("decode-20", "audio 20 ms", Kind::DecodeAudio(20)),
    case("decode-100", "audio 100 ms", Kind::DecodeAudio(100)),
    case("decode-1000", "audio 1 s", Kind::DecodeAudio(1000)),
    case(
        "decode-text",
        "transcript delta",
        Kind::Decode("response.output_audio_transcript.delta"),
    ),
    case(
        "decode-session",
        "session.created",
        Kind::Decode("session.created"),
    ),
    case("decode-done", "response.done", Kind::Decode("response.done")),
];

/// Bytes to text.
pub const ENCODE: [Case; 3] = [
    case("encode-20", "audio 20 ms", Kind::Encode(20)),
    case("encode-100", "audio 100 ms", Kind::Encode(100)),
    case("encode-1000", "audio 1 s", Kind::Encode(1000)),
];

impl Case {
    /// What can do it, floors last. A client that cannot read the messages is left out.
    ///
    /// # Errors
    /// If a message was not recorded.
    pub fn subjects(&self) -> anyhow::Result<Vec<Subject<'static>>> {
        Ok(match self.kind {
            Kind::DecodeAudio(ms) => {
                let messages = corpus::audio_deltas(ms);
                let expected = corpus::pieces(ms);
                let mut subjects = Vec::new();
                for client in &CLIENTS {
                    subjects.extend(decode_audio(client, &messages, &expected));
                }
                subjects.extend(decode_floors(&messages));
                subjects
            }
            Kind::Decode(event_type) => {
                let messages = corpus::recorded(event_type)?;
                CLIENTS
                    .iter()
                    .filter_map(|client| decode(client, &messages))
                    .chain([copy_floor(messages.clone())])
                    .collect()
            }
            Kind::Encode(ms) => {
                let pieces = corpus::pieces(ms);
                CLIENTS
                    .iter()
                    .map(|client| encode(client, &pieces))
                    .chain(encode_floors(&pieces))
                    .collect()
            }
        })
    }
}

fn subject(name: &'static str, messages: usize, run: impl Fn() + 'static) -> Subject<'static> {
    Subject {
        name,
        messages,
        run: Box::new(run),
    }
}

fn dialect(client: &Client, messages: &[String]) -> Vec<String> {
    if client.is_beta {
        corpus::beta(messages)
    } else {
        messages.to_vec()
    }
}

fn decode_audio(
    client: &'static Client,
    messages: &[String],
    expected: &[Vec<u8>],
) -> Option<Subject<'static>> {
    let messages = dialect(client, messages);
    let is_right = messages.iter().zip(expected).all(|(message, expected)| {
        let mut equal = false;
        (client.audio)(message, &mut |bytes| equal = bytes == expected) && equal
    });
    is_right.then(|| {
        subject(client.name, messages.len(), move || {
            for message in &messages {
                (client.audio)(black_box(message), &mut |bytes| {
                    black_box(bytes);
                });
            }
        })
    })
}

fn decode(client: &'static Client, messages: &[String]) -> Option<Subject<'static>> {
    let messages = dialect(client, messages);
    messages.iter().all(|message| (client.event)(message)).then(|| {
        subject(client.name, messages.len(), move || {
            for message in &messages {
                black_box((client.event)(black_box(message)));
            }
        })
    })
}

fn encode(client: &'static Client, pieces: &[Vec<u8>]) -> Subject<'static> {
    let encoders: Vec<_> = pieces
        .iter()
        .map(|piece| (client.encoder)(piece.clone()))
        .collect();
    subject(client.name, encoders.len(), move || {
        for encoder in &encoders {
            black_box(encoder());
        }
    })
}

/// What even the best client cannot avoid.
fn decode_floors(messages: &[String]) -> Vec<Subject<'static>> {
    let texts: Vec<String> = messages
        .iter()
        .map(|message| corpus::base64_of(message).to_owned())
        .collect();
    let count = texts.len();
    let engine = Simd::standard(GeneralPurposeConfig::new());
    let (a, b, c, d) = (texts.clone(), texts.clone(), texts.clone(), texts);
    vec![
        subject("floor: base64 0.23 SIMD", count, move || {
            for text in &a {
                let mut bytes = vec![0; text.len() / 4 * 3];
                let _ = black_box(engine.decode_slice(black_box(text), &mut bytes));
                black_box(bytes);
            }
        }),
        subject("floor: base64-simd 0.8", count, move || {
            for text in &b {
                let _ = black_box(base64_simd::STANDARD.decode_to_vec(black_box(text)));
            }
        }),
        subject("floor: base64-turbo 0.5", count, move || {
            for text in &c {
                let _ = black_box(base64_turbo::STANDARD.decode(black_box(text)));
            }
        }),
        copy_floor(d),
    ]
}

fn encode_floors(pieces: &[Vec<u8>]) -> Vec<Subject<'static>> {
    let count = pieces.len();
    let (a, b, c) = (pieces.to_vec(), pieces.to_vec(), pieces.to_vec());
    let texts = corpus::audio_deltas(u32::try_from(pieces[0].len() / 48).unwrap_or_default());
    let engine = Simd::standard(GeneralPurposeConfig::new());
    vec![
        subject("floor: base64 0.23 SIMD", count, move || {
            for piece in &a {
                black_box(engine.encode(black_box(piece)));
            }
        }),
        subject("floor: base64-simd 0.8", count, move || {
            for piece in &b {
                black_box(base64_simd::STANDARD.encode_to_string(black_box(piece)));
            }
        }),
        subject("floor: base64-turbo 0.5", count, move || {
            for piece in &c {
                black_box(base64_turbo::STANDARD.encode(black_box(piece)));
            }
        }),
        copy_floor(
            texts
                .iter()
                .map(|text| corpus::base64_of(text).to_owned())
                .collect(),
        ),
    ]
}

/// A copy of the text, with its allocation.
fn copy_floor(texts: Vec<String>) -> Subject<'static> {
    subject("floor: copy of the text", texts.len(), move || {
        for text in &texts {
            black_box(black_box(text).clone());
        }
    })
}
