//! The fast path for delta events, which are nine tenths of what a server sends.
//!
//! Such an event is flat: one object of strings without escapes and small unsigned numbers. One scan finds its
//! fields, and the audio is decoded from the message's own text. **Whatever is not exactly that shape is left to
//! serde**: an escape, a nested value, `null`, a sign, a fraction, a repeated field, a stray character. So the scan
//! never reports an error, and never accepts what serde would refuse; a fuzz target holds the two against each
//! other.

use memchr::memchr;

use crate::peek::{plain_len, skip_space};
use crate::server_event::{
    ConversationItemInputAudioTranscriptionDelta, ResponseFunctionCallArgumentsDelta,
    ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta,
};
use crate::{AudioBytes, Field, ServerEvent, Text, b64};

/// Reads a delta event, if `json` is one in its plain form. With `rest`, it is known as far as that, where its type ends.
pub(crate) fn delta_event(event_type: &str, rest: Option<usize>, json: &str) -> Option<ServerEvent> {
    Some(match event_type {
        "response.output_audio.delta" => {
            let fields = Fields::scan(json, rest, true)?;
            ServerEvent::ResponseOutputAudioDelta(ResponseOutputAudioDelta {
                delta: match fields.delta {
                    Some(text) => AudioBytes::from(b64::decode(text.as_bytes())?),
                    None => AudioBytes::default(),
                },
                event_id: fields.event_id(),
                response_id: owned(fields.response_id),
                item_id: owned(fields.item_id),
                output_index: fields.output_index.unwrap_or_default(),
                content_index: fields.content_index.unwrap_or_default(),
                obfuscation: fields.obfuscation(),
            })
        }
        "response.output_text.delta" => {
            let fields = Fields::scan(json, rest, false)?;
            ServerEvent::ResponseOutputTextDelta(ResponseOutputTextDelta {
                event_id: fields.event_id(),
                response_id: owned(fields.response_id),
                item_id: owned(fields.item_id),
                output_index: fields.output_index.unwrap_or_default(),
                content_index: fields.content_index.unwrap_or_default(),
                delta: fields.text(),
                obfuscation: fields.obfuscation(),
            })
        }
        "response.output_audio_transcript.delta" => {
            let fields = Fields::scan(json, rest, false)?;
            ServerEvent::ResponseOutputAudioTranscriptDelta(ResponseOutputAudioTranscriptDelta {
                event_id: fields.event_id(),
                response_id: owned(fields.response_id),
                item_id: owned(fields.item_id),
                output_index: fields.output_index.unwrap_or_default(),
                content_index: fields.content_index.unwrap_or_default(),
                delta: fields.text(),
                obfuscation: fields.obfuscation(),
            })
        }
        "response.function_call_arguments.delta" => {
            let fields = Fields::scan(json, rest, false)?;
            ServerEvent::ResponseFunctionCallArgumentsDelta(ResponseFunctionCallArgumentsDelta {
                event_id: fields.event_id(),
                response_id: owned(fields.response_id),
                item_id: owned(fields.item_id),
                output_index: fields.output_index.unwrap_or_default(),
                call_id: owned(fields.call_id),
                delta: fields.text(),
                obfuscation: fields.obfuscation(),
            })
        }
        "conversation.item.input_audio_transcription.delta" => {
            let fields = Fields::scan(json, rest, false)?;
            if fields.logprobs {
                return None;
            }
            ServerEvent::ConversationItemInputAudioTranscriptionDelta(
                ConversationItemInputAudioTranscriptionDelta {
                    event_id: fields.event_id(),
                    item_id: owned(fields.item_id),
                    content_index: fields.content_index.into(),
                    delta: match fields.delta {
                        Some(_) => Field::Value(fields.text()),
                        None => Field::Absent,
                    },
                    logprobs: Field::Absent,
                    obfuscation: fields.obfuscation(),
                },
            )
        }
        _ => return None,
    })
}

