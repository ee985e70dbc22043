//! How the steps of the parts become outputs and events.

use rt_lowlevel::State;
use rt_protocol::{ClientEvent, ServerEvent};

use super::acks::Answer;
use super::follows::is_follow_up;
use super::responses::Origin;
use super::{Engine, Output, Ticket, responses, tools};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Latency, Turn};
use crate::history::HistoryChange;
use crate::reply::{ReplyStatus, ReplyUpdate};
use crate::transcript::Line;
use crate::usage::{BudgetState, Usage};

impl Engine {
    /// Turns the steps of the parts into outputs.
    pub(super) fn settle(&mut self) {
        loop {
            let steps = self.tools.take();
            let idle = steps.is_empty();
            for step in steps {
                self.tool_step(step);
            }
            let steps = self.responses.take();
            if idle && steps.is_empty() {
                break;
            }
            for step in steps {
                self.response_step(step);
            }
        }
        // One that was started may have been aborted since.
        for check in self.guards.take_started() {
            self.out.push(Output::Check(check));
        }
        for id in self.guards.take_aborted() {
            self.out.push(Output::AbortCheck(id));
        }
        let lines = self.lines.take(self.now);
        self.tell_lines(lines);
    }

    pub(super) fn response_step(&mut self, step: responses::Step) {
        use responses::Step;
        match step {
            Step::Send(event) => {
                if let (ClientEvent::ResponseCreate(_), Some(key)) = (&event, event.event_id()) {
                    self.stopwatch.asked(key, self.now);
                }
                self.out.push(Output::Send(event));
            }
            // Of a follow-up everybody is told, and those who wait for it.
            Step::Failed(ticket, error) if is_follow_up(ticket) => {
                self.out.push(Output::NoneCame(ticket, error));
            }
            Step::Failed(ticket, error) => self.out.push(Output::NoReply(ticket, error)),
            Step::NoneCame(ticket, error) => self.out.push(Output::NoneCame(ticket, error)),
            Step::GaveUp { id, tickets } => {
                self.playback.gave_up(&id);
                self.discard(|gate| gate == id);
                self.end_reply(&id, &tickets, ReplyStatus::Unfinished);
                self.mcp_response_done(&id, false);
                self.tools.response_done(&id, self.now);
            }
            Step::Report(error) => self.report(error),
        }
    }

    pub(super) fn tool_step(&mut self, step: tools::Step) {
        use tools::Step;
        match step {
            Step::Send(event) => self.out.push(Output::Send(event)),
            Step::Run(call) => self.out.push(Output::RunTool(call)),
            Step::Abort(call_id) => self.out.push(Output::AbortTool(call_id)),
            Step::Tell(call) => self.tell(Event::ToolCall(call)),
            Step::Ask(call) => self.tell(Event::ApprovalWanted(call)),
            Step::Respond(after) => {
                let tickets = self.followers(after.as_deref());
                self.request(Origin::Auto, None, tickets);
            }
            Step::Answered(response_id) => self.no_follow_up(&response_id),
            Step::Took { call, took, failed } => {
                self.stopwatch.tool(took, self.now);
                self.tell(Event::Latency(Latency::Tool {
                    call_id: call,
                    took,
                    failed,
                }));
            }
            Step::Report(error) => self.report(error),
        }
    }

    /// Tells those who wait for a response that it is over.
    pub(super) fn end_reply(&mut self, response_id: &str, tickets: &[Ticket], status: ReplyStatus) {
        let timing = self.stopwatch.done(response_id);
        self.expect_follow_up(response_id, tickets);
        for ticket in tickets {
            self.out
                .push(Output::Reply(*ticket, ReplyUpdate::Ended(status.clone())));
        }
        self.tell(Event::Turn(Turn::ReplyEnded {
            response_id: response_id.to_owned(),
            status,
            timing,
        }));
    }

    /// What waits for checks of these responses is dropped, but not what it cost.
    pub(super) fn discard(&mut self, is_lost: impl Fn(&str) -> bool) {
        for event in self.guards.abandon(is_lost) {
            if let ServerEvent::ResponseDone(done) = &*event
                && let Some(usage) = done.response.usage.value()
            {
                let id = done.response.id.as_deref().unwrap_or_default();
                self.used(id, Usage::of_response(usage));
            }
        }
    }

    /// Something was used.
    pub(super) fn used(&mut self, id: &str, usage: Usage) {
        let (report, budget) = self.ledger.add(id, usage);
        self.tell(Event::Usage(Box::new(report)));
        let Some(budget) = budget else { return };
        self.tell(Event::Budget(budget));
        if let BudgetState::Exhausted { spent, limit } = budget {
            let message =
                format!("the budget of {limit} is used up ({spent:.4}): no more responses are asked for");
            self.responses.stop(&Error::new(ErrorKind::Budget, message));
        }
    }

    pub(super) fn answer(&mut self, answers: impl IntoIterator<Item = Answer>) {
        for (ticket, result) in answers {
            self.out.push(Output::Ack(ticket, result));
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.out.push(Output::Event(event));
    }

    pub(super) fn tell_history(&mut self, change: Option<HistoryChange>) {
        if let Some(change) = change {
            self.tell(Event::HistoryUpdated(change));
        }
    }

    pub(super) fn tell_lines(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.tell(Event::Line(line));
        }
    }

    pub(super) fn tell_state(&mut self, state: State) {
        if self.state != Some(state) {
            self.state = Some(state);
            self.tell(Event::State(state));
        }
    }

    pub(super) fn report(&mut self, error: Error) {
        self.tell(Event::Error(error));
    }
}
