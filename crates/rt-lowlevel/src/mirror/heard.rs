//! What the user heard of the model: how much of the text belongs to the audio that was played.

use rt_protocol::Text;
use serde::{Deserialize, Serialize};

use super::clock::{Format, ticks};
use super::policy::UnreportedPlayback;

/// Text beyond this is not kept: far more than the longest response.
const MAX_TEXT: usize = 256 << 10;
/// Speech that nothing is known about yet, in characters per second: slower than it is, so that no word is claimed to have
/// been heard that was not.
const SLOW_SPEECH: u64 = 10;
const TICKS_PER_SECOND: u64 = ticks(1000);

/// One part of what the model says or writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Part {
    text: Text,
    /// Text arrives before its audio. Each mark says how much audio had arrived when the text up to it began to arrive.
    marks: Vec<Mark>,
    /// Ticks of audio that arrived.
    received: u64,
    /// Ticks of audio that were played, if somebody said so.
    played: Option<u64>,
    /// Where the client cut it, in ticks.
    cut: Option<u64>,
    /// It has audio, or is to have.
    spoken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// The end of this stretch of text, in bytes.
    end: usize,
    /// Ticks of audio that had arrived before it.
    from: u64,
}

/// How fast this voice speaks, learned from what is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Pace {
    characters: u64,
    ticks: u64,
}

/// What is known about playback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Playback {
    pub(super) reported: bool,
    pub(super) unreported: UnreportedPlayback,
    pub(super) pace: Pace,
}

impl Pace {
    fn learn(&mut self, part: &Part) {
        if part.received > 0 {
            self.characters = self.characters.saturating_add(part.text.chars().count() as u64);
            self.ticks = self.ticks.saturating_add(part.received);
        }
    }

    /// Characters said in so long.
    fn characters_in(self, ticks: u64) -> u64 {
        let (characters, per) = if self.ticks == 0 {
            (SLOW_SPEECH, TICKS_PER_SECOND)
        } else {
            (self.characters, self.ticks)
        };
        proportion(characters, ticks, per)
    }
}

impl Part {
    /// Text without audio.
    pub(super) fn push_text(&mut self, delta: &str) {
        if self.text.len() + delta.len() <= MAX_TEXT {
            self.text.push_str(delta);
        }
    }

    /// Text of audio.
    pub(super) fn push_transcript(&mut self, delta: &str) {
        self.spoken = true;
        let before = self.text.len();
        self.push_text(delta);
        let end = self.text.len();
        match self.marks.last_mut() {
            Some(mark) if mark.from == self.received => mark.end = end,
            _ if end == before => {}
            _ => self.marks.push(Mark {
                end,
                from: self.received,
            }),
        }
    }

    pub(super) fn push_audio(&mut self, bytes: usize, format: Format) {
        self.spoken = true;
        self.received += format.ticks(bytes);
    }

    /// The whole text. That of the deltas keeps its marks.
    pub(super) fn set_text(&mut self, text: &str, spoken: bool) {
        self.spoken |= spoken;
        if self.text != *text && text.len() <= MAX_TEXT {
            self.text = text.into();
            let end = self.text.len();
            self.marks.retain(|mark| mark.end < end);
        }
    }

    pub(super) fn played(&mut self, ticks: u64) {
        self.played = self.played.max(Some(ticks));
    }

    pub(super) fn cut(&mut self, audio_end_ms: u64) {
        let at = ticks(audio_end_ms);
        self.cut = Some(self.cut.map_or(at, |cut| cut.min(at)));
    }

    /// The server refused to cut it there.
    pub(super) fn uncut(&mut self, audio_end_ms: u64) {
        if self.cut == Some(ticks(audio_end_ms)) {
            self.cut = None;
        }
    }

    pub(super) fn spoken(&self) -> bool {
        self.spoken
    }

    pub(super) fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn text_len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn learn(&self, pace: &mut Pace) {
        pace.learn(self);
    }

    /// Whether all of it that is to be played was played, as far as anybody said.
    pub(super) fn is_played_out(&self, reported: bool) -> bool {
        let until = self.cut.map_or(self.received, |cut| cut.min(self.received));
        !reported || self.played.unwrap_or(0) >= until
    }

    /// Where playback is, or counts as being. `whole`: nothing more will arrive.
    pub(super) fn position(&self, whole: bool, playback: &Playback) -> u64 {
        let position = match (self.played, self.cut) {
            (Some(played), _) => played,
            (None, Some(cut)) => cut,
            (None, None) if playback.reported => 0,
            (None, None) if !whole && playback.unreported == UnreportedPlayback::Finished => 0,
            (None, None) => self.received,
        };
        position.min(self.received).min(self.cut.unwrap_or(u64::MAX))
    }

    /// The text that was heard, or read: never a word beyond the position of playback.
    pub(super) fn heard(&self, whole: bool, playback: &Playback) -> &str {
        if !self.spoken {
            return &self.text;
        }
        let position = self.position(whole, playback);
        if whole && position == self.received && position > 0 {
            return &self.text;
        }
        let by_marks = self.by_marks(position, whole, playback.pace);
        let overall = if whole {
            let bytes = proportion(self.text.len() as u64, position, self.received);
            usize::try_from(bytes).unwrap_or(usize::MAX)
        } else {
            nth(&self.text, playback.pace.characters_in(position))
        };
        words(&self.text, by_marks.min(overall))
    }

    /// Along the marks: within a stretch in proportion, in the last one of something unfinished by the pace.
    fn by_marks(&self, position: u64, whole: bool, pace: Pace) -> usize {
        let mut start = 0;
        for (at, mark) in self.marks.iter().enumerate() {
            let end = mark.end.min(self.text.len());
            if position <= mark.from {
                return start;
            }
            let spoken = position - mark.from;
            let until = match self.marks.get(at + 1) {
                Some(next) => next.from,
                None if whole => self.received,
                None => {
                    return start
                        + nth(
                            self.text.get(start..).unwrap_or_default(),
                            pace.characters_in(spoken),
                        );
                }
            };
            if position < until {
                let bytes = proportion((end - start) as u64, spoken, until - mark.from);
                return start + usize::try_from(bytes).unwrap_or(usize::MAX);
            }
            start = end;
        }
        self.text.len()
    }
}

/// `of * part / whole`, rounded down.
fn proportion(of: u64, part: u64, whole: u64) -> u64 {
    let scaled = u128::from(of) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Where the n-th character begins.
fn nth(text: &str, n: u64) -> usize {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    text.char_indices().nth(n).map_or(text.len(), |(at, _)| at)
}

/// The longest beginning of at most so many bytes that ends with a word.
fn words(text: &str, most: usize) -> &str {
    let mut end = 0;
    let mut before = None;
    for (at, letter) in text.char_indices() {
        if at > most {
            return text[..end].trim_end();
        }
        let parts = |letter: char| letter.is_whitespace() || is_unspaced(letter);
        if parts(letter) || before.is_some_and(parts) {
            end = at;
        }
        before = Some(letter);
    }
    if text.len() <= most {
        end = text.len();
    }
    text[..end].trim_end()
}

/// Scripts that put no spaces between words: any two characters can be parted.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{2e80}'..='\u{abff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests;
