//! [`Shared`]: the machine behind a lock, and the ways the tasks wake each other.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use rt_protocol::dialect::Warning;
use tokio::sync::{Notify, oneshot, watch};

use super::inbox::{Delivery, Events, Inbox, Opened};
use super::note::{Note, note};
use super::receiving::Receiving;
use super::room::Room;
use super::sending::Lines;
use super::spares::Spares;
use crate::config::Limits;
use crate::dialect::Translator;
use crate::event::ConnectionEvent;
use crate::fate::Fate;
use crate::machine::{Action, At, Machine};
use crate::observe;
use crate::state::State;

/// What the tasks and the handles share.
///
/// Events go out under the machine's lock, so their order is the order of what the machine was told, whichever task
/// told it. That needs a channel that never blocks; it is bounded all the same: an event of the server needs room
/// first, and of the others there are only so many per `session.created`, which is one.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Reads and writes the messages of the server's dialect.
    pub(crate) translator: Arc<Translator>,
    pub(super) inbox: Inbox,
    pub(super) receiving: Receiving,
    pub(super) lines: Lines,
    pub(crate) spares: Spares,
    state: watch::Sender<State>,
    /// What `state` is to say. Published without the machine's lock, since whoever looks at the state holds it still
    /// and may send meanwhile.
    latest: Mutex<State>,
    pub(super) wake_supervisor: Notify,
    pub(super) wake_writer: Notify,
    pub(crate) wake_senders: Notify,
    pub(super) wake_reader: Notify,
    /// So much was accepted since the writer last had its turn that it is time for one.
    pub(super) is_crowded: AtomicBool,
    /// For ids: how many there were, and what they begin with.
    ids: AtomicU32,
    id_prefix: u64,
}

#[derive(Debug)]
pub(super) struct Core {
    pub(super) machine: Machine,
    /// The state that was last published, or is about to be.
    told: State,
    /// The deadline the supervisor sleeps for.
    armed: Option<Instant>,
    timeline: observe::Timeline,
    /// Those who wait for the fate of a command, by its number.
    pub(super) receipts: HashMap<u64, oneshot::Sender<Fate>>,
    /// A writer waits to be woken.
    pub(super) writer_waits: bool,
    /// Bytes that were accepted and that the writer has not seen.
    pub(super) unseen: usize,
}

impl Core {
    fn tell_receipts(&mut self) {
        while let Some((number, fate)) = self.machine.poll_tracked() {
            if let Some(receipt) = self.receipts.remove(&number) {
                // Whoever dropped it does not want to know.
                let _ = receipt.send(fate);
            }
        }
    }
}

/// The moment of an input.
pub(super) fn at() -> At {
    At {
        now: now(),
        jitter: rand::random(),
        unix: SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default(),
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// What was told under the lock, and what follows from it.
pub(super) struct Telling<'a> {
    shared: &'a Shared,
    pub(super) core: MutexGuard<'a, Core>,
    inbox: Opened<'a>,
    /// The time, if it was asked for.
    now: Option<Instant>,
    notes: Vec<Note>,
}

impl<'a> Telling<'a> {
    pub(super) fn machine(&mut self) -> &mut Machine {
        &mut self.core.machine
    }

    /// Whether the machine has something to say.
    pub(super) fn has_more(&self) -> bool {
        self.core.machine.has_events()
    }

    /// Delivers so many at the front of `deliveries`, about which the machine has nothing to say.
    pub(super) fn pass(&mut self, deliveries: &mut VecDeque<Delivery>, count: usize) {
        if count > 0 {
            self.inbox.append(deliveries, count);
        }
    }

    /// Delivers an event, if there is room for it, with what the machine says before and behind it.
    pub(super) fn deliver(&mut self, event: ConnectionEvent, room: Option<Room>) {
        self.tell_before();
        if room.is_some() {
            self.inbox.push(event, room);
        }
        self.tell_behind();
    }

    /// Delivers what the machine says.
    pub(super) fn tell_all(&mut self) {
        self.tell_before();
        self.tell_behind();
    }

    fn tell_before(&mut self) {
        while let Some(event) = self.core.machine.poll_event() {
            self.tell(event);
        }
    }

    fn tell_behind(&mut self) {
        while let Some(event) = self.core.machine.poll_event_after() {
            self.tell(event);
        }
    }

    fn tell(&mut self, event: ConnectionEvent) {
        let now = *self.now.get_or_insert_with(now);
        self.core.timeline.event(now, &event);
        self.notes.extend(note(&event));
        self.inbox.push(event, None);
    }

    /// Passes on what follows, and frees the lock.
    pub(super) fn finish(mut self) {
        self.tell_all();
        let shared = self.shared;
        let core = &mut *self.core;
        // Audio that is dropped to stay live could go on for ever: told when there is room.
        while core.machine.has_settled()
            && let Some(room) = shared.try_reserve(0)
            && let Some(settled) = core.machine.poll_settled()
        {
            self.inbox.push(ConnectionEvent::Settled(settled), Some(room));
        }
        core.tell_receipts();
        let machine = &core.machine;
        core.timeline.queue(&observe::Waiting {
            messages: machine.waiting_messages(),
            bytes: machine.waiting_bytes(),
            audio_bytes: machine.waiting_audio(),
            dropped_bytes: machine.dropped_audio(),
        });
        let state = core.machine.state();
        let is_new_state = std::mem::replace(&mut core.told, state) != state;
        if is_new_state {
            *shared.latest.lock().unwrap_or_else(PoisonError::into_inner) = state;
        }
        let next = core.machine.poll_timeout();
        let is_earlier = next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed));
        let wakes_supervisor = core.machine.has_actions() || is_earlier || state == State::Closed;
        let wakes_writer = core.machine.take_writer_wake() && std::mem::take(&mut core.writer_waits);
        let wakes_senders = core.machine.take_room();
        let consumer = self.inbox.close();
        drop(self.core);
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        if is_new_state {
            shared.publish();
        }
        if self.notes.iter().any(|note| matches!(note, Note::SlowConsumer)) {
            shared.wake_reader.notify_waiters();
        }
        if wakes_supervisor {
            shared.wake_supervisor.notify_one();
        }
        if wakes_writer {
            shared.wake_writer.notify_waiters();
        }
        if wakes_senders {
            shared.wake_senders.notify_waiters();
        }
        self.notes.into_iter().for_each(Note::log);
    }
}

