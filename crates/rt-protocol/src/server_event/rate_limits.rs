//! Rate limits.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;

/// `rate_limits.updated`: how much of the rate limits is left. On GA it comes after `response.done`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RateLimitsUpdated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// The limits.
    #[serde(default, deserialize_with = "field::items")]
    pub rate_limits: Vec<RateLimit>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RateLimit {
    /// What is limited: `requests` or `tokens`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// How many there are.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub limit: Field<u64>,
    /// How many are left.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub remaining: Field<u64>,
    /// Until the limit is full again, in seconds.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub reset_seconds: Field<f64>,
}
