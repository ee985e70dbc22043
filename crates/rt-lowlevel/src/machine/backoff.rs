//! How long to wait before the next connect.

use std::time::Duration;

use crate::config::RetryPolicy;

/// The ceiling of the wait after `failures` failures in a row, counted from zero: doubles up to the cap.
pub(super) fn nominal(policy: &RetryPolicy, failures: u32) -> Duration {
    let factor = 2u32.checked_pow(failures).unwrap_or(u32::MAX);
    policy
        .base
        .checked_mul(factor)
        .unwrap_or(policy.cap)
        .min(policy.cap)
}

/// The wait itself: `jitter`, from 0 to 1, of the ceiling.
pub(crate) fn delay(policy: &RetryPolicy, failures: u32, jitter: f64) -> Duration {
    // The product of the longest duration is rounded up to one that does not exist.
    let nominal = nominal(policy, failures).min(Duration::MAX / 2);
    nominal.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let policy = RetryPolicy::default();
        let millis: Vec<u128> = (0..8).map(|n| nominal(&policy, n).as_millis()).collect();
        assert_eq!(millis, [250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(nominal(&policy, 31), policy.cap);
        assert_eq!(nominal(&policy, 32), policy.cap);
        assert_eq!(nominal(&policy, u32::MAX), policy.cap);
        let endless = RetryPolicy {
            base: Duration::MAX,
            cap: Duration::MAX,
            ..policy
        };
        assert!(delay(&endless, 9, 1.0) > Duration::from_secs(1 << 40));
    }

    #[test]
    fn jitter_is_a_share_of_the_ceiling() {
        let policy = RetryPolicy::default();
        assert_eq!(delay(&policy, 2, 0.0), Duration::ZERO);
        assert_eq!(delay(&policy, 2, 0.5), Duration::from_millis(500));
        assert_eq!(delay(&policy, 2, 1.0), Duration::from_millis(1000));
        assert_eq!(delay(&policy, 2, 7.0), Duration::from_millis(1000));
        assert_eq!(delay(&policy, 2, -1.0), Duration::ZERO);
    }
}
