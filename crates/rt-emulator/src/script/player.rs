//! [`Player`]: where one connection stands in the script.

use std::sync::Arc;

use super::{After, Script, Step};

/// Where one connection stands in the script.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    /// The script.
    script: Arc<Script>,
    /// The turn of the next response.
    next: usize,
    /// The first turn whose `hear` is not used yet.
    unheard: usize,
}

/// What the next response does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// The steps of a turn.
    Steps(Vec<Step>),
    /// What the user said comes back.
    Parrot,
    /// No output.
    Quiet,
}

impl Player {
    /// At the first turn.
    pub(crate) fn new(script: Arc<Script>) -> Self {
        Self {
            script,
            next: 0,
            unheard: 0,
        }
    }

    /// What is heard in the audio just committed.
    pub(crate) fn hear(&mut self) -> Option<String> {
        self.start_over_if_done();
        let turn = self.next.max(self.unheard);
        let heard = self.script.turns.get(turn).and_then(|turn| turn.hear.as_ref());
        if heard.is_some() {
            self.unheard = turn + 1;
        }
        heard.or(self.script.hear.as_ref()).cloned()
    }

    /// What the response just begun does.
    pub(crate) fn reply(&mut self) -> Reply {
        self.start_over_if_done();
        match self.script.turns.get(self.next) {
            Some(turn) => {
                self.next += 1;
                if turn.reply.is_empty() {
                    Reply::Parrot
                } else {
                    Reply::Steps(turn.reply.clone())
                }
            }
            None if self.script.after == After::Quiet => Reply::Quiet,
            None => Reply::Parrot,
        }
    }

    /// Goes back to the first turn, if the script repeats.
    fn start_over_if_done(&mut self) {
        if self.script.after == After::Repeat && self.next >= self.script.turns.len() {
            self.next = 0;
            self.unheard = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Turn;
    use super::*;

    #[test]
    fn hears_and_replies_in_step() {
        let script = Script::default()
            .hear("something")
            .turn(Turn::default().hear("one").step(Step::say("1")))
            .turn(Turn::default().step(Step::say("2")))
            .turn(Turn::default().hear("three"));
        let mut player = Player::new(Arc::new(script.clone()));
        assert_eq!(player.hear().unwrap(), "one");
        assert_eq!(player.reply(), Reply::Steps(vec![Step::say("1")]));
        assert_eq!(player.hear().unwrap(), "something");
        assert_eq!(player.reply(), Reply::Steps(vec![Step::say("2")]));
        assert_eq!(player.hear().unwrap(), "three");
        assert_eq!((player.reply(), player.reply()), (Reply::Parrot, Reply::Parrot));

        let mut again = Player::new(Arc::new(script.clone().after(After::Repeat)));
        for _ in 0..3 {
            again.reply();
        }
        assert_eq!(again.hear().unwrap(), "one");
        let mut quiet = Player::new(Arc::new(Script::default().after(After::Quiet)));
        assert_eq!(quiet.reply(), Reply::Quiet);
    }
}
