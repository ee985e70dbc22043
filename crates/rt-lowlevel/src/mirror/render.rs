//! Items as a new session is told them.

use rt_protocol::item::{Message, Role};
use rt_protocol::{ContentPart, Field, Item};

use super::calls;
use super::clock::Format;
use super::heard::{Part, Playback};
use super::items::{Body, Entry, Given, Items, Spoken};
use super::report::LostReason;

/// An item as it is told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rendered {
    pub(super) item: Item,
    /// It had audio, and is text now.
    pub(super) text_only: bool,
}

/// What is to be done with an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Telling {
    Told(Box<Rendered>),
    /// Nothing for now, or not at all, and nothing is lost by it.
    Withheld,
    Lost(LostReason),
}

/// How items are rendered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renderer<'a> {
    pub(super) items: &'a Items,
    pub(super) playback: Playback,
    /// The input format of the session.
    pub(super) format: Format,
}

impl Renderer<'_> {
    pub(super) fn tell(&self, entry: &Entry) -> Telling {
        let told = match &entry.body {
            Body::Message(given) => self.message(given),
            Body::Spoken(spoken) => self.spoken(spoken),
            Body::Call(call) => {
                if !call.whole {
                    Err(LostReason::Incomplete)
                } else if self.items.is_open_call(entry) {
                    // Together with its output, when that comes.
                    return Telling::Withheld;
                } else {
                    Ok((restored_call(entry), false))
                }
            }
            Body::Output(output) => {
                let call = self
                    .items
                    .call(&output.call_id)
                    .map(|at| &self.items.entries()[at]);
                if call.and_then(Entry::call).is_some_and(|call| call.whole) {
                    Ok((restored_output(entry), false))
                } else {
                    Err(LostReason::NoCall)
                }
            }
            // The session lists the tools of its servers by itself.
            Body::Other(Item::McpListTools(_)) => return Telling::Withheld,
            Body::Other(Item::McpCall(call))
                if call.output.value().is_some() || call.error.value().is_some() =>
            {
                Ok((Item::McpCall(call.clone()), false))
            }
            Body::Other(Item::McpCall(_)) => Err(LostReason::Incomplete),
            Body::Other(_) => Err(LostReason::Unsupported),
        };
        match told {
            Ok((item, text_only)) => {
                let item = item.with_id(entry.id.as_str());
                Telling::Told(Rendered { item, text_only }.into())
            }
            Err(reason) => Telling::Lost(reason),
        }
    }

    fn message(&self, given: &Given) -> Result<(Item, bool), LostReason> {
        let mut text_only = false;
        let mut content = Vec::new();
        for part in &given.message.content {
            let Some(told) = self.part(given, part) else {
                continue;
            };
            text_only |= part.text.value().is_none() && told.text.value().is_some();
            content.push(told);
        }
        if content.is_empty() && !(given.message.content.is_empty() && given.turn.is_empty()) {
            return Err(LostReason::NoTranscript);
        }
        let message = Message {
            object: Field::Absent,
            status: Field::Absent,
            content,
            ..given.message.clone()
        };
        Ok((message.into(), text_only))
    }

    /// Text as it is, audio as its transcript, else as audio.
    fn part(&self, given: &Given, part: &ContentPart) -> Option<ContentPart> {
        let is_user = given.message.role != Role::Assistant;
        let text = |text: &str| {
            if is_user {
                ContentPart::input_text(text)
            } else {
                ContentPart::output_text(text)
            }
        };
        if part.text.value().is_some() || part.image_url.value().is_some() {
            return Some(ContentPart {
                audio: Field::Absent,
                ..part.clone()
            });
        }
        if let Some(transcript) = part.transcript.as_deref().filter(|text| !text.trim().is_empty()) {
            return Some(text(transcript));
        }
        if given.format != self.format || !is_user {
            return None;
        }
        if let Field::Value(audio) = &part.audio {
            return Some(ContentPart::input_audio(audio.clone()));
        }
        if given.turn.is_empty() {
            return None;
        }
        let mut whole = Vec::with_capacity(given.turn.iter().map(rt_protocol::AudioBytes::len).sum());
        for piece in &given.turn {
            whole.extend_from_slice(piece.as_bytes());
        }
        Some(ContentPart::input_audio(whole))
    }

    fn spoken(&self, spoken: &Spoken) -> Result<(Item, bool), LostReason> {
        let content: Vec<_> = spoken
            .heard(&self.playback)
            .into_iter()
            .map(ContentPart::output_text)
            .collect();
        if content.is_empty() {
            let said = spoken.parts.iter().any(|part| part.text_len() > 0);
            return Err(if said || spoken.whole {
                LostReason::NotHeard
            } else {
                LostReason::Incomplete
            });
        }
        let message = Message {
            phase: spoken.phase.clone(),
            ..Message::new(Role::Assistant, content)
        };
        Ok((message.into(), spoken.spoken()))
    }

    /// Whether it will be told the same later on.
    pub(super) fn is_final(&self, entry: &Entry, transcribes: bool) -> bool {
        match &entry.body {
            Body::Message(given) => {
                let audio =
                    |part: &ContentPart| part.text.value().is_none() && part.image_url.value().is_none();
                given.settled || !transcribes || !given.message.content.iter().any(audio)
            }
            Body::Spoken(spoken) => {
                let played = |part: &Part| part.is_played_out(self.playback.reported);
                spoken.whole && spoken.parts.iter().all(played)
            }
            Body::Call(call) => call.whole && !self.items.is_open_call(entry),
            Body::Output(_) | Body::Other(_) => true,
        }
    }
}

/// A call for a session that did not make it.
pub(super) fn restored_call(entry: &Entry) -> Item {
    let mut call = entry.call().map(|call| call.call.clone()).unwrap_or_default();
    call.object = Field::Absent;
    call.status = Field::Absent;
    call.call_id = call.call_id.map(|id| calls::short(&id));
    Item::FunctionCall(call).with_id(entry.id.as_str())
}

/// An output for a session that was told of its call.
fn restored_output(entry: &Entry) -> Item {
    let mut output = match &entry.body {
        Body::Output(output) => output.clone(),
        _ => rt_protocol::item::FunctionCallOutput::default(),
    };
    output.object = Field::Absent;
    output.status = Field::Absent;
    output.call_id = calls::short(&output.call_id);
    Item::FunctionCallOutput(output).with_id(entry.id.as_str())
}
