//! What the log says of a connection.

use crate::event::ConnectionEvent;

/// A line for the log, written once the lock is free.
pub(super) enum Note {
    Opened {
        epoch: u64,
        session_id: Option<String>,
        request_id: Option<String>,
    },
    SlowConsumer,
    Restored {
        epoch: u64,
        items: usize,
        lost: usize,
        downtime_ms: u128,
    },
    Retrying {
        attempt: u32,
        delay_ms: u128,
        cause: crate::Error,
    },
    Closed {
        error: Option<crate::Error>,
        unsent: usize,
    },
}

/// The line an event is worth.
pub(super) fn note(event: &ConnectionEvent) -> Option<Note> {
    Some(match event {
        ConnectionEvent::Opened(opened) => Note::Opened {
            epoch: opened.epoch,
            session_id: opened.session_id.clone(),
            request_id: opened.handshake.request_id.clone(),
        },
        ConnectionEvent::Retrying(retrying) => Note::Retrying {
            attempt: retrying.attempt,
            delay_ms: retrying.delay.as_millis(),
            cause: retrying.cause.clone(),
        },
        ConnectionEvent::Closed(closed) => Note::Closed {
            error: closed.error.clone(),
            unsent: closed.unsent,
        },
        ConnectionEvent::Server(_)
        | ConnectionEvent::Malformed(_)
        | ConnectionEvent::Warning(_)
        | ConnectionEvent::Interrupted(_)
        | ConnectionEvent::AudioGap(_)
        | ConnectionEvent::Settled(_) => return None,
        ConnectionEvent::SlowConsumer(_) => Note::SlowConsumer,
        ConnectionEvent::Restored(restored) => Note::Restored {
            epoch: restored.epoch,
            items: restored.restored,
            lost: restored.lost.len(),
            downtime_ms: restored.downtime.as_millis(),
        },
    })
}

impl Note {
    pub(super) fn log(self) {
        match self {
            Self::Opened {
                epoch,
                session_id,
                request_id,
            } => {
                tracing::info!(epoch, session_id, request_id, "session opened");
            }
            Self::SlowConsumer => tracing::warn!("no events are taken; reading stands still"),
            Self::Restored {
                epoch,
                items,
                lost,
                downtime_ms,
            } => tracing::info!(epoch, items, lost, downtime_ms, "session restored"),
            Self::Retrying {
                attempt,
                delay_ms,
                cause,
            } => {
                let (kind, close_code, http_status) = (cause.kind(), cause.close_code(), cause.http_status());
                tracing::warn!(
                    attempt,
                    delay_ms,
                    ?kind,
                    close_code,
                    http_status,
                    "connection failed"
                );
            }
            Self::Closed { error: None, unsent } => tracing::info!(unsent, "connection closed"),
            Self::Closed {
                error: Some(error),
                unsent,
            } => {
                let (kind, close_code, http_status) = (error.kind(), error.close_code(), error.http_status());
                let request_id = error.request_id();
                tracing::error!(
                    ?kind,
                    close_code,
                    http_status,
                    request_id,
                    unsent,
                    "connection gave up"
                );
            }
        }
    }
}
