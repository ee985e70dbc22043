//! The task that takes events from the connection and calls the callbacks.

use rt_lowlevel::{Connection, ConnectionEvent};
use rt_protocol::client_event::SessionUpdate;
use rt_protocol::{ClientEvent, RealtimeSession};
use tokio::sync::mpsc;

use crate::error::{Error, ErrorKind};
use crate::handlers::Handlers;

/// What the task needs.
pub(crate) struct Dispatcher {
    pub(crate) connection: Connection,
    pub(crate) handlers: Handlers,
    /// Ends when the last `Session` is dropped.
    pub(crate) sessions: mpsc::Receiver<()>,
}

impl Dispatcher {
    /// Runs until the connection is closed or nobody holds the session any more.
    pub(crate) async fn run(mut self) {
        loop {
            let event = tokio::select! {
                event = self.connection.recv() => event,
                // Dropping the connection ends it.
                _ = self.sessions.recv() => return,
            };
            match event {
                Some(event) => self.take(event),
                None => return,
            }
        }
    }

    /// Handles one event of the connection.
    pub(crate) fn take(&mut self, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Server(event) => self.handlers.server_event(&event),
            ConnectionEvent::Malformed(error) => {
                self.handlers
                    .failed(Error::new(ErrorKind::Malformed, error.to_string()));
            }
            ConnectionEvent::Closed(closed) => {
                if let Some(error) = closed.error {
                    self.handlers.failed(Error::connection(error));
                }
            }
            _ => {}
        }
    }
}

/// The id of the `session.update`s of this crate, by which a refusal is known.
pub(crate) const SETTINGS_ID: &str = "rt_settings";

/// The `session.update` of these settings.
pub(crate) fn settings_update(settings: &RealtimeSession) -> ClientEvent {
    ClientEvent::from(SessionUpdate::new(settings.clone())).with_event_id(SETTINGS_ID)
}