/// The fields of all delta events together; which of them count depends on the type.
#[derive(Default)]
struct Fields<'a> {
    event_id: Option<&'a str>,
    response_id: Option<&'a str>,
    item_id: Option<&'a str>,
    call_id: Option<&'a str>,
    delta: Option<&'a str>,
    obfuscation: Option<&'a str>,
    output_index: Option<u32>,
    content_index: Option<u32>,
    logprobs: bool,
}

/// The fields that are looked at.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    EventId,
    ResponseId,
    ItemId,
    CallId,
    Delta,
    Obfuscation,
    OutputIndex,
    ContentIndex,
    Logprobs,
    /// Unknown fields are ignored, whatever they hold, and so is the type, which was read before.
    Other,
}

impl Key {
    fn new(name: &str) -> Self {
        match name {
            "event_id" => Self::EventId,
            "response_id" => Self::ResponseId,
            "item_id" => Self::ItemId,
            "call_id" => Self::CallId,
            "delta" => Self::Delta,
            "obfuscation" => Self::Obfuscation,
            "output_index" => Self::OutputIndex,
            "content_index" => Self::ContentIndex,
            "logprobs" => Self::Logprobs,
            _ => Self::Other,
        }
    }

    /// A known key and its colon, if `bytes` begin with them: by their first eight bytes, which is quicker than to look
    /// for the end of the name and then to compare it. With their length.
    fn known(bytes: &[u8]) -> Option<(Self, usize)> {
        const fn word(name: &[u8; 8]) -> u64 {
            u64::from_le_bytes(*name)
        }
        const EVENT_ID: u64 = word(b"\"event_i");
        const RESPONSE: u64 = word(b"\"respons");
        const ITEM_ID: u64 = word(b"\"item_id");
        const CALL_ID: u64 = word(b"\"call_id");
        const DELTA: u64 = word(b"\"delta\":");
        const OBFUSCATION: u64 = word(b"\"obfusca");
        const OUTPUT: u64 = word(b"\"output_");
        const CONTENT: u64 = word(b"\"content");

        let (first, rest) = bytes.split_first_chunk::<8>()?;
        match word(first) {
            EVENT_ID if rest.starts_with(b"d\":") => Some((Self::EventId, 11)),
            RESPONSE if rest.starts_with(b"e_id\":") => Some((Self::ResponseId, 14)),
            ITEM_ID if rest.starts_with(b"\":") => Some((Self::ItemId, 10)),
            CALL_ID if rest.starts_with(b"\":") => Some((Self::CallId, 10)),
            DELTA => Some((Self::Delta, 8)),
            OBFUSCATION if rest.starts_with(b"tion\":") => Some((Self::Obfuscation, 14)),
            OUTPUT if rest.starts_with(b"index\":") => Some((Self::OutputIndex, 15)),
            CONTENT if rest.starts_with(b"_index\":") => Some((Self::ContentIndex, 16)),
            _ => None,
        }
    }
}

impl<'a> Fields<'a> {
    /// Scans a flat object, from behind its first field if that is known; `None` for anything else.
    ///
    /// With `is_audio`, the delta may hold anything but a quote: whoever decodes it finds out.
    fn scan(json: &'a str, rest: Option<usize>, is_audio: bool) -> Option<Self> {
        let bytes = json.as_bytes();
        let mut fields = Self::default();
        let mut at = match rest {
            Some(at) => at,
            None => fields.field(json, after(bytes, 0, b'{')?, is_audio)?,
        };
        loop {
            at = skip_space(bytes, at);
            match bytes.get(at)? {
                b',' => at = fields.field(json, at + 1, is_audio)?,
                b'}' => return (skip_space(bytes, at + 1) == bytes.len()).then_some(fields),
                _ => return None,
            }
        }
    }

