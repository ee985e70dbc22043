//! [`Shared`]: the machine behind a lock, and the ways the tasks wake each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use rt_protocol::dialect::Warning;
use rt_protocol::{DecodeError, ServerEvent};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::note::{Note, note};
use crate::config::Limits;
use crate::dialect::Translator;
use crate::event::ConnectionEvent;
use crate::fate::{CommandId, Fate, Receipt};
use crate::machine::{Action, At, Disposition, Machine, Message, Refused, RestoreProgress};
use crate::observe;
use crate::state::State;

/// An event on its way to the consumer, with the room it takes up until it gets there.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) event: ConnectionEvent,
    pub(crate) _room: Option<Room>,
}

/// The room that an event takes up until it is taken.
#[derive(Debug)]
pub(crate) struct Room {
    _permit: OwnedSemaphorePermit,
    _queued: observe::Queued,
}

impl Room {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        Self {
            _permit: permit,
            _queued: observe::Queued::now(),
        }
    }
}

/// There is no room, and none is waited for.
#[derive(Debug)]
pub(super) struct Dropped;

/// The two kinds of messages that wait for room in lines of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Control,
    Audio,
}

/// What the tasks and the handles share.
///
/// Events go out under the machine's lock, so their order is the order of what the machine was told, whichever task
/// told it. That needs a channel that never blocks; it is bounded all the same: an event of the server needs a permit
/// first, and of the others there are only so many per `session.created`, which is one.
#[derive(Debug)]
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Reads and writes the messages of the server's dialect.
    pub(crate) translator: Arc<Translator>,
    /// A channel has room for 32 events at least; boxed, they take no more than a pointer each while there are none.
    events: mpsc::UnboundedSender<Box<Delivery>>,
    state: watch::Sender<State>,
    /// What `state` is to say. Published without the machine's lock, since whoever looks at the state holds it still
    /// and may send meanwhile.
    latest: Mutex<State>,
    event_room: Arc<Semaphore>,
    /// The least room an event takes up, so that their number is bounded by the same semaphore.
    event_floor: u32,
    event_limit: u32,
    pub(super) wake_supervisor: Notify,
    pub(super) wake_writer: Notify,
    pub(crate) wake_senders: Notify,
    wake_reader: Notify,
    /// For ids: how many there were, and what they begin with.
    ids: AtomicU32,
    id_prefix: u64,
    /// Senders that wait for room stand in line here.
    control_line: tokio::sync::Mutex<()>,
    audio_line: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Core {
    machine: Machine,
    /// The state that was last published, or is about to be.
    told: State,
    /// The deadline the supervisor sleeps for.
    armed: Option<Instant>,
    timeline: observe::Timeline,
    /// Those who wait for the fate of a command, by its number.
    receipts: HashMap<u64, oneshot::Sender<Fate>>,
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

impl Shared {
    pub(crate) fn new(
        machine: Machine,
        limits: &Limits,
        translator: Arc<Translator>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Box<Delivery>>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let max = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let event_limit = u32::try_from(limits.event_bytes).unwrap_or(max).clamp(1, max);
        let count = u32::try_from(limits.events)
            .unwrap_or(u32::MAX)
            .max(Limits::MIN_EVENTS);
        let shared = Self {
            state: watch::Sender::new(machine.state()),
            latest: Mutex::new(machine.state()),
            core: Mutex::new(Core {
                told: machine.state(),
                machine,
                armed: None,
                receipts: HashMap::new(),
                timeline: observe::Timeline::new(),
            }),
            translator,
            events,
            event_room: Arc::new(Semaphore::new(event_limit as usize)),
            event_floor: (event_limit / count).max(1),
            event_limit,
            wake_supervisor: Notify::new(),
            wake_writer: Notify::new(),
            wake_senders: Notify::new(),
            wake_reader: Notify::new(),
            ids: AtomicU32::new(0),
            id_prefix: rand::random::<u64>() >> 16,
            control_line: tokio::sync::Mutex::new(()),
            audio_line: tokio::sync::Mutex::new(()),
        };
        (Arc::new(shared), receiver)
    }

    /// Tells the machine something, and passes on what follows from it.
    pub(crate) fn with<T>(&self, tell: impl FnOnce(&mut Machine, At) -> T) -> T {
        self.with_delivery(|machine, at| (tell(machine, at), None))
    }

    /// As [`with`](Self::with), with an event that goes out behind those of the machine.
    fn with_delivery<T>(&self, tell: impl FnOnce(&mut Machine, At) -> (T, Option<Delivery>)) -> T {
        let at = At {
            now: tokio::time::Instant::now().into_std(),
            jitter: rand::random(),
            unix: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        };
        let mut notes = Vec::new();
        let (result, is_new_state, wakes_supervisor, wakes_writer, wakes_senders) = {
            let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
            let (result, delivery) = tell(&mut core.machine, at);
            while let Some(event) = core.machine.poll_event() {
                core.timeline.event(at.now, &event);
                notes.extend(note(&event));
                // Nobody listens any more: nothing is lost that anybody wanted.
                let _ = self.events.send(Box::new(Delivery { event, _room: None }));
            }
            if let Some(delivery) = delivery {
                let _ = self.events.send(Box::new(delivery));
            }
            while let Some(event) = core.machine.poll_event_after() {
                core.timeline.event(at.now, &event);
                notes.extend(note(&event));
                let _ = self.events.send(Box::new(Delivery { event, _room: None }));
            }
            // Audio that is dropped to stay live could go on for ever: told when there is room.
            while core.machine.has_settled()
                && let Some(room) = self.try_reserve(0)
                && let Some(settled) = core.machine.poll_settled()
            {
                let _ = self.events.send(Box::new(Delivery {
                    event: ConnectionEvent::Settled(settled),
                    _room: Some(room),
                }));
            }
            core.tell_receipts();
            let (messages, audio) = (core.machine.waiting_messages(), core.machine.waiting_audio());
            let dropped = core.machine.dropped_audio();
            core.timeline.queue(messages, audio, dropped);
            let state = core.machine.state();
            let is_new_state = std::mem::replace(&mut core.told, state) != state;
            if is_new_state {
                *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = state;
            }
            let next = core.machine.poll_timeout();
            let is_earlier = next.is_some_and(|next| core.armed.is_none_or(|armed| next < armed));
            (
                result,
                is_new_state,
                core.machine.has_actions() || is_earlier || state == State::Closed,
                core.machine.take_writer_wake(),
                core.machine.take_room(),
            )
        };
        if is_new_state {
            self.publish();
        }
        if notes.iter().any(|note| matches!(note, Note::SlowConsumer)) {
            self.wake_reader.notify_waiters();
        }
        if wakes_supervisor {
            self.wake_supervisor.notify_one();
        }
        if wakes_writer {
            self.wake_writer.notify_waiters();
        }
        if wakes_senders {
            self.wake_senders.notify_waiters();
        }
        notes.into_iter().for_each(Note::log);
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

    /// Accepts a command, if there is room.
    pub(crate) fn accept(&self, messages: Vec<Message>) -> Result<CommandId, Refused> {
        self.with(|machine, _| machine.handle_command(messages, false))
            .map(CommandId::new)
    }

    /// As [`accept`](Self::accept), with a receipt for the fate.
    pub(crate) fn accept_tracked(&self, messages: Vec<Message>) -> Result<Receipt, Refused> {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let number = core.machine.handle_command(messages, true)?;
        let (sender, receiver) = oneshot::channel();
        core.receipts.insert(number, sender);
        drop(core);
        // What follows from it is passed on.
        self.with(|_, _| ());
        Ok(Receipt::new(CommandId::new(number), receiver))
    }

    /// Tells of a message of the server, and delivers it if it is for the user. Returns how far the restore is, if there
    /// is one.
    pub(super) fn deliver(
        &self,
        epoch: u64,
        decoded: Result<ServerEvent, DecodeError>,
        room: Option<Room>,
    ) -> Option<RestoreProgress> {
        self.with_delivery(|machine, at| {
            if room.is_some() {
                machine.handle_room(at, epoch);
            }
            let disposition = machine.handle_event(at, epoch, decoded.as_ref());
            let event = match decoded {
                Ok(event) => ConnectionEvent::Server(event),
                Err(error) => ConnectionEvent::Malformed(error),
            };
            let delivery = match disposition {
                Disposition::Deliver if room.is_some() => Some(Delivery { event, _room: room }),
                Disposition::Hold => {
                    machine.hold(epoch, event);
                    None
                }
                Disposition::Deliver | Disposition::Hide | Disposition::Stale => None,
            };
            (machine.restore_progress(epoch), delivery)
        })
    }

    /// Tells the consumer of what an event lost on its way into the server's dialect. Only logged if there is no room:
    /// a caller that never listens must not fill the memory by sending.
    pub(crate) fn warn(&self, warning: Warning) {
        tracing::warn!(
            path = warning.path(),
            "not sent: the server's dialect cannot express it"
        );
        if let Some(room) = self.try_reserve(0) {
            let event = ConnectionEvent::Warning(warning);
            self.with_delivery(|_, _| {
                (
                    (),
                    Some(Delivery {
                        event,
                        _room: Some(room),
                    }),
                )
            });
        }
    }

    pub(super) fn next_action(&self) -> Option<Action> {
        self.with(|machine, _| machine.poll_action())
    }

    /// The deadline to sleep for.
    pub(super) fn arm(&self) -> Option<Instant> {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        core.armed = core.machine.poll_timeout();
        core.armed
    }

    fn cost(&self, bytes: usize) -> u32 {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        bytes.clamp(self.event_floor, self.event_limit)
    }

    /// Room for an event, if there is some now.
    pub(super) fn try_reserve(&self, bytes: usize) -> Option<Room> {
        Arc::clone(&self.event_room)
            .try_acquire_many_owned(self.cost(bytes))
            .ok()
            .map(Room::new)
    }

    /// Room for an event that is dropped rather than waited for, once the machine says so.
    pub(super) async fn reserve_or_drop(&self, bytes: usize) -> Result<Option<Room>, Dropped> {
        loop {
            let told = self.wake_reader.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.with(|machine, _| machine.drops_audio()) {
                return Err(Dropped);
            }
            tokio::select! {
                room = self.reserve(bytes) => return Ok(room),
                () = told => {}
            }
        }
    }

    /// Room for an event; `None` if nobody is going to take it.
    pub(super) async fn reserve(&self, bytes: usize) -> Option<Room> {
        let mut state = self.state.subscribe();
        let is_ending = |state: &State| matches!(state, State::Closing | State::Closed);
        tokio::select! {
            permit = Arc::clone(&self.event_room).acquire_many_owned(self.cost(bytes)) => permit.ok().map(Room::new),
            _ = state.wait_for(is_ending) => None,
        }
    }

    /// The consumer is gone: what comes is thrown away, and the connection closes.
    pub(crate) fn abandon(&self) {
        self.event_room.close();
        self.with(|machine, at| machine.handle_close(at));
    }

    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The line to stand in before trying to send again and again.
    pub(crate) async fn line(&self, lane: Lane) -> tokio::sync::MutexGuard<'_, ()> {
        match lane {
            Lane::Control => self.control_line.lock().await,
            Lane::Audio => self.audio_line.lock().await,
        }
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
