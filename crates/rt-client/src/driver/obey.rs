//! What the engine wants done, and what the application wants of the engine.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use rt_lowlevel::State;
use rt_lowlevel::fate::Fate;
use tracing::Instrument as _;

use super::{Driver, Request};
use crate::engine::{Command, Output};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::observe;
use crate::reply::{ReplyUpdate, reply};
use crate::tool::ToolCall;
use crate::usage::BudgetState;

impl Driver {
    /// Does what the engine wants done.
    pub(super) fn obey(&mut self) {
        let mut outputs = std::mem::take(&mut self.state.outputs);
        self.engine.swap(&mut outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Send(event) => self.state.outgoing.push_back(event),
                Output::Event(event) => {
                    observe::event(&event);
                    self.spans.event(&event);
                    if matches!(event, Event::Budget(BudgetState::Exhausted { .. })) {
                        self.counters.is_exhausted.store(true, Ordering::Relaxed);
                    }
                    self.outlet.push(event);
                }
                Output::Play(audio) => {
                    // Before anybody can hear it.
                    if let Some(half_duplex) = &self.half_duplex {
                        half_duplex.model_speaks(true, self.state.began.elapsed());
                    }
                    let result = self.sink.play(audio);
                    self.sink_works(result);
                }
                Output::Pause(pause) => {
                    let result = self.sink.pause(pause);
                    self.sink_works(result);
                }
                Output::Clear => {
                    let total = self.sink.clear();
                    if let Some(total) = self.sink_works(total).flatten() {
                        self.engine.cleared(total);
                    }
                }
                Output::RunTool(call) => self.run_tool(call),
                Output::AbortTool(call_id) => {
                    if let Some(running) = self.state.running.remove(&call_id) {
                        running.abort();
                    }
                }
                Output::Check(check) => {
                    let id = check.id;
                    let checking = async move { (id, check.check.run(check.text).await) };
                    let running = self.state.checks.spawn(checking);
                    self.state.checking.insert(id, running);
                }
                Output::AbortCheck(id) => {
                    if let Some(running) = self.state.checking.remove(&id) {
                        running.abort();
                    }
                }
                Output::Ack(ticket, result) => {
                    let unheard = match self.state.acks.remove(&ticket) {
                        Some(answer) => answer.send(result).err(),
                        None => None,
                    };
                    if let Some(Err(error)) = unheard {
                        self.unheard(error);
                    }
                }
                Output::Reply(ticket, update) => {
                    let over = matches!(update, ReplyUpdate::Ended(_));
                    if let Some(writer) = self.state.replies.get(&ticket) {
                        let unread = !writer.is_read();
                        writer.update(update);
                        if over || unread {
                            self.state.replies.remove(&ticket);
                        }
                    }
                }
                Output::NoReply(ticket, error) => match self.state.replies.remove(&ticket) {
                    Some(writer) if writer.is_read() => writer.fail(error),
                    _ => self.unheard(error),
                },
                Output::NoneCame(ticket, error) => {
                    if let Some(writer) = self.state.replies.remove(&ticket) {
                        writer.fail(error);
                    }
                }
                Output::Follows(ticket, next) => {
                    if let Some(writer) = self.state.replies.get(&ticket) {
                        let (follow_up, handle) = reply();
                        writer.follow(handle);
                        self.state.replies.insert(next, follow_up);
                    }
                }
            }
        }
        self.state.outputs = outputs;
        if let Some(half_duplex) = &self.half_duplex {
            half_duplex.model_speaks(self.engine.is_playing(), self.state.began.elapsed());
        }
        let dropped = self.engine.dropped();
        if dropped != self.state.dropped {
            self.state.dropped = dropped;
            let (late, forgotten) = dropped;
            self.counters.late_deltas.store(late, Ordering::Relaxed);
            self.counters.forgotten_items.store(forgotten, Ordering::Relaxed);
        }
    }

    /// A failure nobody waits for any more is everybody's, unless it is the end of the session, which is told, or what the
    /// application has done itself.
    fn unheard(&mut self, error: Error) {
        let closes = matches!(*self.handle.state().borrow(), State::Closing | State::Closed);
        let over = self.state.over || closes;
        if !over && error.kind() != ErrorKind::Cancelled {
            self.outlet.push(Event::Error(error));
        }
    }

    /// What a call of the sink brought. If that failed, everybody is told, once, and the clock takes its place.
    pub(super) fn sink_works<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(%error, "no sink any more");
                self.outlet.push(Event::Error(error));
                self.engine.sink_failed(self.now());
                None
            }
        }
    }

    /// Starts a function; its panic is an answer too.
    pub(super) fn run_tool(&mut self, call: ToolCall) {
        let call_id = call.call_id.clone();
        let Some(function) = self.functions.get(&call.name).cloned() else {
            return;
        };
        let span = self.spans.tool(&call);
        let task = async move {
            let running = AssertUnwindSafe(async { function.run(call.arguments).await });
            let result = running.catch_unwind().await;
            let result = result.unwrap_or_else(|_| Err("it panicked".to_owned()));
            (call.call_id, result)
        };
        let running = self.state.tasks.spawn(task.instrument(span));
        self.state.running.insert(call_id, running);
    }

    /// Forgets replies nobody reads, so that those who give up waiting leave nothing behind.
    pub(super) fn forget_unread(&mut self) {
        let replies = &mut self.state.replies;
        let unread = replies.extract_if(|_, writer| !writer.is_read());
        for (reply, _) in unread.collect::<Vec<_>>() {
            self.engine
                .command(self.state.began.elapsed(), Command::Abandon { reply });
        }
    }

    pub(super) fn request(&mut self, request: Request) {
        self.played();
        match request {
            Request::Command { command, reply, ack } => {
                self.forget_unread();
                self.state.replies.extend(reply);
                self.state.acks.extend(ack);
                self.engine.command(self.now(), command);
            }
            Request::History(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.engine.history().to_vec());
            }
            Request::PlayedOut(done) => self.state.listeners.push(done),
            Request::Flush(done) => self.state.flushes.push(done),
            Request::Played(total) => self.engine.played(self.now(), total),
        }
    }

    /// The fate of an edit. The server's own words come as events; this is for those it does not say.
    pub(super) fn settled(&mut self, event_id: &str, fate: &Fate) {
        let now = self.now();
        match fate {
            Fate::Acknowledged | Fate::Superseded => self.engine.sent(now, event_id, Ok(())),
            Fate::Discarded(_) => {
                let error = Error::interrupted("it was done");
                self.engine.sent(now, event_id, Err(error));
            }
            _ => {}
        }
    }
}
