//! The reader of one connection.

use std::sync::Arc;

use rt_protocol::{DecodeError, ServerEvent, Session};

use super::shared::Shared;
use crate::classify::ApiError;
use crate::event::ConnectionEvent;
use crate::machine::Signal;
use crate::observe::Wire;
use crate::transport::{Incoming, Reader, read_incoming};

/// Reads until the stream ends, also after the connection was given up: what is unread when a socket is dropped makes
/// the kernel reset it, and what was sent last would be lost.
///
/// An event that finds no room waits here, and nothing behind it is read: a slow consumer slows the socket down.
/// Pings in front of it have been answered by then, since only events need room.
pub(super) async fn run(shared: Arc<Shared>, epoch: u64, mut reader: Reader) {
    shared.translator.begin();
    let wire = reader.wire();
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
                            receive(&shared, &wire, epoch, Ok(event), bytes).await;
                            // The second event of a message brings nothing new.
                            bytes = 0;
                        }
                    }
                    Err(error) => receive(&shared, &wire, epoch, Err(error), bytes).await,
                }
            }
            Ok(Incoming::Binary(bytes)) => tracing::warn!(bytes, "binary message ignored"),
            // The pong is left to the writer, which is woken to flush it.
            Ok(Incoming::Ping(_)) => {
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

async fn receive(
    shared: &Shared,
    wire: &Wire,
    epoch: u64,
    decoded: Result<ServerEvent, DecodeError>,
    bytes: usize,
) {
    wire.received(&decoded, bytes);
    let signal = signal_of(&decoded);
    let event = match decoded {
        Ok(event) => {
            tracing::trace!(event_type = event.event_type(), bytes, "received");
            ConnectionEvent::Server(event)
        }
        Err(error) => {
            let (event_type, line, column) = (error.event_type(), error.line(), error.column());
            tracing::warn!(event_type, line, column, bytes, "malformed message");
            ConnectionEvent::Malformed(error)
        }
    };
    let room = match shared.try_reserve(bytes) {
        Some(room) => Some(room),
        None => {
            shared.with(|machine, at| machine.handle_read_paused(at, epoch));
            let room = shared.reserve(bytes).await;
            shared.with(|machine, at| machine.handle_read_resumed(at, epoch));
            room
        }
    };
    shared.deliver(epoch, signal, event, room);
}

/// What the machine must know of an event.
fn signal_of(decoded: &Result<ServerEvent, DecodeError>) -> Signal {
    match decoded {
        Ok(ServerEvent::SessionCreated(created)) => {
            let (session_id, expires_at) = identity(&created.session);
            Signal::Created {
                session_id,
                expires_at,
            }
        }
        Ok(ServerEvent::SessionUpdated(_)) => Signal::Updated,
        Ok(ServerEvent::Error(event)) => Signal::Error(ApiError {
            code: event.error.code.value().cloned(),
            kind: Some(event.error.kind.clone()).filter(|kind| !kind.is_empty()),
            message: Some(event.error.message.clone()).filter(|message| !message.is_empty()),
        }),
        Ok(ServerEvent::ResponseDone(done)) => {
            let details = done.response.status_details.value();
            details
                .and_then(|details| details.error.value())
                .map_or(Signal::Other, |error| {
                    Signal::ResponseFailed(ApiError {
                        code: error.code.value().cloned(),
                        kind: error.kind.value().cloned(),
                        message: error.message.value().cloned(),
                    })
                })
        }
        Ok(_) => Signal::Other,
        // A session whose description we cannot read is a session all the same.
        Err(error) if error.event_type() == Some("session.created") => Signal::Created {
            session_id: None,
            expires_at: None,
        },
        Err(_) => Signal::Malformed,
    }
}

/// Id and end of a session.
fn identity(session: &Session) -> (Option<String>, Option<u64>) {
    let (id, expires_at) = match session {
        Session::Realtime(session) => (&session.id, &session.expires_at),
        Session::Transcription(session) => (&session.id, &session.expires_at),
        Session::Translation(session) => (&session.id, &session.expires_at),
        _ => return (None, None),
    };
    (id.value().cloned(), expires_at.value().copied())
}