    /// Takes the field at `at`, and gives the position behind it; `None` if it is there twice or has another kind of value
    /// than serde would take.
    fn field(&mut self, json: &'a str, at: usize, is_audio: bool) -> Option<usize> {
        let bytes = json.as_bytes();
        let (key, at) = match Key::known(&bytes[at..]) {
            Some((key, len)) => (key, at + len),
            None => {
                let (name, end) = text(json, skip_space(bytes, at))?;
                (Key::new(name), after(bytes, end, b':')?)
            }
        };
        let at = skip_space(bytes, at);
        let field = match key {
            Key::EventId => &mut self.event_id,
            Key::ResponseId => &mut self.response_id,
            Key::ItemId => &mut self.item_id,
            Key::CallId => &mut self.call_id,
            Key::Delta => &mut self.delta,
            Key::Obfuscation => &mut self.obfuscation,
            Key::OutputIndex | Key::ContentIndex => {
                let (number, end) = number(json, at)?;
                let field = if key == Key::OutputIndex {
                    &mut self.output_index
                } else {
                    &mut self.content_index
                };
                return field.replace(number).is_none().then_some(end);
            }
            Key::Logprobs | Key::Other => {
                self.logprobs |= key == Key::Logprobs;
                return match bytes.get(at)? {
                    b'"' => text(json, at).map(|(_, end)| end),
                    _ => number(json, at).map(|(_, end)| end),
                };
            }
        };
        let (text, end) = if is_audio && key == Key::Delta {
            audio(json, at)?
        } else {
            text(json, at)?
        };
        field.replace(text).is_none().then_some(end)
    }

    fn event_id(&self) -> String {
        owned(self.event_id)
    }

    fn obfuscation(&self) -> Field<String> {
        self.obfuscation.map(str::to_owned).into()
    }

    /// The delta as text.
    fn text(&self) -> Text {
        self.delta.unwrap_or_default().into()
    }
}

fn owned(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

/// The position behind `byte`, which may have white space before it.
fn after(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    let at = skip_space(bytes, at);
    (bytes.get(at) == Some(&byte)).then_some(at + 1)
}

/// The inside of the string that starts at `at`, if it stands for itself, and the position behind it.
fn text(json: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = json.as_bytes();
    let start = after_quote(bytes, at)?;
    let end = start + plain_len(&bytes[start..]);
    (bytes.get(end) == Some(&b'"')).then(|| (&json[start..end], end + 1))
}

/// The same for audio, without looking at most of it: its end is taken to be the first quote in the last [`TAIL`] bytes
/// of the message. If that is wrong, there is a quote in what is returned, and base64 has none: the decoder refuses it.
fn audio(json: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = json.as_bytes();
    let start = after_quote(bytes, at)?;
    let tail = start.max(bytes.len().saturating_sub(TAIL));
    let end = tail + memchr(b'"', &bytes[tail..])?;
    Some((&json[start..end], end + 1))
}

/// More than the other fields of an audio delta take.
const TAIL: usize = 512;

fn after_quote(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at) == Some(&b'"')).then_some(at + 1)
}

/// The unsigned number at `at` and the position behind it: digits only, no leading zero.
fn number(json: &str, at: usize) -> Option<(u32, usize)> {
    let digits = json.as_bytes()[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let end = at + digits.count();
    let number = &json[at..end];
    if number.is_empty() || number.len() > 9 || (number.len() > 1 && number.starts_with('0')) {
        return None;
    }
    if matches!(json.as_bytes().get(end), Some(b'.' | b'e' | b'E')) {
        return None;
    }
    Some((number.parse().ok()?, end))
}

/// What serde makes of the same text: what the fast path is held against.
#[cfg(any(test, fuzzing))]
pub(crate) fn slow(event_type: &str, json: &str) -> Option<ServerEvent> {
    use serde_json::from_str;
    match event_type {
        "response.output_audio.delta" => from_str(json).ok().map(ServerEvent::ResponseOutputAudioDelta),
        "response.output_text.delta" => from_str(json).ok().map(ServerEvent::ResponseOutputTextDelta),
        "response.output_audio_transcript.delta" => from_str(json)
            .ok()
            .map(ServerEvent::ResponseOutputAudioTranscriptDelta),
        "response.function_call_arguments.delta" => from_str(json)
            .ok()
            .map(ServerEvent::ResponseFunctionCallArgumentsDelta),
        "conversation.item.input_audio_transcription.delta" => from_str(json)
            .ok()
            .map(ServerEvent::ConversationItemInputAudioTranscriptionDelta),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
