//! Interruptions: what was not heard is cut in the sink, here, and on the server.

use std::collections::HashMap;
use std::time::Duration;

use rt_protocol::client_event::{ConversationItemDelete, ConversationItemTruncate, OutputAudioBufferClear};
use rt_protocol::server_event::ErrorDetails;
use rt_protocol::{ClientEvent, Text};

use super::playback::{Cut, Tell};
use super::{Engine, Output};
use crate::error::Error;
use crate::event::{Event, Turn};
use crate::history::HistoryState;
use crate::reply::ReplyUpdate;
use crate::transcript::Speaker;

/// Cuts the server was told of and has not confirmed: item, part, and whether it is the second try.
#[derive(Debug, Default)]
pub(crate) struct Cuts {
    pending: HashMap<String, (String, u32, bool)>,
}

impl Cuts {
    /// Nobody will answer.
    pub(crate) fn forget(&mut self) {
        self.pending.clear();
    }

    /// An item was cut or is gone.
    pub(crate) fn confirmed(&mut self, item_id: &str) {
        self.pending.retain(|_, (item, ..)| item != item_id);
    }
}

impl Engine {
    /// The model is to stop. `by_server` is whether the server cancels the response itself.
    pub(super) fn interrupt(&mut self, by_server: bool) {
        // Whatever was in doubt, the model is to stop; the next reply must not find the sink held.
        self.doubt.decide();
        self.resume();
        let active = self.responses.active().map(str::to_owned);
        let playing = self.playback.is_playing();
        // Where the server plays, it does not stop by itself at a cancel.
        let clears = self.playback.is_remote() && playing && !by_server;
        let tools = &self.tools;
        let cuts = self
            .playback
            .interrupt(self.now, |response_id| tools.has_call(response_id));
        let none_active = active.is_none() || self.responses.is_stopping();
        if cuts.is_empty() && none_active && !playing {
            // Perhaps a response is asked for, and did not begin.
            self.responses.cancel(&mut self.ids, self.now, by_server);
            return;
        }
        self.out.push(Output::Clear);
        if let Some(active) = &active {
            self.playback.suppress(active);
        }
        // What waits for a check is cut with the rest, and its end may have come.
        let by_server = by_server || active.as_deref().is_some_and(|id| self.guards.has_ended(id));
        let playback = &self.playback;
        let endings = self.guards.abandon(|id| playback.is_suppressed(id));
        let heard = cuts
            .iter()
            .find(|cut| !cut.heard.is_zero())
            .or_else(|| cuts.first())
            .cloned();
        self.cut(cuts);
        self.responses.cancel(&mut self.ids, self.now, by_server);
        if clears {
            for step in self.responses.take() {
                self.response_step(step);
            }
            self.out
                .push(Output::Send(OutputAudioBufferClear::default().into()));
        }
        let (item_id, heard, text) = match heard {
            Some(cut) => (Some(cut.item_id), cut.heard, Text::from(cut.text)),
            None => (None, Duration::ZERO, Text::default()),
        };
        self.tell(Event::Turn(Turn::Interrupted { item_id, heard, text }));
        for event in endings {
            self.apply(&event);
        }
    }

    /// Lets the sink go on, if it was held.
    pub(super) fn resume(&mut self) {
        if self.doubt.is_on() {
            self.playback.resume(self.now);
            self.out.push(Output::Pause(false));
        }
        if self.doubt.holds() {
            self.doubt.forget();
        }
    }

    /// The turn the user began will have no end.
    pub(super) fn forget_turn(&mut self) {
        self.resume();
        self.doubt.forget();
        self.responses.user_speaks(false, false, self.now);
    }

    /// A reply may not go on: what was not heard of it is taken back. `ended` is whether the server has ended it.
    pub(super) fn block(&mut self, response_id: &str, item_id: &str, ended: bool) {
        let spoken = self.playback.truncatable(item_id, 0).is_some();
        // What the server has ended is another reply than the one under way, which has to be cancelled.
        let ended = ended && self.responses.active().is_none_or(|id| id == response_id);
        self.playback.suppress(response_id);
        if self.responses.active() == Some(response_id) || self.playback.is_playing() {
            self.interrupt(ended);
        }
        if !spoken && !self.responses.is_outside(response_id) {
            self.take_back(item_id);
        }
    }

