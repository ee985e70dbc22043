//! [`Config`]: all of a connection that has a default.

use super::{Limits, Liveness, RetryPolicy, RolloverPolicy, Timeouts};
use crate::mirror::RestorePolicy;

/// Everything about a connection that has a default.
///
/// ```
/// use std::time::Duration;
/// use rt_lowlevel::{Config, config::AudioPolicy};
///
/// let mut config = Config::default();
/// config.limits.audio = AudioPolicy::Live(Duration::from_secs(2));
/// config.retry.max_attempts = 3;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Deadlines.
    pub timeouts: Timeouts,
    /// Bounds of memory.
    pub limits: Limits,
    /// When to try again, and when to stop.
    pub retry: RetryPolicy,
    /// How a dead peer is noticed.
    pub liveness: Liveness,
    /// What a new session is told of the conversation.
    pub restore: RestorePolicy,
    /// When a new session takes over from one that is about to end.
    pub rollover: RolloverPolicy,
    /// Sends credentials over `ws://` to hosts that are not this machine. Off: whoever is on the path reads them.
    pub allow_insecure: bool,
    /// Checks every event against the documented limits before it is accepted, so that a mistake is an error here and
    /// not a refusal of the server. On. Off for servers that take more than the documentation says; Azure Voice Live is
    /// known to, and is never checked.
    pub strict: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            retry: RetryPolicy::default(),
            liveness: Liveness::default(),
            restore: RestorePolicy::default(),
            rollover: RolloverPolicy::default(),
            allow_insecure: false,
            strict: true,
        }
    }
}
