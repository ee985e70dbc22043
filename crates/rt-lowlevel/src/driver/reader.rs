//! The reader of one connection.

use std::sync::Arc;

use rt_protocol::{DecodeError, ServerEvent};

use super::restoring::RestoreSpan;
use super::shared::{Dropped, Room, Shared};
use crate::machine::RestoreProgress;
use crate::observe::Wire;
use crate::transport::{Incoming, Reader, read_incoming};

/// Reads until the stream ends, also after the connection was given up: what is unread when a socket is dropped makes
/// the kernel reset it, and what was sent last would be lost.
///
/// An event that finds no room waits here, and nothing behind it is read: a slow consumer slows the socket down.
/// Pings in front of it have been answered by then, since only events need room.
pub(super) async fn run(shared: Arc<Shared>, epoch: u64, mut reader: Reader) {
    let codec = shared.translator.begin();
    let wire = reader.wire();
    let mut restore = RestoreSpan::default();
    loop {
        match read_incoming(&mut reader).await {
            Ok(Incoming::Text(text)) => {
                // What is kept of it is decoded or copied: a slice would keep the whole read buffer alive.
                let decoded = shared.translator.decode(&codec, &text);
                let mut bytes = text.len();
                drop(text);
                match decoded {
                    Ok(events) => {
                        for event in events {
                            restore.follow(receive(&shared, &wire, epoch, Ok(event), bytes).await);
                            // The second event of a message brings nothing new.
                            bytes = 0;
                        }
                    }
                    Err(error) => {
                        restore.follow(receive(&shared, &wire, epoch, Err(error), bytes).await);
                    }
                }
            }
            Ok(Incoming::Binary(bytes)) => tracing::warn!(bytes, "binary message ignored"),
            // The pong is left to the writer, which is woken to flush it.
            Ok(Incoming::Ping(_)) => {
                shared.with(|machine, at| machine.handle_ping(at, epoch));
            }
            Ok(Incoming::Pong(payload)) => {
                shared.with(|machine, at| machine.handle_pong(at.now, epoch, &payload));
            }
            Ok(Incoming::Close(close)) => {
                shared.with(|machine, at| machine.handle_peer_close(at, epoch, close));
            }
            Err(failure) => {
                shared.with(|machine, at| machine.handle_read_failed(at, epoch, failure));
                return;
            }
        }
    }
}

async fn receive(
    shared: &Shared,
    wire: &Wire,
    epoch: u64,
    decoded: Result<ServerEvent, DecodeError>,
    bytes: usize,
) -> Option<RestoreProgress> {
    wire.received(&decoded, bytes);
    match &decoded {
        Ok(event) => tracing::trace!(event_type = event.event_type(), bytes, "received"),
        Err(error) => {
            let (event_type, line, column) = (error.event_type(), error.line(), error.column());
            tracing::warn!(event_type, line, column, bytes, "malformed message");
        }
    }
    let room = match shared.try_reserve(bytes) {
        Some(room) => Some(room),
        None => {
            shared.with(|machine, at| machine.handle_read_paused(at, epoch));
            let Ok(room) = wait_for_room(shared, &decoded, bytes).await else {
                // What it says of the conversation still counts.
                return shared.deliver(epoch, decoded, None);
            };
            room
        }
    };
    shared.deliver(epoch, decoded, room)
}

/// Room for an event, or word that it is to be dropped, which only happens to audio of the model.
async fn wait_for_room(
    shared: &Shared,
    decoded: &Result<ServerEvent, DecodeError>,
    bytes: usize,
) -> Result<Option<Room>, Dropped> {
    let audio = match decoded {
        Ok(ServerEvent::ResponseOutputAudioDelta(event)) => event.delta.len(),
        Ok(ServerEvent::SessionOutputAudioDelta(event)) => event.delta.len(),
        _ => return Ok(shared.reserve(bytes).await),
    };
    let room = shared.reserve_or_drop(bytes).await;
    if room.is_err() {
        shared.with(|machine, _| machine.handle_dropped(audio));
    }
    room
}