    /// An item goes, here and on the server.
    pub(super) fn take_back(&mut self, item_id: &str) {
        let change = self.history.cut(item_id, Duration::ZERO, "");
        self.tell_history(change);
        let delete = ConversationItemDelete::new(item_id);
        self.send_cut(delete.into(), item_id.to_owned(), 0, false);
    }

    /// Cuts items, here and on the server.
    pub(super) fn cut(&mut self, cuts: Vec<Cut>) {
        for cut in cuts {
            let text = Text::from(cut.text.as_str());
            let unfinished = self
                .history
                .get(&cut.item_id)
                .is_some_and(|item| item.state != HistoryState::Final);
            let held = self.spoken.cut(&cut.item_id, cut.content_index);
            if (unfinished || held) && !text.is_empty() {
                self.say(Speaker::Assistant, &cut.item_id, &text, true);
            }
            let late = self.lines.set(&cut.item_id, &text);
            self.tell_lines(late.into_iter().collect());
            self.reply(&cut.response_id, |_| ReplyUpdate::Cut {
                id: cut.item_id.clone(),
                content_index: cut.content_index,
                samples: usize::try_from(cut.samples).unwrap_or(usize::MAX),
                text: text.clone(),
            });
            let change = self.history.cut(&cut.item_id, cut.heard, &text);
            self.tell_history(change);
            let event: ClientEvent = match cut.tell {
                Tell::Nothing => continue,
                Tell::Delete => ConversationItemDelete::new(cut.item_id.as_str()).into(),
                Tell::Truncate(ms) => ConversationItemTruncate::new(cut.item_id.as_str(), ms)
                    .content_index(cut.content_index)
                    .into(),
            };
            self.send_cut(event, cut.item_id, cut.content_index, false);
        }
    }

    /// The server does not have an item: if nothing of it was heard, it is none of the conversation.
    fn gone(&mut self, item_id: &str) {
        let is_empty = self.history.get(item_id).is_some_and(|item| item.text.is_empty());
        if is_empty {
            let change = self.history.removed(item_id);
            self.tell_history(change);
        }
        self.playback.deleted(item_id);
        self.cuts.confirmed(item_id);
    }

    fn send_cut(&mut self, event: ClientEvent, item_id: String, content_index: u32, again: bool) {
        let event_id = self.ids.next("cut");
        self.cuts
            .pending
            .insert(event_id.clone(), (item_id, content_index, again));
        self.out.push(Output::Send(event.with_event_id(event_id)));
    }

    /// An `error` of the server. Whether it was about a cut.
    pub(super) fn cut_refused(&mut self, details: &ErrorDetails) -> bool {
        let Some(pending) = details.event_id.as_ref().value().copied() else {
            return false;
        };
        let Some((item_id, content_index, again)) = self.cuts.pending.remove(pending) else {
            return false;
        };
        match shorter(&details.message) {
            // The server has less of it than it sent, and says how much.
            Some(ms) if !again => {
                let truncate =
                    ConversationItemTruncate::new(item_id.as_str(), ms).content_index(content_index);
                self.send_cut(truncate.into(), item_id, content_index, true);
            }
            // It is gone already.
            None if details.message.contains("does not exist") => self.gone(&item_id),
            _ => self.report(Error::refused("to cut what was not heard", details)),
        }
        true
    }
}

/// The length in `Audio content of 2700ms is already shorter than 3207ms`.
fn shorter(message: &str) -> Option<u64> {
    if !message.contains("already shorter than") {
        return None;
    }
    let (_, rest) = message.split_once("content of ")?;
    let (ms, _) = rest.split_once("ms")?;
    ms.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_length_is_read() {
        assert_eq!(
            shorter("Audio content of 2700ms is already shorter than 3207ms"),
            Some(2700)
        );
        assert_eq!(shorter("Only model output audio messages can be truncated"), None);
    }
}
