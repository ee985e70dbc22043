//! [`Engine`]: every decision of a session, without socket, clock or tasks.
//!
//! What happens goes in with the time: commands of the application, events of the server, the fate of the connection, samples
//! that were played, results of tools. What is to be done comes out of [`Engine::swap`], in order. The modules below know
//! one thing each and do not know each other; `command`, `server`, `output`, `interrupt` and `telling` pass things between
//! them.

mod acks;
mod command;
mod doubt;
mod facts;
mod follows;
mod guards;
mod heard;
mod history;
mod ids;
mod interrupt;
mod last_id;
mod latency;
mod lines;
mod mcp;
mod meter;
mod output;
mod playback;
mod responses;
mod server;
mod spoken;
mod telling;
#[cfg(test)]
mod tests;
mod tools;
mod written;

use std::collections::HashMap;
use std::time::Duration;

use rt_lowlevel::State;
use rt_protocol::{ClientEvent, Pcm16, ResponseParams, Text};

pub(crate) use self::acks::Acked;
pub(crate) use self::command::Command;
pub(crate) use self::responses::check_metadata;
pub(crate) use self::tools::Policy;

use self::acks::Acks;
use self::doubt::Doubt;
use self::facts::Facts;
use self::follows::Follows;
use self::guards::Guards;
pub(crate) use self::guards::{Check, CheckId};
use self::history::History;
use self::ids::Ids;
use self::interrupt::Cuts;
use self::last_id::LastId;
use self::latency::Stopwatch;
use self::lines::Lines;
use self::mcp::Mcp;
use self::meter::Ledger;
use self::playback::Playback;
use self::responses::{Origin, Responses, Wish};
use self::spoken::Spoken;
use self::tools::Tools;
use self::written::Written;
use crate::error::Error;
use crate::event::Event;
use crate::guardrail::Guardrail;
use crate::reply::{ReplyStatus, ReplyUpdate};
use crate::samples::Samples;
use crate::tool::ToolCall;
use crate::usage::{Budget, Prices};

/// How much longer answers may take when the connection is lost; it ends, or is back, before that.
const OUTAGE: Duration = Duration::from_secs(3600);

/// What waits for an answer.
pub(crate) type Ticket = u64;

/// What a session is set up with.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) policies: HashMap<String, Policy>,
    /// A sink tells what is played.
    pub(crate) sink: bool,
    /// The session is a call's: the server plays.
    pub(crate) is_call: bool,
    pub(crate) prices: Option<Prices>,
    pub(crate) budget: Option<Budget>,
    /// Whether what the session wanted to ask by itself survives an interruption.
    pub(crate) keep_follow_ups: bool,
    pub(crate) guardrails: Vec<Guardrail>,
    /// How long the user has to speak to interrupt; the server neither interrupts nor answers then.
    pub(crate) confirm: Option<Duration>,
    /// Whether replies in writing are asked for again when the session is to speak.
    pub(crate) repeat_written: bool,
    /// How long somebody waits for any response to begin.
    pub(crate) reply_timeout: Option<Duration>,
    pub(crate) seed: u32,
}

/// Something to be done.
#[derive(Debug)]
pub(crate) enum Output {
    Send(ClientEvent),
    Event(Event),
    /// Hands audio to the sink.
    Play(Pcm16),
    /// Holds the sink, or lets it go on.
    Pause(bool),
    /// Empties the sink; then [`Engine::cleared`].
    Clear,
    RunTool(ToolCall),
    AbortTool(String),
    Check(Check),
    AbortCheck(CheckId),
    Ack(Ticket, Result<Acked, Error>),
    Reply(Ticket, ReplyUpdate),
    /// Another reply follows the first one's, after the functions it called.
    Follows(Ticket, Ticket),
    /// There will be no reply.
    NoReply(Ticket, Error),
    /// The same, for somebody who asked for nothing: if he is gone, it is nobody's business.
    NoneCame(Ticket, Error),
}

