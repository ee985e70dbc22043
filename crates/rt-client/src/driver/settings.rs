//! The settings of a session, before it begins and when a server knows nothing of them.

use std::time::Duration;

use rt_lowlevel::ConnectionEvent;
use rt_protocol::client_event::SessionUpdate;
use rt_protocol::{ClientEvent, ServerEvent, Session as Settings};

use super::Driver;
use crate::error::{Error, ErrorKind};

/// Longest wait for the answer to the settings.
const SETTINGS_TIMEOUT: Duration = Duration::from_secs(10);
/// The id of the `session.update`s of this crate, by which a refusal is known.
const SETTINGS_ID: &str = "rt_settings";
impl Driver {
    /// Sends the settings and waits for the answer.
    pub(crate) async fn configure(&mut self) -> Result<(), Error> {
        if let Some(settings) = self.settings.clone() {
            let sent = self.handle.send(settings_update(settings)).await;
            sent.map_err(|error| match error.kind() {
                rt_lowlevel::ErrorKind::InvalidEvent => Error::new(ErrorKind::Settings, error.to_string()),
                _ => Error::sending(error),
            })?;
            let taken = tokio::time::timeout(SETTINGS_TIMEOUT, self.settings_taken()).await;
            taken.map_err(|_| {
                let message =
                    format!("no answer to the session's settings within {SETTINGS_TIMEOUT:?}: try again");
                Error::new(ErrorKind::Timeout, message)
            })??;
        }
        self.engine.opened(self.now(), false);
        self.obey();
        Ok(())
    }

    /// Waits for the answer to the settings; what comes before it is an event like everything else.
    async fn settings_taken(&mut self) -> Result<(), Error> {
        while let Some(event) = self.connection.recv().await {
            let answer = match &event {
                ConnectionEvent::Server(ServerEvent::SessionUpdated(_)) => Some(Ok(())),
                ConnectionEvent::Server(ServerEvent::Error(error))
                    if error.error.event_id.as_deref() == Some(SETTINGS_ID) =>
                {
                    let at = error.error.param.as_deref();
                    let at = at.map(|param| format!(" ({param})")).unwrap_or_default();
                    let message = format!("the server refused the settings: {}{at}", error.error.message);
                    Some(Err(Error::new(ErrorKind::Settings, message)))
                }
                ConnectionEvent::Closed(closed) => Some(Err(closed
                    .error
                    .clone()
                    .map_or_else(Error::closed, Error::connection))),
                _ => None,
            };
            self.take(self.now(), event);
            while !self.outlet.pass() {
                // Whoever takes them is there already.
                self.outlet.room().await;
            }
            self.outlet.wake();
            if let Some(answer) = answer {
                return answer;
            }
        }
        Err(Error::closed())
    }
}

/// The `session.update` of these settings.
pub(super) fn settings_update(settings: Settings) -> ClientEvent {
    ClientEvent::from(SessionUpdate::new(settings)).with_event_id(SETTINGS_ID)
}
