//! The voice of the emulator: a hum with syllables, so that what is said can be heard and seen in a waveform.

use std::time::Duration;

use super::vad::PER_MS;

/// Milliseconds of speech for each character.
const MS_PER_CHAR: u64 = 60;
/// The shortest and the longest utterance.
const BOUNDS_MS: (u64, u64) = (300, 600_000);

/// Speaks `text` for `lasting`, or for as long as the text takes. The same text sounds the same.
pub(crate) fn speak(text: &str, lasting: Option<Duration>) -> Vec<i16> {
    let chars = text.chars().count() as u64;
    let ms = match lasting {
        Some(lasting) => u64::try_from(lasting.as_millis())
            .unwrap_or(u64::MAX)
            .min(BOUNDS_MS.1),
        None => (chars * MS_PER_CHAR).clamp(BOUNDS_MS.0, BOUNDS_MS.1),
    };
    let letters: Vec<u32> = text.chars().map(u32::from).collect();
    let syllable = 180 * PER_MS;
    (0..ms * PER_MS)
        .map(|n| {
            let letter = usize::try_from(n / syllable).map_or(0, |index| index % letters.len().max(1));
            let pitch = 110.0 + f64::from(letters.get(letter).copied().unwrap_or(0) % 24) * 5.0;
            let time = n as f64 / (PER_MS * 1000) as f64;
            let swell = ((n % syllable) as f64 / syllable as f64 * std::f64::consts::PI).sin();
            let wave = |harmonic: f64| (time * pitch * harmonic * std::f64::consts::TAU).sin() / harmonic;
            #[expect(clippy::cast_possible_truncation, reason = "below 32,767 by construction")]
            let sample = ((wave(1.0) + wave(2.0) + wave(3.0)) * swell * 7000.0) as i16;
            sample
        })
        .collect()
}

/// Splits a text as a model would: words with the space before them, punctuation alone. The parts joined are the
/// text.
pub(crate) fn split(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut open = false;
    for letter in text.chars() {
        let word = letter.is_alphanumeric() || letter == '\'';
        match parts.last_mut() {
            // A word goes on, and a space takes the word after it.
            Some(last) if open && word => last.push(letter),
            _ => parts.push(letter.to_string()),
        }
        open = word || letter == ' ';
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_model() {
        assert_eq!(
            split("Hello, Marcelo! It's 12."),
            ["Hello", ",", " Marcelo", "!", " It's", " 12", "."]
        );
        assert!(split("").is_empty());
        let text = "{  \n \"city\": \"Köln\" }";
        assert_eq!(split(text).concat(), text);
    }

    #[test]
    fn lasts_as_long_as_asked() {
        assert_eq!(speak("x", Some(Duration::from_millis(1234))).len(), 1234 * 24);
        assert_eq!(speak("", None).len(), 300 * 24);
        assert_eq!(speak("Hello.", None), speak("Hello.", None));
        assert!(speak("Hello.", None).iter().any(|sample| sample.abs() > 5000));
    }
}
