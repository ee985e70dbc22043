//! [`Session`]: the handle of a running session.

use std::sync::Arc;
use std::time::Duration;

use rt_lowlevel::{Config, Connection, ConnectionEvent, Credentials, Endpoint, Handle, State};
use rt_protocol::client_event::{
    ConversationItemCreate, InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate,
};
use rt_protocol::{ClientEvent, Item, Pcm16, RealtimeSession, ServerEvent, Text};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use crate::builder::SessionBuilder;
use crate::dispatch::{Dispatcher, SETTINGS_ID, settings_update};
use crate::error::{Error, ErrorKind};
use crate::handlers::Handlers;

/// Longest wait for the answer to the settings.
const SETTINGS_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest audio in one message. Longer ones are split, so that a buffer of the connection need not hold it all.
const APPEND: Duration = Duration::from_secs(1);

/// A running session. Clones are handles of the same one; when the last is dropped, the connection ends at once.
#[derive(Debug, Clone)]
pub struct Session {
    handle: Handle,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The dispatcher, until somebody waits for its end.
    dispatcher: Mutex<Option<JoinHandle<()>>>,
    /// Its end tells the dispatcher that nobody holds the session.
    _alive: mpsc::Sender<()>,
}

impl Session {
    /// Begins a session: where, and with which key.
    pub fn builder(endpoint: Endpoint, credentials: Credentials) -> SessionBuilder {
        SessionBuilder::new(endpoint, credentials)
    }

    /// Sends audio of the user. Waits while the connection has as much as it may hold.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave a part of long audio sent: whole pieces of one second.
    pub async fn send_audio(&self, audio: Pcm16) -> Result<(), Error> {
        for piece in audio.chunks(APPEND) {
            self.send(InputAudioBufferAppend::new(piece)).await?;
        }
        Ok(())
    }

    /// Ends the turn of the user by hand and asks for an answer: for sessions without turn detection.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn commit_audio(&self) -> Result<(), Error> {
        self.send(InputAudioBufferCommit::default()).await?;
        self.respond().await
    }

    /// Says something in writing and asks for an answer.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn send_text(&self, text: impl Into<Text>) -> Result<(), Error> {
        self.send(ConversationItemCreate::new(Item::user_text(text)))
            .await?;
        self.respond().await
    }

    /// Asks for an answer.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn respond(&self) -> Result<(), Error> {
        self.send(ResponseCreate::default()).await
    }

    /// Sends any event.
    ///
    /// # Errors
    /// `Closed` if the session is closed; `InvalidEvent` if the event breaks a documented limit; `Connection` if the
    /// message is larger than the connection takes.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event was not accepted.
    pub async fn send(&self, event: impl Into<ClientEvent>) -> Result<(), Error> {
        self.handle.send(event).await.map_err(Error::sending)?;
        Ok(())
    }

    /// Where the connection is.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.handle.state()
    }

    /// Sends what was accepted, closes, and waits until every callback has run. At most the close deadline of
    /// the [`Config`] (2 s) and the time the callbacks take. Calling it again is harmless.
    ///
    /// # Cancel safety
    /// Closing begins with the first poll and goes on if the future is dropped.
    pub async fn close(&self) {
        self.handle.close().await;
        let mut dispatcher = self.shared.dispatcher.lock().await;
        if let Some(running) = dispatcher.as_mut() {
            // It ends when the last event was delivered; a panic of it would have nothing more to say.
            let _ = running.await;
        }
        *dispatcher = None;
    }
}

/// Connects, applies the settings, starts the dispatcher.
pub(crate) async fn open(
    endpoint: Endpoint,
    credentials: Credentials,
    config: Config,
    settings: RealtimeSession,
    handlers: Handlers,
) -> Result<Session, Error> {
    let connection = Connection::builder(endpoint, credentials)
        .config(config)
        .connect()
        .await
        .map_err(Error::connection)?;
    let handle = connection.handle().clone();
    let (alive, sessions) = mpsc::channel(1);
    let mut dispatcher = Dispatcher {
        connection,
        handlers,
        sessions,
    };
    if settings != RealtimeSession::default() {
        let update = settings_update(&settings);
        handle.send(update).await.map_err(|error| match error.kind() {
            rt_lowlevel::ErrorKind::InvalidEvent => Error::new(ErrorKind::Settings, error.to_string()),
            _ => Error::sending(error),
        })?;
        tokio::time::timeout(SETTINGS_TIMEOUT, settings_taken(&mut dispatcher))
            .await
            .map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    format!("no answer to the session's settings within {SETTINGS_TIMEOUT:?}: try again"),
                )
            })??;
    }
    let dispatcher = Mutex::new(Some(tokio::spawn(dispatcher.run())));
    Ok(Session {
        handle,
        shared: Arc::new(Shared {
            dispatcher,
            _alive: alive,
        }),
    })
}

/// Waits for the answer to the settings; what comes before it goes to the callbacks, like everything else.
async fn settings_taken(dispatcher: &mut Dispatcher) -> Result<(), Error> {
    while let Some(event) = dispatcher.connection.recv().await {
        let answer = match &event {
            ConnectionEvent::Server(ServerEvent::SessionUpdated(_)) => Some(Ok(())),
            ConnectionEvent::Server(ServerEvent::Error(error))
                if error.error.event_id.as_deref() == Some(SETTINGS_ID) =>
            {
                let at = error
                    .error
                    .param
                    .as_deref()
                    .map(|param| format!(" ({param})"))
                    .unwrap_or_default();
                let message = format!("the server refused the settings: {}{at}", error.error.message);
                Some(Err(Error::new(ErrorKind::Settings, message)))
            }
            ConnectionEvent::Closed(closed) => Some(Err(closed
                .error
                .clone()
                .map_or_else(Error::closed, Error::connection))),
            _ => None,
        };
        dispatcher.take(event);
        if let Some(answer) = answer {
            return answer;
        }
    }
    Err(Error::closed())
}
