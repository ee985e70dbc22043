//! What was checked of the parts of replies, and the audio that waits for it.

use std::collections::HashMap;

use rt_protocol::server_event::ResponseOutputAudioDelta;

use crate::guardrail::Guardrail;

/// One part of a reply.
#[derive(Debug, Default)]
struct Checked {
    response_id: String,
    text: String,
    /// Audio that came after the text that has passed.
    held: Vec<ResponseOutputAudioDelta>,
    /// All text has come and passed.
    passed: bool,
}

/// The guardrails of a session.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    guardrails: Vec<Guardrail>,
    parts: HashMap<(String, u32), Checked>,
}

/// Which guardrail blocks, and why.
pub(crate) type Objection = (String, String);

impl Guards {
    pub(crate) fn new(guardrails: Vec<Guardrail>) -> Self {
        Self {
            guardrails,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.guardrails.is_empty()
    }

    /// More text of a part, or all of it. What may be heard now.
    pub(crate) fn text(
        &mut self,
        response_id: &str,
        item_id: &str,
        content_index: u32,
        text: &str,
        whole: bool,
    ) -> Result<Vec<ResponseOutputAudioDelta>, Objection> {
        let part = self.parts.entry((item_id.to_owned(), content_index)).or_default();
        response_id.clone_into(&mut part.response_id);
        if whole {
            text.clone_into(&mut part.text);
        } else {
            part.text.push_str(text);
        }
        for guardrail in &mut self.guardrails {
            if let Err(reason) = guardrail.check(&part.text) {
                part.held.clear();
                return Err((guardrail.name().to_owned(), reason));
            }
        }
        part.passed |= whole;
        Ok(std::mem::take(&mut part.held))
    }

    /// Audio of a part: it is given back if it may be heard.
    pub(crate) fn audio(&mut self, delta: &ResponseOutputAudioDelta) -> bool {
        if !self.guardrails.iter().any(|guardrail| guardrail.hold) {
            return true;
        }
        let key = (delta.item_id.clone(), delta.content_index);
        let part = self.parts.entry(key).or_default();
        if !part.passed {
            delta.response_id.clone_into(&mut part.response_id);
            part.held.push(delta.clone());
        }
        part.passed
    }

    /// A response is over. Whether audio of it was never checked, and so never heard.
    pub(crate) fn done(&mut self, response_id: &str) -> bool {
        let parts = self.parts.extract_if(|_, part| part.response_id == response_id);
        parts.fold(false, |unchecked, (_, part)| unchecked | !part.held.is_empty())
    }

    /// All responses are over.
    pub(crate) fn clear(&mut self) {
        self.parts.clear();
    }
}
