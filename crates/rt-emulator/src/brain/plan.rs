//! [`Planner`]: turns what is to be said and called into timed steps of a response.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rt_protocol::item::ItemStatus;
use rt_protocol::response::StatusReason;

use super::format::Format;
use super::usage::OUTPUT_MS;
use super::voice::{speak, split};
use crate::pacing::Pacing;
use crate::script::Failure;

/// The most pieces of one text: the last has the rest.
const MAX_PIECES: usize = 20_000;

/// One step of a response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// A message and its one part begin.
    OpenMessage,
    /// Text of a written part.
    Text(String),
    /// Text of a spoken part.
    Transcript(String),
    /// Audio of a spoken part.
    Audio(Bytes),
    /// The message ends.
    CloseMessage(ItemStatus),
    /// A function call begins.
    OpenCall {
        /// The function.
        name: String,
        /// The id of the call.
        call_id: String,
    },
    /// A piece of its arguments.
    Arguments(String),
    /// The call ends.
    CloseCall,
    /// The response ends.
    Finish(Ending),
}

/// How a response ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    /// As it should.
    Completed,
    /// At a limit.
    Incomplete(StatusReason),
    /// Stopped.
    Cancelled(StatusReason),
    /// With an error.
    Failed(Failure),
}

/// Steps with the time each is due.
pub(crate) type Steps = VecDeque<(Duration, Act)>;

/// The pieces of a text, joined the text again.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = split(text);
    if pieces.len() > MAX_PIECES {
        let rest = pieces.split_off(MAX_PIECES - 1).concat();
        pieces.push(rest);
    }
    pieces
}

/// Collects the steps of a response.
#[derive(Debug)]
pub(crate) struct Planner<'a> {
    /// How fast.
    pacing: &'a Pacing,
    /// The audio format of a spoken response; `None` if it is written.
    spoken: Option<Format>,
    /// Output tokens left.
    tokens_left: Option<u64>,
    /// When the next step is due.
    at: Duration,
    /// The steps so far.
    steps: Steps,
    /// Set when the tokens ran out: nothing more is planned.
    cut: bool,
}

impl<'a> Planner<'a> {
    /// A plan that starts after the pause before the first output.
    pub(crate) fn new(
        pacing: &'a Pacing,
        spoken: Option<Format>,
        max_tokens: Option<u64>,
        now: Duration,
    ) -> Self {
        let at = now + pacing.first_output;
        Self {
            pacing,
            spoken,
            tokens_left: max_tokens,
            at,
            steps: Steps::new(),
            cut: false,
        }
    }

    /// Waits.
    pub(crate) fn delay(&mut self, duration: Duration) {
        self.at += duration;
    }

    /// Says or writes `text`; `audio` is its sound, else the emulator's own voice.
    pub(crate) fn say(&mut self, text: &str, lasting: Option<Duration>, audio: Option<Bytes>) {
        if self.cut {
            return;
        }
        let mut timed: Vec<(Duration, Act, u64)> = Vec::new();
        let spoken = self.spoken;
        for (piece, n) in pieces(text).into_iter().zip(0u32..) {
            let act = if spoken.is_some() {
                Act::Transcript(piece)
            } else {
                Act::Text(piece)
            };
            timed.push((self.at + self.pacing.text_delta * n, act, 1));
        }
        if let Some(format) = spoken {
            let audio = audio.unwrap_or_else(|| format.encode(&speak(text, lasting)).into());
            self.push_audio(&audio, format, &mut timed);
        }
        timed.sort_by_key(|(due, ..)| *due);
        self.steps.push_back((self.at, Act::OpenMessage));
        for (due, act, tokens) in timed {
            if !self.spend(tokens) {
                break;
            }
            self.at = self.at.max(due);
            self.steps.push_back((due, act));
        }
        let status = if self.cut {
            ItemStatus::Incomplete
        } else {
            ItemStatus::Completed
        };
        self.steps.push_back((self.at, Act::CloseMessage(status)));
    }

    /// The chunks of a piece of audio, each due when it would be sent.
    fn push_audio(&self, audio: &Bytes, format: Format, timed: &mut Vec<(Duration, Act, u64)>) {
        let chunk_ms = usize::try_from(self.pacing.audio_chunk.as_millis())
            .unwrap_or(usize::MAX)
            .clamp(10, 10_000);
        let chunk = chunk_ms * format.bytes_per_ms();
        let mut start = 0;
        while start < audio.len() {
            let end = audio.len().min(start + chunk);
            let due = self.at + self.pacing.sending(Duration::from_millis(format.ms(start)));
            let tokens = format.ms(end) / OUTPUT_MS - format.ms(start) / OUTPUT_MS;
            timed.push((due, Act::Audio(audio.slice(start..end)), tokens));
            start = end;
        }
    }

    /// Calls a function.
    pub(crate) fn call(&mut self, name: String, arguments: &str, call_id: String) {
        if self.cut {
            return;
        }
        self.steps.push_back((self.at, Act::OpenCall { name, call_id }));
        for piece in pieces(arguments) {
            if !self.spend(1) {
                return;
            }
            self.steps.push_back((self.at, Act::Arguments(piece)));
            self.at += self.pacing.text_delta;
        }
        self.steps.push_back((self.at, Act::CloseCall));
    }

    /// Takes tokens from what is left.
    fn spend(&mut self, tokens: u64) -> bool {
        if let Some(left) = &mut self.tokens_left {
            match left.checked_sub(tokens) {
                Some(rest) => *left = rest,
                None => self.cut = true,
            }
        }
        !self.cut
    }

    /// The steps, with the end.
    pub(crate) fn finish(mut self, ending: Ending) -> Steps {
        let ending = if self.cut {
            Ending::Incomplete(StatusReason::MaxOutputTokens)
        } else {
            ending
        };
        self.steps.push_back((self.at, Act::Finish(ending)));
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_long_text_is_lost() {
        let text = "a ".repeat(30_000);
        let pacing = Pacing::instant();
        let mut planner = Planner::new(&pacing, None, None, Duration::ZERO);
        planner.say(&text, None, None);
        planner.call("f".to_owned(), &text, "call_1".to_owned());
        let (mut said, mut arguments) = (String::new(), String::new());
        for (_, act) in planner.finish(Ending::Completed) {
            match act {
                Act::Text(piece) => said.push_str(&piece),
                Act::Arguments(piece) => arguments.push_str(&piece),
                _ => {}
            }
        }
        assert!(said == text && arguments == text);
    }
}
