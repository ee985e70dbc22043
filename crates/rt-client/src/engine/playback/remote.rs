//! Playback that the server does: of a call over WebRTC or SIP, whose audio does not come here.
//!
//! The server says when it begins and ends to play a response, and cuts by itself what the user did not hear.

use std::time::Duration;

use super::Playback;
use super::part::Cut;

/// How long the server is taken to play on after an outage in which it may have come to the end.
const OUTAGE: Duration = Duration::from_secs(30);

/// What the server plays.
#[derive(Debug, Default)]
pub(super) struct Remote {
    /// The response, and since when.
    playing: Option<(String, Duration)>,
    /// When that is over at the latest, if its end may have been missed.
    until: Option<Duration>,
}

impl Remote {
    pub(super) fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    pub(super) fn plays(&self, response_id: &str) -> bool {
        self.playing.as_ref().is_some_and(|(id, _)| id == response_id)
    }

    /// The connection is lost: the end of what is played may never be told.
    pub(super) fn lost(&mut self, now: Duration) {
        self.until = self.playing.is_some().then(|| now + OUTAGE);
    }

    pub(super) fn settle(&mut self, now: Duration) {
        if self.until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
    }
}

impl Playback {
    /// Whether the server plays.
    pub(crate) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// The server begins to play a response.
    pub(crate) fn remote_began(&mut self, response_id: &str, now: Duration) {
        if let Some(remote) = &mut self.remote {
            remote.playing = Some((response_id.to_owned(), now));
            remote.until = None;
        }
    }

    /// The server has played a response, or thrown the rest of it away.
    pub(crate) fn remote_ended(&mut self, response_id: &str) {
        if let Some(remote) = &mut self.remote {
            remote.playing.take_if(|(id, _)| id == response_id);
        }
    }

    /// What is heard of is cut here until the server says where it was: by the clock, for nobody else knows yet.
    pub(super) fn interrupt_remote(&mut self, now: Duration) -> Vec<Cut> {
        let remote = self.remote.as_mut();
        let Some((response_id, since)) = remote.and_then(|remote| remote.playing.take()) else {
            return Vec::new();
        };
        let is_heard = |part: &&mut super::Part| part.response_id == response_id && part.cut.is_none();
        let heard = now.saturating_sub(since);
        let rate = self.rate;
        let part = self.parts.iter_mut().find(is_heard);
        part.map(|part| part.cut_at(heard, rate)).into_iter().collect()
    }

    /// The server has cut a part by itself. What that means here.
    pub(crate) fn cut_by_server(&mut self, item_id: &str, content_index: u32, ms: u64) -> Option<Cut> {
        self.remote.as_ref()?;
        let rate = self.rate;
        let part = self.part(item_id, content_index)?;
        Some(part.cut_at(Duration::from_millis(ms), rate))
    }
}
