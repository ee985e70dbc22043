//! What responses cost: a plain estimate that adds up.

use rt_protocol::Field;
use rt_protocol::item::Role;
use rt_protocol::response::{CachedTokens, InputTokens, OutputTokens, Usage};

use super::conversation::Entry;

/// Milliseconds of the user's audio in one token.
const INPUT_MS: u64 = 100;
/// Milliseconds of the model's audio in one token.
pub(crate) const OUTPUT_MS: u64 = 50;
/// The cache works in blocks of so many tokens.
const CACHE_BLOCK: u64 = 64;

/// The tokens that go into a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// Of text.
    text: u64,
    /// Of audio.
    audio: u64,
    /// Of these, taken from the cache.
    cached: u64,
}

/// About four characters of text are one token.
fn text_tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

impl Context {
    /// The tokens of instructions, tools (as JSON) and items. `cached` tokens were used before.
    pub(crate) fn of<'a>(
        instructions: &str,
        tools: &str,
        entries: impl IntoIterator<Item = &'a Entry>,
        seen: u64,
    ) -> Self {
        let mut context = Self {
            text: text_tokens(instructions) + text_tokens(tools),
            audio: 0,
            cached: 0,
        };
        for entry in entries {
            let per_token = if entry.role() == Some(&Role::Assistant) {
                OUTPUT_MS
            } else {
                INPUT_MS
            };
            let audio = entry.format.ms(entry.audio.len()) / per_token;
            context.audio += audio;
            // Three tokens of frame, and the text unless the audio stands for it.
            context.text += 3 + if audio == 0 { text_tokens(&entry.text()) } else { 0 };
        }
        context.cached = seen.min(context.text + context.audio) / CACHE_BLOCK * CACHE_BLOCK;
        context
    }

    /// The whole of it, with what came out.
    pub(crate) fn usage(self, text_out: u64, audio_out: u64) -> Usage {
        let input = self.text + self.audio;
        let output = text_out + audio_out;
        let cached_text = self.cached.min(self.text);
        Usage {
            total_tokens: (input + output).into(),
            input_tokens: input.into(),
            output_tokens: output.into(),
            input_token_details: InputTokens {
                text_tokens: self.text.into(),
                audio_tokens: self.audio.into(),
                image_tokens: 0.into(),
                cached_tokens: self.cached.into(),
                cached_tokens_details: CachedTokens {
                    text_tokens: cached_text.into(),
                    audio_tokens: (self.cached - cached_text).into(),
                    image_tokens: 0.into(),
                }
                .into(),
            }
            .into(),
            output_token_details: OutputTokens {
                text_tokens: Field::Value(text_out),
                audio_tokens: Field::Value(audio_out),
            }
            .into(),
        }
    }
}