impl Shared {
    pub(crate) fn new(machine: Machine, limits: &Limits, translator: Arc<Translator>) -> (Arc<Self>, Events) {
        let (inbox, events) = Inbox::new();
        let shared = Self {
            state: watch::Sender::new(machine.state()),
            latest: Mutex::new(machine.state()),
            core: Mutex::new(Core {
                told: machine.state(),
                machine,
                armed: None,
                receipts: HashMap::new(),
                timeline: observe::Timeline::new(),
                writer_waits: false,
                unseen: 0,
            }),
            translator,
            inbox,
            receiving: Receiving::new(limits),
            lines: Lines::default(),
            spares: Spares::default(),
            wake_supervisor: Notify::new(),
            wake_writer: Notify::new(),
            wake_senders: Notify::new(),
            wake_reader: Notify::new(),
            is_crowded: AtomicBool::new(false),
            ids: AtomicU32::new(0),
            id_prefix: rand::random::<u64>() >> 16,
        };
        (Arc::new(shared), events)
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock to tell the machine something, at this time if that matters.
    pub(super) fn telling(&self, now: Option<Instant>) -> Telling<'_> {
        Telling {
            shared: self,
            core: self.core(),
            inbox: self.inbox.open(),
            now,
            notes: Vec::new(),
        }
    }

    /// Tells the machine something, and passes on what follows from it.
    pub(crate) fn with<T>(&self, tell: impl FnOnce(&mut Machine, At) -> T) -> T {
        let at = at();
        let mut telling = self.telling(Some(at.now));
        let result = tell(telling.machine(), at);
        telling.finish();
        result
    }

    /// Whoever comes last publishes the latest, in whichever order they come.
    fn publish(&self) {
        self.state.send_if_modified(|current| {
            let latest = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(current, latest) != latest
        });
    }

    /// An id that is unique in this process, and as good as unique beyond it: at most 24 characters.
    pub(crate) fn new_id(&self) -> String {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        format!("{:012x}{count:x}", self.id_prefix)
    }

    /// Tells the consumer of what an event lost on its way into the server's dialect. Only logged if there is no room:
    /// a caller that never listens must not fill the memory by sending.
    pub(crate) fn warn(&self, warning: Warning) {
        tracing::warn!(
            path = warning.path(),
            "not sent: the server's dialect cannot express it"
        );
        if let Some(room) = self.try_reserve(0) {
            let mut telling = self.telling(None);
            telling.deliver(ConnectionEvent::Warning(warning), Some(room));
            telling.finish();
        }
    }

    pub(super) fn next_action(&self) -> Option<Action> {
        self.with(|machine, _| machine.poll_action())
    }

    /// The deadline to sleep for.
    pub(super) fn arm(&self) -> Option<Instant> {
        let mut core = self.core();
        core.armed = core.machine.poll_timeout();
        core.armed
    }

    /// The consumer is gone: what comes is thrown away, and the connection closes.
    pub(crate) fn abandon(&self) {
        self.receiving.close();
        self.with(|machine, at| machine.handle_close(at));
    }

    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use rt_protocol::dialect::{BetaVariant, Dialect};

    use super::*;
    use crate::config::Config;

    #[test]
    fn who_looks_at_the_state_holds_nobody_up() {
        let config = Config::default();
        let translator = Arc::new(Translator::new(Some(Dialect::Ga), BetaVariant::default()));
        let machine = Machine::new(config.clone(), false);
        let (shared, _events) = Shared::new(machine, &config.limits, translator);
        let mut state = shared.state();
        let (done, is_done) = std::sync::mpsc::channel();
        let looking = Arc::clone(&shared);
        thread::spawn(move || {
            let state = looking.state();
            let seen = state.borrow();
            let other = Arc::clone(&looking);
            let starting = thread::spawn(move || other.with(|machine, at| machine.handle_start(at)));
            while looking.with(|machine, _| machine.state()) == State::Idle {
                thread::yield_now();
            }
            assert_eq!(*seen, State::Idle);
            drop(seen);
            starting.join().unwrap();
            done.send(()).unwrap();
        });
        is_done
            .recv_timeout(Duration::from_secs(60))
            .expect("nobody waits for who looks");
        assert_eq!(*state.borrow_and_update(), State::Connecting);
        shared.with(|machine, at| machine.handle_close(at));
        assert_eq!(*state.borrow_and_update(), State::Closed);
    }
}
