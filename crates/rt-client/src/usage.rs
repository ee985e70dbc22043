//! Tokens, what they cost, and a limit to it.

use rt_protocol::Field;
use rt_protocol::response::{TranscriptionUsage, Usage as Wire};
use serde::{Deserialize, Serialize};

/// Tokens by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tokens {
    /// Text.
    pub text: u64,
    /// Audio.
    pub audio: u64,
    /// Images.
    pub image: u64,
}

/// What was used: by a response, by a transcription, or so far.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens, cached or not.
    pub input: Tokens,
    /// Those of the input tokens that came from the cache: a part of `input`, not in addition to it.
    pub cached: Tokens,
    /// Output tokens.
    pub output: Tokens,
    /// Input tokens of transcriptions: the audio, and the text of the prompt.
    pub transcription_input: Tokens,
    /// Output tokens of transcriptions, which are text.
    pub transcription_output: u64,
    /// Seconds of transcribed audio, of models that are billed by duration.
    pub transcription_seconds: f64,
}

/// Prices, in any one currency. All are zero unless set.
///
/// ```
/// use rt_client::usage::Prices;
/// let prices = Prices { audio_in: 32.0, audio_cached: 0.4, audio_out: 64.0, ..Prices::default() };
/// # assert!(prices.audio_out > 0.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written as a literal, with ..Prices::default()"
)]
pub struct Prices {
    /// A million tokens of text, not cached.
    pub text_in: f64,
    /// A million cached tokens of text.
    pub text_cached: f64,
    /// A million tokens of text out.
    pub text_out: f64,
    /// A million tokens of audio, not cached.
    pub audio_in: f64,
    /// A million cached tokens of audio.
    pub audio_cached: f64,
    /// A million tokens of audio out.
    pub audio_out: f64,
    /// A million tokens of images, not cached.
    pub image_in: f64,
    /// A million cached tokens of images.
    pub image_cached: f64,
    /// A million tokens of text that went into transcriptions.
    pub transcription_text_in: f64,
    /// A million tokens of audio that went into transcriptions.
    pub transcription_audio_in: f64,
    /// A million tokens of text that came out of transcriptions.
    pub transcription_text_out: f64,
    /// A minute of transcription.
    pub transcription_minute: f64,
}

/// What was used last, and in all.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageReport {
    /// The response, or the item that was transcribed.
    pub id: String,
    /// What it took.
    pub usage: Usage,
    /// What the session took so far, over reconnects.
    pub total: Usage,
    /// What that costs by the [`Prices`] that were given.
    pub cost: Option<f64>,
}

/// A limit of what a session may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// The limit, in the currency of the prices.
    pub limit: f64,
    /// The share of it at which there is a warning, 0 to 1.
    pub warn_at: f64,
}

/// How far a budget is used.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum BudgetState {
    /// The share at which to warn is reached.
    Warning {
        /// Spent so far.
        spent: f64,
        /// The limit.
        limit: f64,
    },
    /// The limit is reached. No more responses are asked for; those the server begins by itself are cancelled. A transcription
    /// takes no more audio.
    Exhausted {
        /// Spent so far.
        spent: f64,
        /// The limit.
        limit: f64,
    },
}

impl Budget {
    /// A limit, with a warning at 80 % of it.
    #[must_use]
    pub const fn new(limit: f64) -> Self {
        Self { limit, warn_at: 0.8 }
    }

    /// The share of the limit at which there is a warning, 0 to 1.
    #[must_use]
    pub const fn warn_at(mut self, share: f64) -> Self {
        self.warn_at = share;
        self
    }
}

impl Tokens {
    fn add(&mut self, other: Self) {
        self.text += other.text;
        self.audio += other.audio;
        self.image += other.image;
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.text + self.audio + self.image
    }
}

impl Usage {
    /// What a response took.
    pub(crate) fn of_response(wire: &Wire) -> Self {
        let count = |field: &Field<u64>| field.value().copied().unwrap_or(0);
        let mut usage = Self::default();
        match wire.input_token_details.value() {
            Some(details) => {
                usage.input = Tokens {
                    text: count(&details.text_tokens),
                    audio: count(&details.audio_tokens),
                    image: count(&details.image_tokens),
                };
                match details.cached_tokens_details.value() {
                    Some(cached) => {
                        usage.cached = Tokens {
                            text: count(&cached.text_tokens),
                            audio: count(&cached.audio_tokens),
                            image: count(&cached.image_tokens),
                        };
                    }
                    None => usage.cached.text = count(&details.cached_tokens).min(usage.input.text),
                }
            }
            None => usage.input.text = count(&wire.input_tokens),
        }
        match wire.output_token_details.value() {
            Some(details) => {
                usage.output.text = count(&details.text_tokens);
                usage.output.audio = count(&details.audio_tokens);
            }
            None => usage.output.text = count(&wire.output_tokens),
        }
        usage
    }

