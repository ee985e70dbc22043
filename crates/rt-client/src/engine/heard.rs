//! [`Script`]: which words of a spoken part were heard by a given position of its audio.

use std::time::Duration;

/// Bytes of text in a second of quick speech, while nobody knows how much audio belongs to the text there is.
const QUICK: u64 = 15;

/// The text of a part, and how much audio had come when each piece of it came.
#[derive(Debug, Default)]
pub(crate) struct Script {
    text: String,
    /// Before each piece: samples received, bytes of text.
    marks: Vec<(u64, usize)>,
}

impl Script {
    /// A piece of text came when `received` samples of the audio had come.
    pub(crate) fn push(&mut self, piece: &str, received: u64) {
        self.marks.push((received, self.text.len()));
        self.text.push_str(piece);
    }

    /// The whole text, which may differ from the pieces.
    pub(crate) fn set(&mut self, text: &str) {
        if self.text != text {
            text.clone_into(&mut self.text);
            self.marks.clear();
        }
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The words heard when `played` of `received` samples were played, of `rate` a second; `whole` is whether all audio
    /// has come.
    ///
    /// The service sends no times of words. Bounds are known, and the lowest counts: a piece of text is not over before
    /// the audio that came with it, text is spread evenly over the audio, and while more of that is to come nobody
    /// speaks faster than [`QUICK`]. A word that is cut is left out.
    pub(crate) fn heard(&self, played: u64, received: u64, whole: bool, rate: u64) -> &str {
        if played >= received && whole {
            return &self.text;
        }
        if received == 0 {
            return "";
        }
        let share = self.text.len() as u128 * u128::from(played) / u128::from(received);
        let spoken = if whole {
            u64::MAX
        } else {
            played * QUICK / rate.max(1)
        };
        let share = usize::try_from(share.min(u128::from(spoken))).unwrap_or(usize::MAX);
        let begun = self.marks.iter().rev().find(|(at, _)| *at <= played);
        let bound = begun.map_or(share, |(_, before)| share.min(*before));
        // Text that came before any audio says nothing about time.
        let early = self.marks.iter().all(|(at, _)| *at == 0);
        whole_words(&self.text, if early { share } else { bound })
    }

    /// The words that quick speech has time for, when nothing is known of the audio.
    pub(crate) fn spoken_in(&self, time: Duration) -> &str {
        within(&self.text, time)
    }
}

/// The words of a text that quick speech could have said in so much time, for what was heard elsewhere.
pub(crate) fn within(text: &str, time: Duration) -> &str {
    let bytes = time.as_millis() * u128::from(QUICK) / 1000;
    whole_words(text, usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// The beginning of a text, at most so many bytes of it, without a word that would be cut.
fn whole_words(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (kept, rest) = text.split_at(end);
    if rest.is_empty() || rest.starts_with(char::is_whitespace) {
        return kept.trim_end();
    }
    kept.rfind(char::is_whitespace)
        .map_or("", |space| kept[..space].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_heard_one_after_the_other() {
        let mut early = Script::default();
        early.push("one two three four", 0);
        let mut woven = Script::default();
        for (n, word) in (0..).zip(["one ", "two ", "three ", "four"]) {
            woven.push(word, n * 100);
        }
        for script in [&early, &woven] {
            assert_eq!(script.heard(0, 400, true, 40), "");
            assert_eq!(script.heard(400, 400, true, 40), "one two three four");
            let mut before = 0;
            for played in 0..=400 {
                let heard = script.heard(played, 400, true, 40);
                assert!(script.text().starts_with(heard));
                assert!(heard.len() >= before, "{played}");
                before = heard.len();
                let rest = &script.text()[heard.len()..];
                assert!(
                    rest.is_empty() || rest.starts_with(' ') || heard.is_empty(),
                    "{heard:?}"
                );
            }
        }
        assert_eq!(woven.heard(250, 400, true, 40), "one two");
        assert_eq!(woven.heard(150, 400, false, 40), "one");
        // A second of audio is there, and the text of many.
        assert_eq!(early.heard(30, 40, false, 40), "one two");
    }

    #[test]
    fn letters_are_not_cut() {
        let mut script = Script::default();
        script.push("für Überläufer", 0);
        for played in 0..=100 {
            assert!(script.text().starts_with(script.heard(played, 100, false, 40)));
        }
        assert_eq!(script.spoken_in(Duration::from_millis(500)), "für");
        assert_eq!(script.spoken_in(Duration::MAX), "für Überläufer");
        script.set("anders");
        assert_eq!(script.heard(5, 5, true, 40), "anders");
    }
}