/// Every decision of a session.
#[derive(Debug)]
pub(crate) struct Engine {
    now: Duration,
    out: Vec<Output>,
    ids: Ids,
    facts: Facts,
    state: Option<State>,
    responses: Responses,
    follows: Follows,
    playback: Playback,
    cuts: Cuts,
    history: History,
    lines: Lines,
    spoken: Spoken,
    tools: Tools,
    mcp: Mcp,
    acks: Acks,
    ledger: Ledger,
    stopwatch: Stopwatch,
    /// When the end of the speech that is about to be told was sent.
    speech_sent: Option<Duration>,
    samples: Samples,
    /// Of which pieces were told last.
    last_response: LastId,
    last_item: LastId,
    guards: Guards,
    doubt: Doubt,
    written: Written,
}

impl Engine {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            now: Duration::ZERO,
            out: Vec::new(),
            ids: Ids::new(options.seed),
            facts: Facts::default(),
            state: None,
            responses: Responses::new(options.keep_follow_ups, options.reply_timeout),
            follows: Follows::default(),
            playback: Playback::new(options.sink, options.is_call),
            cuts: Cuts::default(),
            history: History::default(),
            lines: Lines::default(),
            spoken: Spoken::default(),
            tools: Tools::new(options.policies),
            mcp: Mcp::default(),
            acks: Acks::default(),
            ledger: Ledger::new(options.prices, options.budget),
            stopwatch: Stopwatch::default(),
            speech_sent: None,
            samples: Samples::default(),
            last_response: LastId::default(),
            last_item: LastId::default(),
            guards: Guards::new(options.guardrails),
            doubt: Doubt::new(options.confirm),
            written: Written::new(options.repeat_written),
        }
    }

    /// What is to be done, in order, in place of what is in `done`: its memory is used again.
    pub(crate) fn swap(&mut self, done: &mut Vec<Output>) {
        done.clear();
        std::mem::swap(&mut self.out, done);
    }

    /// What is to be done, in order.
    #[cfg(test)]
    pub(crate) fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.out)
    }

    pub(crate) fn history(&self) -> &[crate::history::HistoryItem] {
        self.history.items()
    }

    /// Deltas that came after their response was cut, and items of the history that were forgotten.
    pub(crate) fn dropped(&self) -> (u64, u64) {
        (self.playback.late, self.history.forgotten)
    }

    /// The connection is there and set up: requests may go. `restored` is whether the server was given the conversation,
    /// and what was on its way.
    pub(crate) fn opened(&mut self, now: Duration, restored: bool) {
        self.now = now;
        self.acks.opened(now);
        self.responses.opened(now);
        self.tools.opened(restored, now);
        self.tell_state(State::Connected);
        self.settle();
    }

    /// The session goes on with another server, which has the conversation as text. The cause does not say whether the
    /// last connection was lost meanwhile, so both ends are told of: each is harmless to the other.
    pub(crate) fn restored(&mut self, now: Duration) {
        self.playback.lost(self.now);
        self.cuts.forget();
        self.mcp.lost();
        self.tools.wait_for(Vec::new());
        self.opened(now, true);
    }

    /// One response went with its connection.
    pub(crate) fn response_lost(&mut self, now: Duration, response_id: Option<&str>, request: Option<&str>) {
        self.now = now;
        let tickets = self.responses.lost_one(response_id, request, now);
        if let (Some(tickets), Some(id)) = (tickets, response_id) {
            self.discard(|gate| gate == id);
            self.playback.response_done(id);
            self.end_reply(id, &tickets, ReplyStatus::ConnectionLost);
            self.mcp_response_done(id, false);
            self.tools.response_done(id, now);
        }
        self.settle();
    }

    /// What was sent under this event id is done, or will never be.
    pub(crate) fn sent(&mut self, now: Duration, event_id: &str, done: Result<(), Error>) {
        self.now = now;
        match done {
            Ok(()) => {
                let answer = self.acks.sent(event_id);
                self.answer(answer);
                self.tools.sent(event_id);
                self.settle();
            }
            Err(error) => self.send_failed(now, &event_id.into(), &error),
        }
    }

    /// The connection is lost, and will be tried again. `restores` is whether what was on its way will be done then.
    pub(crate) fn lost(&mut self, now: Duration, restores: bool) {
        self.now = now;
        let goes_on = restores || self.tools.is_open();
        for (response_id, tickets) in self.responses.lost(goes_on) {
            self.end_reply(&response_id, &tickets, ReplyStatus::ConnectionLost);
        }
        self.mcp.lost();
        self.tools.wait_for(Vec::new());
        self.tools.lost(now);
        self.stopwatch.lost();
        self.playback.lost(self.now);
        self.cuts.forget();
        self.discard(|_| true);
        self.resume();
        if restores {
            self.acks.opened(now + OUTAGE);
        } else {
            let unanswered = self.acks.fail(Error::interrupted);
            self.answer(unanswered);
        }
        self.tell_state(State::Reconnecting);
        self.settle();
    }

    /// The end of the connection, and of everything that waits for an answer.
    pub(crate) fn closed(&mut self, now: Duration, error: Option<Error>) {
        self.now = now;
        let why = error.clone().unwrap_or_else(Error::closed);
        for (response_id, tickets) in self.responses.lost(true) {
            self.end_reply(&response_id, &tickets, ReplyStatus::ConnectionLost);
        }
        self.discard(|_| true);
        self.responses.closed(&why);
        self.close_follow_ups(&why);
        let unanswered = self.acks.fail(|_| why.clone());
        self.answer(unanswered);
        self.settle();
        self.tell_all_spoken();
        let lines = self.lines.finish();
        self.tell_lines(lines);
        if let Some(error) = error {
            self.out.push(Output::Event(Event::Error(error)));
        }
        self.tell_state(State::Closed);
    }

    /// Audio of the user was sent then.
    pub(crate) fn audio_sent(&mut self, at: Duration) {
        self.responses.audio_sent(at);
    }

    /// A tool returned.
    pub(crate) fn tool_finished(&mut self, now: Duration, call_id: &str, result: Result<Text, String>) {
        self.now = now;
        self.tools.finished(call_id, result, &mut self.ids, now);
        self.settle();
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.responses
            .deadline()
            .into_iter()
            .chain(self.tools.deadline())
            .chain(self.acks.deadline())
            .chain(self.lines.deadline())
            .chain(self.doubt.deadline())
            .chain(self.guards.deadline())
            .chain(self.mcp.deadline())
            .min()
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        self.now = now;
        self.playback.settle(now);
        self.tell_spoken();
        self.responses.handle_timeout(now);
        self.tools.handle_timeout(&mut self.ids, now);
        if self.doubt.is_over(now) {
            self.interrupt(false);
        }
        for released in self.guards.handle_timeout(now) {
            self.release(released);
        }
        let over = self.mcp.handle_timeout(now);
        if over.is_some() {
            self.mcp_over(over);
        }
        let late = self.acks.handle_timeout(now);
        self.answer(late);
        self.settle();
    }

    fn request(
        &mut self,
        origin: Origin,
        params: Option<Box<ResponseParams>>,
        tickets: impl IntoIterator<Item = Ticket>,
    ) {
        let wish = Wish {
            origin,
            params,
            tickets: tickets.into_iter().collect(),
            needs: None,
        };
        self.responses.request(&mut self.ids, wish, self.now);
    }

    /// Asks for the answer to what was sent under this event id.
    fn request_answer(&mut self, event_id: String, ticket: Ticket) {
        let wish = Wish {
            origin: Origin::Manual,
            params: None,
            tickets: vec![ticket],
            needs: Some(event_id),
        };
        self.responses.request(&mut self.ids, wish, self.now);
    }

    /// Whether everything is over, for tests.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.responses.is_idle() && self.tools.running() == 0
    }
}
