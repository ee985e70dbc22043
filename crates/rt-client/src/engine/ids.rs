//! Ids of requests and items: unique in a session, and told from those of others by their prefix.

/// Makes ids.
#[derive(Debug)]
pub(crate) struct Ids {
    /// Different in each session: items outlive a session when it is restored.
    seed: u32,
    next: u64,
}

impl Ids {
    pub(crate) fn new(seed: u32) -> Self {
        Self { seed, next: 0 }
    }

    /// An id such as `rt_5f2c01aa_resp_3`, at most 32 characters in practice.
    pub(crate) fn next(&mut self, what: &str) -> String {
        self.next += 1;
        format!("rt_{:08x}_{what}_{}", self.seed, self.next)
    }
}
