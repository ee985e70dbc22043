//! One item of the conversation: what is known of it.

use rt_protocol::item::{ContentKind, FunctionCall, FunctionCallOutput, ItemStatus, Message, Phase, Role};
use rt_protocol::{AudioBytes, ContentPart, Field, Item};
use serde::{Deserialize, Serialize};

use super::clock::Format;
use super::heard::{Pace, Part, Playback};

/// Parts of one item beyond this are not kept.
const MAX_PARTS: usize = 64;

/// One item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) body: Body,
    /// The open session knows it.
    #[serde(skip)]
    pub(super) on_session: bool,
    /// The open session was told it by us.
    #[serde(skip)]
    pub(super) retold: bool,
    /// The command that creates it, until it is answered.
    #[serde(skip)]
    pub(super) created_by: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Body {
    /// A message of the client, or of the user's voice.
    Message(Given),
    /// A message of the model.
    Spoken(Spoken),
    Call(Call),
    Output(FunctionCallOutput),
    /// Anything else, as it is.
    Other(Item),
}

/// A message whose content is known, perhaps but for a transcript.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) message: Message,
    /// The audio of the turn it was made of.
    pub(super) turn: Vec<AudioBytes>,
    /// Its format, and that of audio in the message.
    pub(super) format: Format,
    /// No transcript will come any more.
    pub(super) settled: bool,
    /// It was a turn of the client's own commit.
    pub(super) by_client: bool,
}

/// What the model says or writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Spoken {
    pub(super) parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) phase: Field<Phase>,
    /// Nothing more will arrive.
    pub(super) whole: bool,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) call: FunctionCall,
    /// Its arguments are all there.
    pub(super) whole: bool,
}

impl Given {
    pub(super) fn new(message: Message, format: Format) -> Self {
        Self {
            message,
            format,
            ..Self::default()
        }
    }

    /// A turn of the user.
    pub(super) fn turn(turn: Vec<AudioBytes>, format: Format, by_client: bool) -> Self {
        let part = ContentPart {
            kind: ContentKind::InputAudio.into(),
            ..ContentPart::default()
        };
        Self {
            message: Message::new(Role::User, [part]),
            turn,
            format,
            settled: false,
            by_client,
        }
    }

    /// The transcript of a part of audio.
    pub(super) fn transcribed(&mut self, content_index: u32, transcript: &str) {
        let part = usize::try_from(content_index)
            .ok()
            .and_then(|at| self.message.content.get_mut(at));
        self.settled = true;
        if let Some(part) = part
            && !transcript.trim().is_empty()
        {
            part.transcript = transcript.into();
            part.audio = Field::Absent;
            // With its room: there are many turns in a call.
            self.turn = Vec::new();
        }
    }

    /// Bytes of audio and images.
    pub(super) fn media(&self) -> usize {
        let turn: usize = self.turn.iter().map(AudioBytes::len).sum();
        let of_part = |part: &ContentPart| {
            part.audio.value().map_or(0, AudioBytes::len) + part.image_url.as_deref().map_or(0, str::len)
        };
        turn + self.message.content.iter().map(of_part).sum::<usize>()
    }

    pub(super) fn drop_media(&mut self) {
        self.turn = Vec::new();
        for part in &mut self.message.content {
            part.audio = Field::Absent;
            part.image_url = Field::Absent;
        }
    }
}

impl Spoken {
    pub(super) fn part(&mut self, content_index: u32) -> Option<&mut Part> {
        let at = usize::try_from(content_index).ok().filter(|at| *at < MAX_PARTS)?;
        if self.parts.len() <= at {
            self.parts.resize_with(at + 1, Part::default);
        }
        self.parts.get_mut(at)
    }

    /// What the server says of its content.
    fn set_content(&mut self, content: &[ContentPart]) {
        for (at, part) in (0..).zip(content) {
            if let (Some(text), Some(own)) = (part.readable(), self.part(at)) {
                own.set_text(text, part.text.value().is_none());
            }
        }
    }

    pub(super) fn heard(&self, playback: &Playback) -> Vec<&str> {
        let heard = self.parts.iter().map(|part| part.heard(self.whole, playback));
        heard.filter(|text| !text.is_empty()).collect()
    }

    pub(super) fn spoken(&self) -> bool {
        self.parts.iter().any(Part::spoken)
    }
}

impl Entry {
    pub(super) fn new(id: &str, body: Body) -> Self {
        Self {
            id: id.to_owned(),
            body,
            on_session: false,
            retold: false,
            created_by: None,
        }
    }

    /// Of an item the client creates.
    pub(super) fn given(id: &str, item: &Item, format: Format) -> Self {
        let body = match item {
            Item::Message(message) => Body::Message(Given::new(message.clone(), format)),
            Item::FunctionCall(call) => Body::Call(Call {
                call: call.clone(),
                whole: true,
            }),
            Item::FunctionCallOutput(output) => Body::Output(output.clone()),
            other => Body::Other(other.clone()),
        };
        Self::new(id, body)
    }

    /// Of an item the server made.
    pub(super) fn made(id: &str, item: &Item, format: Format) -> Self {
        let mut entry = Self::given(id, item, format);
        match &mut entry.body {
            Body::Message(given) if given.message.role == Role::Assistant => {
                let mut spoken = Spoken {
                    phase: given.message.phase.clone(),
                    ..Spoken::default()
                };
                spoken.set_content(&given.message.content);
                entry.body = Body::Spoken(spoken);
            }
            Body::Call(call) => call.whole = false,
            _ => {}
        }
        entry
    }

    pub(super) fn call(&self) -> Option<&Call> {
        match &self.body {
            Body::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The call that this item is or belongs to.
    pub(super) fn call_id(&self) -> Option<&str> {
        match &self.body {
            Body::Call(call) => call.call.call_id.as_deref(),
            Body::Output(output) => Some(&output.call_id),
            _ => None,
        }
    }

    /// Bytes of text in it.
    pub(super) fn text_len(&self) -> usize {
        match &self.body {
            Body::Message(given) => given
                .message
                .content
                .iter()
                .map(|part| part.readable().map_or(0, str::len))
                .sum(),
            Body::Spoken(spoken) => spoken.parts.iter().map(Part::text_len).sum(),
            Body::Call(call) => call.call.name.len() + call.call.arguments.len(),
            Body::Output(output) => output.output.len(),
            Body::Other(item) => serde_json::to_string(item).map_or(0, |json| json.len()),
        }
    }

    /// It is whole, as its item says.
    pub(super) fn finish(&mut self, item: &Item, pace: &mut Pace) {
        match (&mut self.body, item) {
            (Body::Spoken(spoken), Item::Message(message)) => {
                spoken.set_content(&message.content);
                spoken.phase.clone_from(&message.phase);
                if !std::mem::replace(&mut spoken.whole, true)
                    && message.status.value() != Some(&ItemStatus::Incomplete)
                {
                    for part in &spoken.parts {
                        part.learn(pace);
                    }
                }
            }
            (Body::Call(call), Item::FunctionCall(done))
                if !matches!(
                    done.status.value(),
                    Some(ItemStatus::Incomplete | ItemStatus::InProgress)
                ) =>
            {
                if !call.whole {
                    call.call.arguments.clone_from(&done.arguments);
                }
                call.whole = true;
            }
            (Body::Message(given), Item::Message(message)) => {
                for (at, part) in (0..).zip(&message.content) {
                    if let Some(transcript) = part.transcript.as_deref() {
                        given.transcribed(at, transcript);
                    }
                }
            }
            (Body::Other(own), done) => own.clone_from(done),
            _ => {}
        }
    }
}
