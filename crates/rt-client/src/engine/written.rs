//! Replies in writing of a model that should speak: models do that when a history was told to them as text.

use rt_protocol::item::ContentKind;
use rt_protocol::response::ResponseStatus;
use rt_protocol::session::Modality;
use rt_protocol::{Item, Response};

/// Notices such replies, and has one of them repeated until the model speaks again.
#[derive(Debug)]
pub(crate) struct Written {
    is_on: bool,
    /// The session is to speak.
    pub(crate) speaks: bool,
    repeated: bool,
}

impl Written {
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            speaks: true,
            repeated: false,
        }
    }

    /// A response of the conversation is over. Its written items, if it is to be given again.
    pub(crate) fn repeats(&mut self, response: &Response) -> Vec<String> {
        let output = response.output.value().map(Vec::as_slice).unwrap_or_default();
        let has = |item: &Item, kinds: [ContentKind; 2]| match item {
            Item::Message(message) => message
                .content
                .iter()
                .any(|part| part.kind.value().is_some_and(|kind| kinds.contains(kind))),
            _ => false,
        };
        let spoken = |item: &Item| has(item, [ContentKind::Audio, ContentKind::OutputAudio]);
        if output.iter().any(spoken) {
            self.repeated = false;
            return Vec::new();
        }
        // Whoever asked for text gets it.
        let asked = response.output_modalities.value();
        let speaks = asked.map_or(self.speaks, |modalities| modalities.contains(&Modality::Audio));
        let is_whole = response.status.value() == Some(&ResponseStatus::Completed);
        let only_messages = output.iter().all(|item| matches!(item, Item::Message(_)));
        let written = |item: &&Item| has(item, [ContentKind::Text, ContentKind::OutputText]);
        if !(self.is_on && self.speaks && speaks && is_whole && only_messages) || self.repeated {
            return Vec::new();
        }
        let items: Vec<String> = output
            .iter()
            .filter(written)
            .filter_map(Item::id)
            .map(str::to_owned)
            .collect();
        self.repeated = !items.is_empty();
        items
    }
}
