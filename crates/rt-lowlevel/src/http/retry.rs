//! Whether and when a request is made again. Pure.

use std::time::Duration;

use crate::classify::{Class, Facts, Failure, verdict};
use crate::config::RetryPolicy;
use crate::machine::backoff;

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// Whether the server may have read the request.
    pub(super) sent: bool,
}

impl Failed {
    pub(super) fn unsent(failure: Failure) -> Self {
        Self { failure, sent: false }
    }

    /// Whether the server certainly did not do what it was asked.
    pub(super) fn is_undone(&self) -> bool {
        match &self.failure {
            Failure::Refused(refusal) => match refusal.status {
                401 | 421 | 429 => true,
                503 => refusal.retry_after.is_some(),
                _ => false,
            },
            _ => !self.sent,
        }
    }

    /// The status of a refusal.
    pub(super) fn status(&self) -> Option<u16> {
        match &self.failure {
            Failure::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// How long to wait before the next attempt, after `made` of them; `None` if there is none. `again`: an earlier attempt had the
    /// same status.
    pub(super) fn wait(
        &self,
        repeatable: bool,
        can_refresh: bool,
        again: bool,
        made: u32,
        policy: &RetryPolicy,
        jitter: f64,
    ) -> Option<Duration> {
        if !repeatable && !self.is_undone() {
            return None;
        }
        let facts = Facts {
            policy,
            can_refresh,
            is_first: true,
        };
        let verdict = verdict(&self.failure, facts);
        match verdict.class {
            Class::Retry => {}
            Class::Once if !again => {}
            Class::Once | Class::Now | Class::Fatal | Class::Keep => return None,
        }
        let wait = backoff::delay(policy, made.saturating_sub(1), jitter);
        Some(wait.max(verdict.floor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{ApiError, Refusal};
    use crate::error::{Error, ErrorKind};

    fn refused(status: u16, retry_after: Option<u64>) -> Failed {
        Failed {
            failure: Failure::Refused(Box::new(Refusal {
                status,
                is_json: true,
                retry_after: retry_after.map(Duration::from_secs),
                ..Refusal::default()
            })),
            sent: true,
        }
    }

    fn wait(failed: &Failed, repeatable: bool, made: u32) -> Option<u64> {
        failed
            .wait(repeatable, true, false, made, &RetryPolicy::default(), 1.0)
            .map(|wait| u64::try_from(wait.as_millis()).unwrap())
    }

    #[test]
    fn what_may_have_been_done_is_not_done_again() {
        let error = || Error::new(ErrorKind::Handshake, "m");
        let broken = Failed {
            failure: Failure::Handshake(error()),
            sent: true,
        };
        let unreached = Failed::unsent(Failure::Tcp(error()));
        for (failed, repeatable, once) in [
            (unreached, Some(250), Some(250)),
            (broken, Some(250), None),
            (refused(500, None), Some(250), None),
            (refused(503, None), Some(250), None),
            (refused(503, Some(2)), Some(2000), Some(2000)),
            (refused(429, None), Some(1000), Some(1000)),
            (refused(429, Some(7)), Some(7000), Some(7000)),
            (refused(401, None), Some(250), Some(250)),
            (refused(400, None), None, None),
            (refused(404, None), None, None),
            (refused(307, None), None, None),
        ] {
            assert_eq!(wait(&failed, true, 1), repeatable, "{failed:?}");
            assert_eq!(wait(&failed, false, 1), once, "{failed:?}");
        }
        assert_eq!(wait(&refused(429, None), false, 4), Some(2000), "waits grow");
        let refused_token = |again| {
            let refused = refused(401, None);
            refused.wait(false, true, again, 2, &RetryPolicy::default(), 1.0)
        };
        assert!(refused_token(false).is_some(), "whatever came before");
        assert_eq!(refused_token(true), None, "a fresh token is asked for once");
        let quota = Failed {
            failure: Failure::Refused(Box::new(Refusal {
                status: 429,
                api: ApiError {
                    code: Some("insufficient_quota".to_owned()),
                    ..ApiError::default()
                },
                ..Refusal::default()
            })),
            sent: true,
        };
        assert_eq!(wait(&quota, true, 1), None);
    }
}
