//! The machine in a simulated world: time, chance, network, service and user all follow from one seed.

mod answers;
mod checks;
mod plan;
mod server;
mod user;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rt_protocol::ServerEvent;

use super::super::*;
use crate::classify::{ApiError, Refusal};
use crate::close::CloseCode;
use crate::error::{Error, ErrorKind};
use crate::event::Handshake;
use crate::frame::Frame;

use self::answers::Then;
pub(super) use self::plan::Plan;
use self::server::Session;
pub(super) use self::server::TRUNCATED_TEXT;
use self::user::User;

/// What happens at some time.
#[derive(Debug)]
enum Task {
    /// The dial ends.
    Dial(u64),
    /// A frame reaches the service.
    Up(usize, Frame),
    /// The service does something.
    Serve(usize, Then),
    /// Something reaches the client.
    Down(usize, Down),
    /// The network fails.
    Cut,
    /// The service ends a session.
    Expire(usize),
    /// The user does something.
    User,
}

#[derive(Debug)]
enum Down {
    Event(Box<ServerEvent>),
    Pong([u8; 16]),
    Close(u16, &'static str),
    End,
}

#[derive(Debug)]
struct Conn {
    epoch: u64,
    session: Session,
    latency: Duration,
    /// Nothing passes any more.
    is_cut: bool,
    /// The writer has ended.
    is_stopped: bool,
    last_up: Instant,
    last_down: Instant,
    last_in: Instant,
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) plan: Plan,
    rng: fastrand::Rng,
    pub(super) machine: Machine,
    start: Instant,
    now: Instant,
    agenda: BTreeMap<(Instant, u64), Task>,
    serial: u64,
    conns: Vec<Conn>,
    /// The number of the dial that is under way.
    dial: Option<u64>,
    pub(super) dials: Vec<Instant>,
    /// Connections that were cut.
    pub(super) cuts: usize,
    user: User,
    pub(super) told: Vec<ConnectionEvent>,
    pub(super) fates: BTreeMap<u64, Fate>,
    is_ending: bool,
}

impl World {
    pub(super) fn new(seed: u64, plan: Plan, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        // What the budget does is a matter of its own.
        config.retry.max_connects = usize::MAX;
        config.retry.max_attempts = u32::MAX;
        config.retry.max_downtime = Duration::MAX;
        config.retry.cap = Duration::from_secs(2);
        change(&mut config);
        let start = Instant::now();
        let mut world = Self {
            seed,
            plan,
            rng: fastrand::Rng::with_seed(seed),
            machine: Machine::new(config, false),
            start,
            now: start,
            agenda: BTreeMap::new(),
            serial: 0,
            conns: Vec::new(),
            dial: None,
            dials: Vec::new(),
            cuts: 0,
            user: User::default(),
            told: Vec::new(),
            fates: BTreeMap::new(),
            is_ending: false,
        };
        let at = world.at();
        world.machine.handle_start(at);
        world.user.first_settings(&mut world.machine);
        world.pump();
        world.plan_next_cut();
        world.schedule(Duration::ZERO, Task::User);
        world
    }

    fn at(&mut self) -> At {
        At {
            now: self.now,
            jitter: self.rng.f64(),
            unix: Duration::from_secs(1_000_000) + (self.now - self.start),
        }
    }

    fn schedule(&mut self, wait: Duration, task: Task) {
        self.schedule_at(self.now + wait, task);
    }

    fn schedule_at(&mut self, at: Instant, task: Task) {
        self.serial += 1;
        self.agenda.insert((at, self.serial), task);
    }

