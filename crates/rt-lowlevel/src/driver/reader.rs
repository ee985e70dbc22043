//! The reader of one connection.

use std::sync::Arc;

use rt_protocol::{DecodeError, ServerEvent};

use super::shared::Shared;
use crate::transport::{Incoming, Reader, read_incoming};

/// Reads until the stream ends, also after the connection was given up: what is unread when a socket is dropped makes
/// the kernel reset it, and what was sent last would be lost.
///
/// An event that finds no room waits here, and nothing behind it is read: a slow consumer slows the socket down.
/// Pings in front of it have been answered by then, since only events need room.
pub(super) async fn run(shared: Arc<Shared>, epoch: u64, mut reader: Reader) {
    shared.translator.begin();
    loop {
        match read_incoming(&mut reader).await {
            Ok(Incoming::Text(text)) => {
                // What is kept of it is decoded or copied: a slice would keep the whole read buffer alive.
                let decoded = shared.translator.decode(&text);
                let mut bytes = text.len();
                drop(text);
                match decoded {
                    Ok(events) => {
                        for event in events {
                            receive(&shared, epoch, Ok(event), bytes).await;
                            // The second event of a message brings nothing new.
                            bytes = 0;
                        }
                    }
                    Err(error) => receive(&shared, epoch, Err(error), bytes).await,
                }
            }
            Ok(Incoming::Binary(bytes)) => tracing::warn!(bytes, "binary message ignored"),
            // The pong is queued inside the socket; the writer is woken to flush it.
            Ok(Incoming::Ping) => {
                shared.with(|machine, at| machine.handle_ping(at, epoch));
            }
            Ok(Incoming::Pong(payload)) => {
                shared.with(|machine, _| machine.handle_pong(epoch, &payload));
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

async fn receive(shared: &Shared, epoch: u64, decoded: Result<ServerEvent, DecodeError>, bytes: usize) {
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
            let room = shared.reserve(bytes).await;
            shared.with(|machine, at| machine.handle_read_resumed(at, epoch));
            room
        }
    };
    shared.deliver(epoch, decoded, room);
}
