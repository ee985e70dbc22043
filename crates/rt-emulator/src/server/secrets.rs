//! [`Secrets`]: the ephemeral keys that were given out.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use rt_protocol::Session;

/// The most keys that are remembered; the oldest are forgotten first.
const MAX_SECRETS: usize = 4096;
/// Letters of a key.
const KEY_LETTERS: usize = 32;

/// The ephemeral keys that were given out. It holds keys, so it has no `Debug`.
#[derive(Default)]
pub(crate) struct Secrets {
    /// In the order they were made.
    made: Mutex<VecDeque<Secret>>,
}

/// An ephemeral key.
struct Secret {
    /// `ek_…`
    key: String,
    /// When it stops to be good, in seconds since 1970.
    expires_at: u64,
    /// The session it is for.
    session: Session,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    /// It was not given out here.
    Never,
    /// It is too old.
    Expired,
    /// It is good, for this session.
    Good(Session),
}

impl Secrets {
    /// A new key.
    pub(crate) fn make(&self, session: Session, expires_at: u64) -> String {
        let letters: String = (0..KEY_LETTERS).map(|_| fastrand::alphanumeric()).collect();
        let key = format!("ek_{letters}");
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= MAX_SECRETS {
            made.pop_front();
        }
        made.push_back(Secret {
            key: key.clone(),
            expires_at,
            session,
        });
        key
    }

    /// What is known of a key at a time, in seconds since 1970.
    pub(crate) fn look_up(&self, key: &str, now: u64) -> Known {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match made.iter().find(|secret| secret.key == key) {
            None => Known::Never,
            Some(secret) if secret.expires_at <= now => Known::Expired,
            Some(secret) => Known::Good(secret.session.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_good_until_it_expires() {
        let secrets = Secrets::default();
        let key = secrets.make(Session::default(), 110);
        assert!(key.starts_with("ek_") && key.len() == 35, "{key}");
        assert_eq!(secrets.look_up(&key, 109), Known::Good(Session::default()));
        assert_eq!(secrets.look_up(&key, 110), Known::Expired);
        assert_eq!(secrets.look_up("ek_other", 0), Known::Never);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let secrets = Secrets::default();
        let first = secrets.make(Session::default(), 1);
        for _ in 0..MAX_SECRETS {
            secrets.make(Session::default(), 1);
        }
        assert_eq!(secrets.look_up(&first, 0), Known::Never);
        assert_eq!(secrets.made.lock().unwrap().len(), MAX_SECRETS);
    }
}