    fn plan_next_cut(&mut self) {
        if let Some((least, most)) = self.plan.cuts {
            let wait = Duration::from_millis(self.rng.u64(least..=most));
            self.schedule(wait, Task::Cut);
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Until the user has gone, and what was under way has come to rest.
    pub(super) fn run(&mut self) {
        let end = self.start + Duration::from_secs(self.plan.seconds);
        self.run_until(end);
        self.is_ending = true;
        self.user.is_silent = true;
        // Long enough for a hole to be noticed, and for what follows.
        self.run_until(self.now + Duration::from_secs(30));
    }

    /// Closes, and runs to the end.
    pub(super) fn close(&mut self) {
        let at = self.at();
        self.machine.handle_close(at);
        self.pump();
        self.run_until(self.now + Duration::from_secs(5));
        assert!(self.machine.terminal().is_some(), "seed {}: no end", self.seed);
    }

    fn run_until(&mut self, end: Instant) {
        loop {
            let task = self.agenda.keys().next().map(|(at, _)| *at);
            let next = [task, self.machine.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if task.is_some_and(|task| task <= self.now)
                && let Some((_, task)) = self.agenda.pop_first()
            {
                self.perform(task);
            } else {
                let at = self.at();
                let traffic: Vec<(u64, Traffic)> = self
                    .conns
                    .iter()
                    .map(|conn| {
                        let traffic = Traffic {
                            last_in: conn.last_in,
                            last_out: self.now,
                        };
                        (conn.epoch, traffic)
                    })
                    .collect();
                let seen = |epoch| traffic.iter().find(|(of, _)| *of == epoch).map(|(_, seen)| *seen);
                self.machine.handle_timeout(at, &seen);
            }
            self.pump();
        }
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Dial(number) if self.dial == Some(number) => self.finish_dial(),
            Task::Dial(_) => {}
            Task::Up(place, frame) => self.arrive(place, frame),
            Task::Serve(place, then) => {
                if let Some(event) = self.conns[place].session.happen(then) {
                    self.send_down(place, Down::Event(Box::new(event)));
                }
            }
            Task::Down(place, down) => self.receive(place, down),
            Task::Cut if self.is_ending => {}
            Task::Cut => {
                self.cut();
                self.plan_next_cut();
            }
            Task::Expire(place) => {
                self.send_down(place, Down::Close(1001, "Your session hit the maximum duration"));
                self.send_down(place, Down::End);
            }
            Task::User => {
                let tick = Duration::from_millis(self.plan.tick);
                let now = self.elapsed();
                let at = self.at();
                self.user
                    .act(&mut self.machine, at, &mut self.rng, &self.plan, now);
                self.schedule(tick, Task::User);
            }
        }
    }

    fn finish_dial(&mut self) {
        self.dial = None;
        let at = self.at();
        let may_fail = !self.is_ending && (!self.conns.is_empty() || self.plan.cuts.is_some());
        if may_fail && self.rng.f64() < self.plan.failing_dials {
            let failure = if self.rng.bool() {
                Failure::Tcp(Error::new(ErrorKind::Tcp, "refused"))
            } else {
                Failure::Refused(Box::new(Refusal {
                    status: 503,
                    is_json: true,
                    api: ApiError::default(),
                    ..Refusal::default()
                }))
            };
            self.machine.handle_dial_failed(at, &failure);
            return;
        }
        let Some(epoch) = self.machine.handle_connected(at, Handshake::default()) else {
            return;
        };
        let place = self.conns.len();
        let mut session = Session::new(place + 1);
        session.calls = self.plan.calls;
        self.conns.push(Conn {
            epoch,
            session,
            latency: Duration::from_micros(self.rng.u64(200..60_000)),
            is_cut: false,
            is_stopped: false,
            last_up: self.now,
            last_down: self.now,
            last_in: self.now,
        });
        let mut expires_at = None;
        if let Some(seconds) = self.plan.session_length {
            expires_at = Some(at.unix.as_secs() + seconds);
            self.schedule(Duration::from_secs(seconds), Task::Expire(place));
        }
        let created = self.conns[place].session.created(expires_at);
        self.send_down(place, Down::Event(Box::new(created)));
    }

    /// A frame of the client reaches the service.
    fn arrive(&mut self, place: usize, frame: Frame) {
        match frame {
            Frame::Text(text) => {
                self.refuse_some(place, &text);
                for (wait, then) in self.conns[place].session.receive(&text) {
                    self.schedule(wait, Task::Serve(place, then));
                }
            }
            Frame::Ping(payload) => self.send_down(place, Down::Pong(payload)),
            Frame::Close(_) => {
                self.send_down(place, Down::Close(1000, ""));
                self.send_down(place, Down::End);
            }
        }
    }

    /// The service does not take every item in a restore.
    fn refuse_some(&mut self, place: usize, text: &str) {
        if self.plan.refusals > 0.0
            && text.contains("\"event_id\":\"rt_")
            && text.contains("conversation.item.create")
            && self.rng.f64() < self.plan.refusals
        {
            let raw: serde_json::Value = serde_json::from_str(text).unwrap();
            let id = raw["item"]["id"].as_str().unwrap_or_default().to_owned();
            // Not a part of a call: those go together or not at all.
            if raw["item"]["type"] == "message" {
                self.conns[place].session.refuses.push(id);
            }
        }
    }

    fn send_down(&mut self, place: usize, down: Down) {
        let conn = &mut self.conns[place];
        if conn.is_cut {
            return;
        }
        conn.last_down = conn.last_down.max(self.now + conn.latency);
        let due = conn.last_down;
        self.schedule_at(due, Task::Down(place, down));
    }

    /// Something reaches the client.
    fn receive(&mut self, place: usize, down: Down) {
        let at = self.at();
        let conn = &mut self.conns[place];
        let epoch = conn.epoch;
        if conn.is_cut && !matches!(down, Down::End | Down::Close(..)) {
            return;
        }
        conn.last_in = self.now;
        match down {
            Down::Event(event) => {
                let disposition = self.machine.handle_event(at, epoch, Ok(&event));
                let event = ConnectionEvent::Server(*event);
                self.collect();
                match disposition {
                    Disposition::Deliver => {
                        self.note(&event);
                        self.told.push(event);
                    }
                    Disposition::Hold => self.machine.hold(at, epoch, event, 0),
                    Disposition::Hide | Disposition::Stale => {}
                }
                while let Some(event) = self.machine.poll_event_after() {
                    self.note(&event);
                    self.told.push(event);
                }
            }
            Down::Pong(payload) => {
                self.machine.handle_pong(self.now, epoch, &payload);
            }
            Down::Close(code, reason) => {
                let close = CloseFrame::new(CloseCode::new(code), reason);
                self.machine.handle_peer_close(at, epoch, close);
            }
            Down::End => {
                let error = Error::new(ErrorKind::ConnectionLost, "the stream ended");
                self.machine.handle_read_failed(at, epoch, Failure::Ended(error));
            }
        }
    }

    /// The network fails, for every connection there is.
    fn cut(&mut self) {
        let is_hole = self.rng.f64() < self.plan.holes;
        for place in 0..self.conns.len() {
            if self.conns[place].is_cut || self.conns[place].is_stopped {
                continue;
            }
            let (now, latency) = (self.now, self.conns[place].latency);
            if let (Some((code, reason)), false) = (self.plan.close, is_hole) {
                self.send_down(place, Down::Close(code, reason));
            }
            // What is on its way may arrive in part; the rest is gone, also a frame that was half written.
            let arrives = self.now + latency.mul_f64(self.rng.f64());
            self.agenda.retain(|(due, _), task| match task {
                Task::Up(of, _) if *of == place => *due <= arrives,
                Task::Serve(of, _) if *of == place => false,
                Task::Down(of, Down::Event(_) | Down::Pong(_)) if *of == place => *due <= now,
                _ => true,
            });
            self.conns[place].is_cut = true;
            self.cuts += 1;
            if !is_hole {
                let wait = Duration::from_micros(self.rng.u64(0..80_000));
                let due = self.conns[place].last_down.max(self.now + wait);
                self.schedule_at(due, Task::Down(place, Down::End));
            }
        }
    }

    fn collect(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            self.note(&event);
            self.told.push(event);
        }
        while let Some((number, fate)) = self.machine.poll_tracked() {
            let twice = self.fates.insert(number, fate);
            assert!(twice.is_none(), "seed {}: {number} has two fates", self.seed);
        }
    }

    /// Does what the machine wants done.
    fn pump(&mut self) {
        loop {
            self.collect();
            while let Some(event) = self.machine.poll_event_after() {
                self.note(&event);
                self.told.push(event);
            }
            while let Some(settled) = self.machine.poll_settled() {
                self.told.push(ConnectionEvent::Settled(settled));
            }
            for place in 0..self.conns.len() {
                self.write(place);
            }
            let Some(action) = self.machine.poll_action() else {
                break;
            };
            match action {
                Action::Dial { .. } => {
                    self.dials.push(self.now);
                    let number = self.dials.len() as u64;
                    self.dial = Some(number);
                    let wait = Duration::from_micros(self.rng.u64(1_000..200_000));
                    self.schedule(wait, Task::Dial(number));
                }
                Action::AbortDial => self.dial = None,
                Action::Hangup { epoch, .. } => {
                    if let Some(place) = self.conns.iter().position(|conn| conn.epoch == epoch) {
                        self.write(place);
                        self.conns[place].is_stopped = true;
                    }
                }
            }
        }
        self.check_bounds();
    }

    fn write(&mut self, place: usize) {
        let mut flushed = false;
        while !self.conns[place].is_stopped {
            let at = self.at();
            let epoch = self.conns[place].epoch;
            match self.machine.poll_transmit(at, epoch, flushed) {
                Transmit::Frame(frame) => {
                    flushed = false;
                    let conn = &mut self.conns[place];
                    conn.last_up = conn.last_up.max(self.now + conn.latency);
                    if !conn.is_cut {
                        let due = conn.last_up;
                        self.schedule_at(due, Task::Up(place, frame));
                    }
                }
                Transmit::Idle if flushed => return,
                Transmit::Idle => flushed = true,
                Transmit::Stop => self.conns[place].is_stopped = true,
            }
        }
    }
}
