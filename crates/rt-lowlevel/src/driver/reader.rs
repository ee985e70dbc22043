//! The reader of one connection.

use std::collections::VecDeque;
use std::sync::Arc;

use rt_protocol::{DecodeError, ServerEvent};

use super::inbox::Delivery;
use super::receiving::Dropped;
use super::restoring::RestoreSpan;
use super::room::Room;
use super::shared::Shared;
use crate::event::ConnectionEvent;
use crate::machine::{At, Machine};
use crate::observe::Wire;
use crate::transport::{Incoming, Reader};

/// So many events at most are told together: as many as one read brings, if they are short.
const BATCH: usize = 64;

/// For how many there is room at rest.
const REST: usize = 4;

/// Reads until the stream ends, also after the connection was given up: what is unread when a socket is dropped makes
/// the kernel reset it, and what was sent last would be lost.
///
/// What one read brings is told together. In a burst the consumer gets its turn before more is read, so that events are
/// taken while they are in the cache, and their memory is used again.
///
/// An event that finds no room waits here, and nothing behind it is read: a slow consumer slows the socket down.
/// Pings in front of it have been answered by then, since only events need room.
pub(super) async fn run(shared: Arc<Shared>, epoch: u64, mut reader: Reader) {
    let codec = shared.translator.begin();
    let mut is_burst = false;
    let mut inflow = Inflow {
        shared,
        epoch,
        wire: reader.wire(),
        batch: VecDeque::new(),
        restore: RestoreSpan::default(),
    };
    loop {
        match reader.next() {
            Ok(Some(Incoming::Text(text))) => {
                let mut bytes = text.len();
                // What is kept of it is decoded or copied.
                if let Some(event) = inflow.shared.translator.decode_ga(text) {
                    if let Some(event) = inflow.take(event_of(event), bytes) {
                        inflow.wait(event, bytes).await;
                    }
                    continue;
                }
                let (events, error) = match inflow.shared.translator.decode(&codec, text) {
                    Ok(events) => (Some(events), None),
                    Err(error) => (None, Some(ConnectionEvent::Malformed(error))),
                };
                let events = events.into_iter().flatten().map(ConnectionEvent::Server);
                for event in events.chain(error) {
                    if let Some(event) = inflow.take(event, bytes) {
                        inflow.wait(event, bytes).await;
                    }
                    // The second event of a message brings nothing new.
                    bytes = 0;
                }
            }
            Ok(Some(Incoming::Binary(bytes))) => tracing::warn!(bytes, "binary message ignored"),
            // The pong is left to the writer, which is woken to flush it.
            Ok(Some(Incoming::Ping(_))) => {
                inflow.with(|machine, at| machine.handle_ping(at, epoch));
            }
            Ok(Some(Incoming::Pong(payload))) => {
                inflow.with(|machine, at| machine.handle_pong(at.now, epoch, &payload));
            }
            Ok(Some(Incoming::Close(close))) => {
                inflow.with(|machine, at| machine.handle_peer_close(at, epoch, close));
            }
            Ok(None) => {
                inflow.tell();
                if is_burst {
                    tokio::task::yield_now().await;
                } else {
                    inflow.batch.shrink_to(REST);
                }
                match reader.fill().await {
                    Ok(is_full) => is_burst = is_full,
                    Err(failure) => {
                        inflow.with(|machine, at| machine.handle_read_failed(at, epoch, failure));
                        return;
                    }
                }
            }
            Err(failure) => {
                inflow.with(|machine, at| machine.handle_read_failed(at, epoch, failure));
                return;
            }
        }
    }
}

/// What came over a connection, on its way to the machine.
struct Inflow {
    shared: Arc<Shared>,
    epoch: u64,
    wire: Wire,
    /// Not told yet: events of the server, and what is none.
    batch: VecDeque<Delivery>,
    restore: RestoreSpan,
}

impl Inflow {
    /// Tells of what came, all of it so far.
    fn tell(&mut self) {
        if !self.batch.is_empty() {
            self.restore
                .follow(&self.shared.deliver(self.epoch, &mut self.batch));
        }
    }

    /// Tells the machine something, behind all that came before.
    fn with<T>(&mut self, tell: impl FnOnce(&mut Machine, At) -> T) -> T {
        self.tell();
        self.shared.with(tell)
    }

    /// Takes a message in, if there is room for it; else it comes back.
    fn take(&mut self, event: ConnectionEvent, bytes: usize) -> Option<ConnectionEvent> {
        if let Some(decoded) = decoded(&event) {
            self.wire.received(decoded, bytes);
            match decoded {
                Ok(event) => tracing::trace!(event_type = event.event_type(), bytes, "received"),
                Err(error) => {
                    let (event_type, line, column) = (error.event_type(), error.line(), error.column());
                    tracing::warn!(event_type, line, column, bytes, "malformed message");
                }
            }
        }
        let Some(room) = self.shared.try_reserve(bytes) else {
            return Some(event);
        };
        self.batch.push_back(Delivery {
            event,
            room: Some(room),
        });
        if self.batch.len() >= BATCH {
            self.tell();
        }
        None
    }

    /// Takes a message in, once there is room for it.
    async fn wait(&mut self, event: ConnectionEvent, bytes: usize) {
        let epoch = self.epoch;
        self.with(|machine, at| machine.handle_read_paused(at, epoch));
        // Without room: what it says of the conversation still counts.
        let room = wait_for_room(&self.shared, &event, bytes).await.unwrap_or(None);
        self.batch.push_back(Delivery { event, room });
        self.tell();
    }
}

fn event_of(decoded: Result<ServerEvent, DecodeError>) -> ConnectionEvent {
    match decoded {
        Ok(event) => ConnectionEvent::Server(event),
        Err(error) => ConnectionEvent::Malformed(error),
    }
}

/// What a message stands for: an event, or why it cannot be read.
pub(super) fn decoded(event: &ConnectionEvent) -> Option<Result<&ServerEvent, &DecodeError>> {
    match event {
        ConnectionEvent::Server(event) => Some(Ok(event)),
        ConnectionEvent::Malformed(error) => Some(Err(error)),
        _ => None,
    }
}

/// Room for an event, or word that it is to be dropped, which only happens to audio of the model.
async fn wait_for_room(
    shared: &Shared,
    event: &ConnectionEvent,
    bytes: usize,
) -> Result<Option<Room>, Dropped> {
    let audio = match event {
        ConnectionEvent::Server(ServerEvent::ResponseOutputAudioDelta(event)) => event.delta.len(),
        ConnectionEvent::Server(ServerEvent::SessionOutputAudioDelta(event)) => event.delta.len(),
        _ => return Ok(shared.reserve(bytes).await),
    };
    let room = shared.reserve_or_drop(bytes).await;
    if room.is_err() {
        shared.with(|machine, _| machine.handle_dropped(audio));
    }
    room
}
