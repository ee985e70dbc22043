//! Whether the user really interrupts, or only coughs: the model is held until it is known.

use std::time::Duration;

/// What is known of a turn the user began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nobody speaks.
    None,
    /// The model is held until then.
    Doubtful(Duration),
    /// It is to be answered.
    Meant,
    /// It was too short.
    Brief,
}

/// The doubt about interruptions, if the session is to have any.
#[derive(Debug)]
pub(crate) struct Doubt {
    after: Option<Duration>,
    turn: Turn,
}

impl Doubt {
    pub(crate) fn new(after: Option<Duration>) -> Self {
        Self {
            after,
            turn: Turn::None,
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.after.is_some()
    }

    /// The user begins to speak; `speaking` is whether the model does. Whether to hold the model.
    pub(crate) fn began(&mut self, speaking: bool, now: Duration) -> bool {
        let Some(after) = self.after else { return false };
        self.turn = if speaking {
            Turn::Doubtful(now + after)
        } else {
            Turn::Meant
        };
        speaking
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        match self.turn {
            Turn::Doubtful(due) => Some(due),
            _ => None,
        }
    }

    /// Whether the user has spoken for long enough just now.
    pub(crate) fn is_over(&mut self, now: Duration) -> bool {
        let over = matches!(self.turn, Turn::Doubtful(due) if due <= now);
        if over {
            self.turn = Turn::Meant;
        }
        over
    }

    /// It does not matter any more how long the user speaks: the model stops anyway.
    pub(crate) fn decide(&mut self) {
        if self.holds() {
            self.turn = Turn::Meant;
        }
    }

    /// The user stopped. Whether it was too short to mean anything.
    pub(crate) fn stopped(&mut self) -> bool {
        let brief = matches!(self.turn, Turn::Doubtful(_));
        if brief {
            self.turn = Turn::Brief;
        }
        brief
    }

    /// The turn became an item. Whether it is to be answered.
    pub(crate) fn committed(&mut self) -> bool {
        std::mem::replace(&mut self.turn, Turn::None) == Turn::Meant
    }

    /// Whether the model is held.
    pub(crate) fn holds(&self) -> bool {
        matches!(self.turn, Turn::Doubtful(_))
    }

    /// The turn is over without an end.
    pub(crate) fn forget(&mut self) {
        self.turn = Turn::None;
    }
}
