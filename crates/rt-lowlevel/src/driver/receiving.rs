//! What was received, on its way to the machine and the consumer.

use std::collections::VecDeque;
use std::sync::Arc;

use super::inbox::Delivery;
use super::reader::decoded;
use super::room::{Room, Rooms};
use super::shared::{Shared, at};
use crate::config::Limits;
use crate::machine::{Disposition, RestoreProgress};
use crate::state::State;

/// How much may wait for the consumer.
#[derive(Debug)]
pub(super) struct Receiving {
    rooms: Arc<Rooms>,
    /// The least room an event takes up, so that their number is bounded by the same count.
    floor: u32,
    limit: u32,
}

/// There is no room, and none is waited for.
#[derive(Debug)]
pub(super) struct Dropped;

impl Receiving {
    pub(super) fn new(limits: &Limits) -> Self {
        let limit = u32::try_from(limits.event_bytes).unwrap_or(u32::MAX).max(1);
        let count = u32::try_from(limits.events)
            .unwrap_or(u32::MAX)
            .max(Limits::MIN_EVENTS);
        Self {
            rooms: Rooms::new(limit),
            floor: (limit / count).max(1),
            limit,
        }
    }

    /// There is nobody to take events any more.
    pub(super) fn close(&self) {
        self.rooms.close();
    }

    fn cost(&self, bytes: usize) -> u32 {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        bytes.clamp(self.floor, self.limit)
    }
}

impl Shared {
    /// Tells of messages of the server, in their order, and delivers those that are for the user and have room. Returns how
    /// far the restore was after each of them that is part of one.
    pub(super) fn deliver(&self, epoch: u64, batch: &mut VecDeque<Delivery>) -> Vec<RestoreProgress> {
        let mut steps = Vec::new();
        let at = at();
        let mut telling = self.telling(Some(at.now));
        // So many at the front have been told, and there was nothing to say of them: they are passed on together.
        let mut told = 0;
        while let Some(delivery) = batch.get(told) {
            let machine = telling.machine();
            let has_room = delivery.room.is_some();
            if has_room {
                machine.handle_room(at, epoch);
            }
            let Some(decoded) = decoded(&delivery.event) else {
                batch.remove(told);
                continue;
            };
            let disposition = machine.handle_event(at, epoch, decoded);
            steps.extend(machine.take_restore_progress(epoch));
            if disposition == Disposition::Deliver && has_room && !telling.has_more() {
                told += 1;
                continue;
            }
            telling.pass(batch, std::mem::take(&mut told));
            let Some(Delivery { event, room }) = batch.pop_front() else {
                break;
            };
            match disposition {
                Disposition::Deliver => telling.deliver(event, room),
                Disposition::Hold => {
                    let bytes = room.map_or(0, |room| room.size());
                    telling.machine().hold(at, epoch, event, bytes);
                    telling.tell_all();
                }
                Disposition::Hide | Disposition::Stale => telling.tell_all(),
            }
        }
        telling.pass(batch, told);
        telling.finish();
        steps
    }

    /// Room for an event, if there is some now.
    pub(super) fn try_reserve(&self, bytes: usize) -> Option<Room> {
        self.receiving.rooms.try_take(self.receiving.cost(bytes))
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
        let mut state = self.state();
        let is_ending = |state: &State| matches!(state, State::Closing | State::Closed);
        tokio::select! {
            room = self.receiving.rooms.take(self.receiving.cost(bytes)) => room,
            _ = state.wait_for(is_ending) => None,
        }
    }
}
