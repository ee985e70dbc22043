//! [`RetryTokens`]: what keeps all connections of a process together from flooding a host that is in trouble.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::endpoint::Endpoint;

/// A bucket of tokens that connections to a host share. A clone is the same bucket.
///
/// A retry takes tokens. They come back when its connection proves itself, and slowly by themselves. Whoever finds the bucket empty
/// takes them on credit, and waits until they would have been there.
#[derive(Debug, Clone, Default)]
pub(crate) struct RetryTokens {
    level: Arc<Mutex<Option<Level>>>,
}

/// What is in a bucket; less than nothing if there are debts.
#[derive(Debug, Clone, Copy)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl RetryTokens {
    /// What a full bucket holds: a hundred retries.
    const CAPACITY: f64 = 500.0;

    /// What a retry takes.
    pub(super) const COST: u32 = 5;

    /// What comes back by itself each second: twenty retries. Else a process whose connections have all given up
    /// could never retry again.
    const REFILL: f64 = 100.0;

    /// How many hosts are remembered.
    const HOSTS: usize = 64;

    /// The bucket of this process for the host and port of an endpoint.
    pub(crate) fn of_host(endpoint: &Endpoint) -> Self {
        static HOSTS: OnceLock<Mutex<HashMap<String, RetryTokens>>> = OnceLock::new();
        let mut hosts = HOSTS
            .get_or_init(Mutex::default)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let name = format!("{}:{}", endpoint.host(), endpoint.port());
        Self::of_name(&mut hosts, name, Instant::now())
    }

    /// The bucket of this name; a new one, if there is none yet.
    fn of_name(hosts: &mut HashMap<String, Self>, name: String, now: Instant) -> Self {
        if hosts.len() >= Self::HOSTS && !hosts.contains_key(&name) {
            // A full bucket that nobody uses is as good as a new one.
            hosts.retain(|_, tokens| Arc::strong_count(&tokens.level) > 1 || !tokens.is_full(now));
        }
        hosts.entry(name).or_default().clone()
    }

    /// Takes what one retry costs. Returns how long it has to wait for it.
    pub(super) fn take(&self, now: Instant) -> Duration {
        self.with(now, |tokens| {
            *tokens -= f64::from(Self::COST);
            if *tokens >= 0.0 {
                return Duration::ZERO;
            }
            Duration::from_secs_f64(-*tokens / Self::REFILL)
        })
    }

    /// Puts tokens back that were not wasted.
    pub(super) fn give_back(&self, now: Instant, tokens: u32) {
        self.with(now, |level| {
            *level = (*level + f64::from(tokens)).min(Self::CAPACITY)
        });
    }

    fn is_full(&self, now: Instant) -> bool {
        self.with(now, |tokens| *tokens >= Self::CAPACITY)
    }

    fn with<T>(&self, now: Instant, change: impl FnOnce(&mut f64) -> T) -> T {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let level = level.get_or_insert(Level {
            tokens: Self::CAPACITY,
            at: now,
        });
        let passed = now.saturating_duration_since(level.at).as_secs_f64();
        level.tokens = (level.tokens + passed * Self::REFILL).min(Self::CAPACITY);
        level.at = level.at.max(now);
        change(&mut level.tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_retries_are_free_and_the_rest_stand_in_line() {
        let (tokens, now) = (RetryTokens::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(tokens.clone().take(now), Duration::ZERO);
        }
        for turn in 1..=40 {
            assert_eq!(tokens.take(now), Duration::from_millis(50) * turn);
        }
        // Two seconds pay for the forty.
        assert_eq!(
            tokens.take(now + Duration::from_secs(2)),
            Duration::from_millis(50)
        );
    }

    #[test]
    fn what_proved_itself_is_given_back_and_no_more() {
        let (tokens, now) = (RetryTokens::default(), Instant::now());
        for _ in 0..100 {
            tokens.take(now);
        }
        tokens.give_back(now, 10);
        assert_eq!(tokens.take(now), Duration::ZERO);
        assert_eq!(tokens.take(now), Duration::ZERO);
        assert!(tokens.take(now) > Duration::ZERO);
        tokens.give_back(now, 1_000_000);
        assert!(tokens.is_full(now));
        for _ in 0..100 {
            assert_eq!(tokens.take(now), Duration::ZERO);
        }
        assert!(tokens.take(now) > Duration::ZERO);
        assert!(tokens.is_full(now + Duration::from_secs(6)));
    }

    #[test]
    fn hosts_are_forgotten_when_there_are_many_and_nothing_is_lost_by_it() {
        let (mut hosts, now) = (HashMap::new(), Instant::now());
        let mut of = |name: &str| RetryTokens::of_name(&mut hosts, name.to_owned(), now);
        let used = of("used");
        of("indebted").take(now);
        for index in 2..RetryTokens::HOSTS {
            of(&index.to_string());
        }
        // One that is known needs no room.
        of("2");
        assert_eq!(hosts.len(), RetryTokens::HOSTS);
        let mut of = |name: &str| RetryTokens::of_name(&mut hosts, name.to_owned(), now);
        of("one more");
        let mut names: Vec<&str> = hosts.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["indebted", "one more", "used"]);
        assert!(used.is_full(now));
    }

    #[test]
    fn hosts_have_buckets_of_their_own() {
        let of = |url: &str| RetryTokens::of_host(&Endpoint::from_url(url).unwrap());
        let first = of("wss://tokens.test/v1/realtime?model=a");
        let now = Instant::now();
        for _ in 0..200 {
            first.take(now);
        }
        assert!(of("wss://tokens.test/other").take(now) > Duration::ZERO);
        assert_eq!(of("wss://tokens.test:444/").take(now), Duration::ZERO);
        assert_eq!(of("wss://other.test/").take(now), Duration::ZERO);
        for index in 0..3 * RetryTokens::HOSTS {
            of(&format!("wss://host-{index}.test/"));
        }
        assert!(
            of("wss://tokens.test/").take(now) > Duration::ZERO,
            "not forgotten while it is used"
        );
    }
}
