//! The user's side: audio that arrives, turns that are found in it, and what is heard.

use bytes::Bytes;
use rt_protocol::response::StatusReason;
use rt_protocol::server_event::{
    ConversationItemInputAudioTranscriptionCompleted, ConversationItemInputAudioTranscriptionDelta,
    InputAudioBufferCleared, InputAudioBufferCommitted, InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped, InputAudioBufferTimeoutTriggered,
};
use rt_protocol::session::SessionKind;
use rt_protocol::{Field, ServerEvent, Text};

use super::Brain;
use super::conversation::spoken;
use super::failure::Failure;
use super::hearing::{self, Hearing};
use super::vad::{Heard, PER_MS};

impl Brain {
    /// `input_audio_buffer.append`.
    pub(super) fn append(&mut self, audio: &[u8]) -> Result<(), Failure> {
        let heard = self.input.append(audio)?;
        self.record.appended_more(audio.len());
        for heard in heard {
            match heard {
                Heard::Started { at } => self.start_turn(at),
                Heard::Stopped { at } => self.stop_turn(at),
            }
        }
        self.input.forget_quiet();
        Ok(())
    }

    /// Speech began.
    fn start_turn(&mut self, at: u64) {
        let item_id = self.new_item_id();
        self.idle_at = None;
        self.turn = Some((item_id.clone(), at));
        self.emit(ServerEvent::InputAudioBufferSpeechStarted(
            InputAudioBufferSpeechStarted {
                audio_start_ms: at / PER_MS,
                item_id,
                ..Default::default()
            },
        ));
        if self.session.turns().is_some_and(|turns| turns.interrupt_response)
            && let Some(position) = self.active_run()
        {
            self.stop_run(position, StatusReason::TurnDetected);
        }
    }

    /// Speech ended: the turn is committed and, if the session says so, answered.
    fn stop_turn(&mut self, at: u64) {
        let Some((item_id, start)) = self.turn.take() else {
            return;
        };
        self.emit(ServerEvent::InputAudioBufferSpeechStopped(
            InputAudioBufferSpeechStopped {
                audio_end_ms: at / PER_MS,
                item_id: item_id.clone(),
                ..Default::default()
            },
        ));
        let audio = self.input.take(start, at);
        self.record
            .committed(&item_id, start, &audio, self.input.format(), self.now);
        self.add_spoken(item_id, audio);
        self.answer_turn();
    }

    /// A turn of the user is over: a response follows, if the session says so.
    fn answer_turn(&mut self) {
        let conversation = self.session.kind() == SessionKind::Realtime;
        if !conversation || !self.session.turns().is_some_and(|turns| turns.create_response) {
            return;
        }
        if self.active_run().is_some() {
            self.response_wanted = true;
        } else {
            self.start_response(&rt_protocol::ResponseParams::default(), true);
        }
    }

    /// `input_audio_buffer.commit`.
    pub(super) fn commit(&mut self) -> Result<(), Failure> {
        let (item_id, start) = match &self.turn {
            Some((item_id, start)) => (item_id.clone(), Some(*start)),
            None => (self.new_item_id(), None),
        };
        let from = start.unwrap_or_else(|| self.input.start());
        let audio = self.input.commit(start)?;
        self.record
            .committed(&item_id, from, &audio, self.input.format(), self.now);
        self.turn = None;
        self.idle_at = None;
        self.add_spoken(item_id, audio);
        Ok(())
    }

    /// `input_audio_buffer.clear`.
    pub(super) fn clear_input(&mut self) {
        self.input.clear();
        self.turn = None;
        self.emit(ServerEvent::InputAudioBufferCleared(
            InputAudioBufferCleared::default(),
        ));
    }

    /// Committed audio becomes an item, and is transcribed if the session says so.
    fn add_spoken(&mut self, item_id: String, audio: Bytes) {
        let format = self.input.format();
        let ms = format.ms(audio.len());
        let heard = if audio.is_empty() {
            String::new()
        } else {
            self.hear(ms)
        };
        self.conversation
            .push(spoken(item_id.clone(), audio, format, heard.clone()));
        let previous_item_id = self.conversation.before(&item_id);
        self.emit(ServerEvent::InputAudioBufferCommitted(
            InputAudioBufferCommitted {
                previous_item_id,
                item_id: item_id.clone(),
                ..Default::default()
            },
        ));
        self.show_item(&item_id);
        if let Some(wish) = self.session.transcription() {
            let pacing = &self.settings.pacing;
            let mut hearing = Hearing::new(item_id, heard, ms, wish, pacing, self.now);
            if self.session.kind() == SessionKind::Realtime {
                hearing.begin_with_space();
            }
            self.hearings.push(hearing);
        }
    }

    /// What is heard in audio of `ms` milliseconds.
    pub(super) fn hear(&mut self, ms: u64) -> String {
        self.player
            .hear()
            .unwrap_or_else(|| format!("Speech of {}.{} seconds.", ms / 1000, ms % 1000 / 100))
    }

    /// The next event of a transcription.
    pub(super) fn advance_hearing(&mut self, position: usize) {
        let hearing = &mut self.hearings[position];
        let item_id = hearing.item_id.clone();
        match hearing.advance() {
            hearing::Heard::Delta(delta) => {
                let obfuscation = self.ids.obfuscation(&delta).into();
                self.emit(ServerEvent::ConversationItemInputAudioTranscriptionDelta(
                    ConversationItemInputAudioTranscriptionDelta {
                        item_id,
                        content_index: 0.into(),
                        delta: Field::Value(Text::from(delta)),
                        obfuscation,
                        ..Default::default()
                    },
                ));
            }
            hearing::Heard::Completed => {
                let hearing = self.hearings.remove(position);
                self.conversation.set_transcript(&item_id, &hearing.text);
                self.emit(ServerEvent::ConversationItemInputAudioTranscriptionCompleted(
                    ConversationItemInputAudioTranscriptionCompleted {
                        item_id,
                        content_index: 0,
                        transcript: hearing.text.into(),
                        usage: hearing.usage.into(),
                        ..Default::default()
                    }
                    .into(),
                ));
            }
        }
    }

    /// The user was quiet for so long that the server takes the turn.
    pub(super) fn take_idle_turn(&mut self) {
        self.idle_at = None;
        if self.input.is_speaking() || self.active_run().is_some() {
            return;
        }
        let item_id = self.new_item_id();
        self.emit(ServerEvent::InputAudioBufferTimeoutTriggered(
            InputAudioBufferTimeoutTriggered {
                audio_start_ms: self.input.start_ms(),
                audio_end_ms: self.input.end_ms(),
                item_id: item_id.clone(),
                ..Default::default()
            },
        ));
        self.input.clear();
        self.add_spoken(item_id, Bytes::new());
        self.answer_turn();
    }
}
