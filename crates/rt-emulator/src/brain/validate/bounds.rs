//! The documented limits as rules: the same numbers that clients check with.

use std::ops::RangeInclusive;

use rt_protocol::limits;

use super::Rule::{self, Int, IntOrInf, Nullable, Number, Text};

const fn number(range: &RangeInclusive<f64>) -> Rule {
    Number(*range.start(), *range.end())
}

/// `event_id`.
pub(super) const EVENT_ID: Rule = Nullable(&Text(limits::EVENT_ID_CHARS));
/// The `call_id` of a call and of its output.
pub(super) const CALL_ID: Rule = Text(limits::CALL_ID_CHARS);
/// `max_output_tokens`.
pub(super) const OUTPUT_TOKENS: Rule = IntOrInf(
    limits::MAX_OUTPUT_TOKENS.start().cast_signed(),
    limits::MAX_OUTPUT_TOKENS.end().cast_signed(),
);
/// `speed`.
pub(super) const SPEED: Rule = number(&limits::SPEED);
/// `threshold` of `server_vad`.
pub(super) const VAD_THRESHOLD: Rule = number(&limits::VAD_THRESHOLD);
/// `idle_timeout_ms` of `server_vad`.
pub(super) const IDLE_TIMEOUT: Rule = Int(
    *limits::IDLE_TIMEOUT_MS.start() as i64,
    *limits::IDLE_TIMEOUT_MS.end() as i64,
);
/// `strength` of noise reduction.
pub(super) const NOISE_REDUCTION_STRENGTH: Rule = number(&limits::NOISE_REDUCTION_STRENGTH);
/// `retention_ratio`.
pub(super) const RETENTION_RATIO: Rule = number(&limits::RETENTION_RATIO);
/// How long an ephemeral key may live, in seconds.
pub(super) const SECRET_SECONDS: Rule = Int(
    limits::CLIENT_SECRET_SECONDS.start().cast_signed(),
    limits::CLIENT_SECRET_SECONDS.end().cast_signed(),
);
