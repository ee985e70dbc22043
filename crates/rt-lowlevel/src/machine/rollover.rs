//! The rollover: a second connection takes over before the first has to end.

use super::link::Link;
use super::{At, Machine};
use crate::classify::Failure;
use crate::event::ConnectionEvent;

impl Machine {
    pub(super) fn next_created(&mut self, at: At, session_id: Option<String>, expires_at: Option<u64>) {
        let _ = (at, session_id, expires_at);
    }

    pub(super) fn next_is_ready(&mut self, at: At) -> bool {
        let _ = at;
        false
    }

    pub(super) fn lose_next(&mut self, at: At, link: &Link, failure: &Failure) {
        let _ = (at, link, failure);
    }

    pub(crate) fn hold(&mut self, epoch: u64, event: ConnectionEvent) {
        let _ = (epoch, event);
    }

    pub(super) fn swap_if_quiet(&mut self, at: At) {
        let _ = at;
    }
}
