//! The machine, with time and chance as arguments.

mod accounts;
mod budget;
mod clocks;
mod ending;
mod fates;
mod guarantees;
mod liveness;
mod losses;
mod pauses;
mod queries;
mod refusals;
mod reports;
mod restoring;
mod retries;
mod rollover;
mod sending;
mod signals;
mod sim;
mod slow_consumer;
mod swaps;

use std::time::{Duration, Instant};

use super::link::Slot;
use super::*;
use crate::classify::{ApiError, Refusal};
use crate::close::CloseCode;
use crate::error::Error;
use crate::event::Retrying;
use crate::frame::Frame;
use crate::state::State;

/// A machine, a clock, and a short way to say what happens.
struct Bench {
    machine: Machine,
    start: Instant,
    now: Instant,
    jitter: f64,
    /// The time of day at the start.
    day: Duration,
    /// Events that came out.
    told: Vec<ConnectionEvent>,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_provider(change, false)
    }

    fn with_provider(change: impl FnOnce(&mut Config), can_refresh: bool) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let now = Instant::now();
        let mut bench = Self {
            machine: Machine::new(config, can_refresh),
            start: now,
            now,
            day: Duration::from_secs(1_000_000),
            jitter: 1.0,
            told: Vec::new(),
        };
        assert_eq!(bench.machine.state(), State::Idle);
        bench.machine.handle_start(bench.at());
        bench
    }

    /// With a session open.
    fn opened(change: impl FnOnce(&mut Config)) -> Self {
        let mut bench = Self::new(change);
        bench.connect();
        bench.created();
        bench.actions();
        bench.events();
        bench
    }

    fn at(&self) -> At {
        At {
            now: self.now,
            jitter: self.jitter,
            unix: self.unix(),
        }
    }

    /// The time of day, which may be wrong and be set.
    fn unix(&self) -> Duration {
        self.day + (self.now - self.start)
    }

    fn epoch(&self) -> u64 {
        self.machine.epoch
    }

    fn advance(&mut self, by: Duration) {
        self.advance_with(by, None);
    }

    /// Lets time pass, calling at each deadline as the supervisor would.
    fn advance_with(&mut self, by: Duration, traffic: Option<Traffic>) {
        let end = self.now + by;
        while let Some(due) = self.machine.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.machine.handle_timeout(self.at(), &|_| traffic);
        }
        self.now = end;
    }

    fn connect(&mut self) {
        let at = self.at();
        self.machine
            .handle_connected(at, Handshake::default())
            .expect("a dial is under way");
    }

    fn signal(&mut self, signal: Signal) -> bool {
        let (at, epoch) = (self.at(), self.epoch());
        let is_live = self.machine.handle_signal(at, epoch, signal);
        self.collect();
        is_live
    }

    /// Takes the events that came out, as the driver does after each input.
    fn collect(&mut self) {
        let (had, before) = (self.machine.has_events(), self.told.len());
        self.told.extend(std::iter::from_fn(|| self.machine.poll_event()));
        self.told
            .extend(std::iter::from_fn(|| self.machine.poll_event_after()));
        assert_eq!(had, self.told.len() > before, "what is said of events is so");
        assert!(!self.machine.has_events());
    }

    fn created(&mut self) {
        assert!(self.signal(Signal::Created {
            session_id: Some("sess_1".to_owned()),
            expires_at: Some(7)
        }));
    }

    fn error_event(&mut self, code: &str) {
        self.signal(Signal::Error(ApiError {
            code: Some(code.to_owned()),
            kind: None,
            message: None,
        }));
    }

    fn close(&mut self, code: u16, reason: &str) {
        let (at, epoch) = (self.at(), self.epoch());
        self.machine
            .handle_peer_close(at, epoch, CloseFrame::new(CloseCode::new(code), reason));
    }

    fn drop_stream(&mut self) {
        let (at, epoch) = (self.at(), self.epoch());
        self.machine.handle_read_failed(at, epoch, ended());
    }

    fn fail_dial(&mut self, failure: &Failure) {
        let at = self.at();
        self.machine.handle_dial_failed(at, failure);
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.machine.poll_action()).collect()
    }

    fn events(&mut self) -> Vec<ConnectionEvent> {
        self.collect();
        std::mem::take(&mut self.told)
    }

    fn retrying(&mut self) -> Retrying {
        match self.events().pop() {
            Some(ConnectionEvent::Retrying(retrying)) => retrying,
            other => panic!("not Retrying: {other:?}"),
        }
    }

    fn closed(&mut self) -> Closed {
        let mut events = self.events();
        let last = events.pop();
        assert!(
            !events
                .iter()
                .any(|event| matches!(event, ConnectionEvent::Closed(_)))
        );
        match last {
            Some(ConnectionEvent::Closed(closed)) => {
                assert_eq!(self.machine.state(), State::Closed);
                assert_eq!(
                    self.machine.poll_timeout(),
                    None,
                    "nothing is waited for after the end"
                );
                closed
            }
            other => panic!("not Closed: {other:?}"),
        }
    }

    fn send(&mut self, text: &str) {
        self.machine
            .handle_command(vec![Message::control(text.to_owned())], false)
            .unwrap();
    }

    fn transmit(&mut self, flushed: bool) -> Transmit {
        let (at, epoch) = (self.at(), self.epoch());
        self.machine.poll_transmit(at, epoch, flushed)
    }

    /// All that can be written now, as text.
    fn written(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        let mut flushed = false;
        loop {
            match self.transmit(flushed) {
                Transmit::Frame(Frame::Text(text)) => all.push(text.to_string()),
                Transmit::Frame(Frame::Ping(_)) => all.push("<ping>".to_owned()),
                Transmit::Frame(Frame::Close(close)) => all.push(format!("<close {}>", close.code)),
                Transmit::Idle if !flushed => flushed = true,
                Transmit::Idle | Transmit::Stop => return all,
            }
        }
    }
}

fn ended() -> Failure {
    Failure::Ended(Error::new(crate::ErrorKind::ConnectionLost, "gone"))
}

fn refused_port() -> Failure {
    Failure::Tcp(Error::new(crate::ErrorKind::Tcp, "refused"))
}

fn status(status: u16, retry_after: Option<Duration>) -> Failure {
    Failure::Refused(Box::new(Refusal {
        status,
        is_json: true,
        retry_after,
        ..Refusal::default()
    }))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