    /// What a transcription took.
    pub(crate) fn of_transcription(wire: &TranscriptionUsage) -> Self {
        let count = |field: &Field<u64>| field.value().copied().unwrap_or(0);
        let output = count(&wire.output_tokens);
        let input = match wire.input_token_details.value() {
            Some(details) => Tokens {
                text: count(&details.text_tokens),
                audio: count(&details.audio_tokens),
                image: 0,
            },
            // Nearly all of it is audio.
            None => Tokens {
                audio: match wire.input_tokens.value() {
                    Some(input) => *input,
                    None => count(&wire.total_tokens).saturating_sub(output),
                },
                ..Tokens::default()
            },
        };
        Self {
            transcription_input: input,
            transcription_output: output,
            transcription_seconds: wire.seconds.value().copied().unwrap_or(0.0),
            ..Self::default()
        }
    }

    /// Adds what another took.
    pub fn add(&mut self, other: &Self) {
        self.input.add(other.input);
        self.cached.add(other.cached);
        self.output.add(other.output);
        self.transcription_input.add(other.transcription_input);
        self.transcription_output += other.transcription_output;
        self.transcription_seconds += other.transcription_seconds;
    }
}

impl Prices {
    /// What a usage costs. Cached tokens are charged as such, and not as input as well.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> f64 {
        let fresh = |all: u64, cached: u64| all.saturating_sub(cached);
        let (input, cached, output) = (usage.input, usage.cached, usage.output);
        let millions = [
            (fresh(input.text, cached.text), self.text_in),
            (cached.text, self.text_cached),
            (output.text, self.text_out),
            (fresh(input.audio, cached.audio), self.audio_in),
            (cached.audio, self.audio_cached),
            (output.audio, self.audio_out),
            (fresh(input.image, cached.image), self.image_in),
            (cached.image, self.image_cached),
            (usage.transcription_input.text, self.transcription_text_in),
            (usage.transcription_input.audio, self.transcription_audio_in),
            (usage.transcription_output, self.transcription_text_out),
        ];
        let tokens: f64 = millions
            .iter()
            .map(|(tokens, price)| *tokens as f64 * price / 1_000_000.0)
            .sum();
        tokens + usage.transcription_seconds / 60.0 * self.transcription_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_are_a_part_of_the_input() {
        let wire: Wire = serde_json::from_str(
            r#"{"total_tokens":1300,"input_tokens":1000,"output_tokens":300,
                "input_token_details":{"text_tokens":400,"audio_tokens":600,"cached_tokens":500,
                    "cached_tokens_details":{"text_tokens":100,"audio_tokens":400}},
                "output_token_details":{"text_tokens":100,"audio_tokens":200}}"#,
        )
        .unwrap();
        let usage = Usage::of_response(&wire);
        assert_eq!(usage.input.total(), 1000);
        let prices = Prices {
            text_in: 1.0,
            text_cached: 0.5,
            text_out: 2.0,
            audio_in: 10.0,
            audio_cached: 1.0,
            audio_out: 20.0,
            ..Prices::default()
        };
        // 300 fresh text, 100 cached text, 200 fresh audio, 400 cached audio, 100 text out, 200 audio out.
        let expected = (300.0 + 50.0 + 2000.0 + 400.0 + 200.0 + 4000.0) / 1_000_000.0;
        assert!((prices.cost(&usage) - expected).abs() < 1e-12);
    }

    #[test]
    fn transcriptions_are_charged_by_what_goes_in_and_comes_out() {
        let prices = Prices {
            transcription_text_in: 2.0,
            transcription_audio_in: 6.0,
            transcription_text_out: 10.0,
            transcription_minute: 0.6,
            ..Prices::default()
        };
        // The tokens that are priced as text in, audio in and text out, and the seconds.
        let cases = [
            (
                r#"{"type":"tokens","total_tokens":140,"input_tokens":110,"output_tokens":30,
                    "input_token_details":{"text_tokens":10,"audio_tokens":100}}"#,
                (10, 100, 30, 0),
            ),
            (
                r#"{"type":"tokens","total_tokens":140,"input_tokens":110,"output_tokens":30}"#,
                (0, 110, 30, 0),
            ),
            (r#"{"type":"tokens","total_tokens":140}"#, (0, 140, 0, 0)),
            (r#"{"type":"duration","seconds":30}"#, (0, 0, 0, 30)),
        ];
        for (wire, (text, audio, out, seconds)) in cases {
            let usage = Usage::of_transcription(&serde_json::from_str(wire).unwrap());
            let tokens = 2 * text + 6 * audio + 10 * out;
            let expected = f64::from(tokens) / 1e6 + f64::from(seconds) / 100.0;
            assert!(
                (prices.cost(&usage) - expected).abs() < 1e-12,
                "{wire}: {usage:?}"
            );
        }
    }
}
