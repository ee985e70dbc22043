//! What both sides said in a session with voice activity detection, and when it is over.

use rt_protocol::response::ResponseStatus;
use rt_protocol::server_event::ResponseDone;
use rt_protocol::{Pcm16, ServerEvent};

/// Why a response is not what it should be, if it failed or was cut short.
pub fn failure(event: &ResponseDone) -> Option<String> {
    let status = event.response.status.value()?;
    if !matches!(status, ResponseStatus::Failed | ResponseStatus::Incomplete) {
        return None;
    }
    let details = event.response.status_details.value();
    let error = details.and_then(|details| details.error.value());
    let message = error.and_then(|error| error.message.as_deref().or(error.code.as_deref()));
    let reason = details
        .and_then(|details| details.reason.value())
        .map(ToString::to_string);
    let why = message
        .map(str::to_owned)
        .or(reason)
        .unwrap_or_else(|| "the server does not say why".to_owned());
    Some(format!("the response is {status}: {why}"))
}

/// Follows the events of a session.
#[derive(Default)]
pub struct Turns {
    /// Turns of the user that were heard to the end.
    committed: usize,
    /// Whether the user is speaking.
    speaking: bool,
    /// Whether a response is under way.
    responding: bool,
    /// Responses that ended.
    answered: usize,
    /// Transcripts of the user that are still to come.
    untranscribed: usize,
    lines: Vec<(&'static str, String, String)>,
    audio: Vec<Pcm16>,
}

impl Turns {
    pub fn take(&mut self, event: &ServerEvent) {
        use ServerEvent as E;
        match event {
            E::InputAudioBufferSpeechStarted(_) => self.speaking = true,
            E::InputAudioBufferSpeechStopped(_) => self.speaking = false,
            E::InputAudioBufferCommitted(event) => {
                self.committed += 1;
                self.untranscribed += 1;
                // Its place in the conversation is here; its text may come after the answer's.
                self.lines.push(("user:", event.item_id.clone(), String::new()));
            }
            E::ConversationItemInputAudioTranscriptionCompleted(event) => {
                self.untranscribed = self.untranscribed.saturating_sub(1);
                self.write(&event.item_id, &event.transcript);
            }
            E::ConversationItemInputAudioTranscriptionFailed(event) => {
                self.untranscribed = self.untranscribed.saturating_sub(1);
                self.write(&event.item_id, "(not understood)");
            }
            E::ResponseCreated(_) => self.responding = true,
            E::ResponseOutputAudioDelta(event) => self.audio.extend(event.delta.to_pcm16()),
            E::ResponseOutputAudioTranscriptDone(event) => {
                self.lines
                    .push(("assistant:", event.item_id.clone(), event.transcript.to_string()));
            }
            E::ResponseDone(_) => {
                self.responding = false;
                self.answered += 1;
            }
            _ => {}
        }
    }

    fn write(&mut self, item_id: &str, text: &str) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.1 == item_id) {
            line.2 = text.to_owned();
        }
    }

    /// Whether every turn was answered and transcribed.
    pub fn is_over(&self) -> bool {
        self.committed > 0
            && self.answered >= self.committed
            && self.untranscribed == 0
            && !self.speaking
            && !self.responding
    }

    /// What is still to come.
    pub fn missing(&self) -> &'static str {
        match self {
            Self { speaking: true, .. } => "the service has not heard the end of the speech",
            Self { committed: 0, .. } => "no speech was heard in the file",
            Self { responding: true, .. } => "a response did not end",
            _ => "a response or a transcript did not come",
        }
    }

    /// Who said what, in the order of the conversation.
    pub fn transcript(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines
            .iter()
            .map(|(speaker, _, text)| (*speaker, text.as_str()))
    }

    /// The audio of all responses.
    pub fn reply(&self) -> Pcm16 {
        Pcm16::concat(&self.audio)
    }
}
