//! [`Emulator`]: a running server, and how to start it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::brain::Settings;
use crate::error::{Error, ErrorKind};
use crate::faults::{Action, Fault, Faults};
use crate::journal::Journal;
use crate::pacing::Pacing;
use crate::script::Script;
use crate::server::{self, Access, Calls, Secrets, Shared};

/// From one Ping to the next, as observed.
const PING_EVERY: Duration = Duration::from_secs(20);

/// Commands that wait to be obeyed.
const MAX_COMMANDS: usize = 256;

/// A running emulator. It stops when it is dropped.
pub struct Emulator {
    /// Where it listens.
    address: SocketAddr,
    /// `s` if connections are encrypted: `wss`, `https`.
    secure: &'static str,
    /// What it shares with its connections.
    shared: Arc<Shared>,
    /// Tells it to stop.
    stop: watch::Sender<bool>,
    /// Accepts connections.
    task: Option<JoinHandle<()>>,
}

/// How an emulator is started. See [`Emulator::builder`].
#[derive(Clone)]
#[must_use]
pub struct Builder {
    /// Where to listen.
    listen: SocketAddr,
    /// Who may connect.
    access: Access,
    /// What sessions are like.
    settings: Settings,
    /// What goes wrong.
    faults: Vec<(Option<u64>, Fault)>,
    /// From one Ping to the next.
    ping_every: Duration,
    /// Whether the journal keeps input audio.
    keep_audio: bool,
    /// Whether connections are encrypted.
    tls: bool,
}

impl Emulator {
    /// An emulator with the parrot on a free port of 127.0.0.1, unless told otherwise.
    pub fn builder() -> Builder {
        Builder {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            access: Access::default(),
            settings: Settings {
                seed: fastrand::u64(..),
                ..Settings::default()
            },
            faults: Vec::new(),
            ping_every: PING_EVERY,
            keep_audio: true,
            tls: false,
        }
    }

    /// Starts the default emulator.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if 127.0.0.1 has no free port.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The WebSocket URL, without `?model=`: `ws://127.0.0.1:…/v1/realtime`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws{}://{}/v1/realtime", self.secure, self.address)
    }

    /// The WebSocket URL in Azure's form, without `?model=`: `ws://127.0.0.1:…/openai/v1/realtime`.
    #[must_use]
    pub fn azure_url(&self) -> String {
        format!("ws{}://{}/openai/v1/realtime", self.secure, self.address)
    }

    /// The base URL of the HTTP endpoints: `http://127.0.0.1:…/v1`.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http{}://{}/v1", self.secure, self.address)
    }

    /// The certificate that clients have to trust as a root, as PEM; `None` without [`Builder::tls`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(server::Tls::root)
    }

    /// A call over SIP comes in and rings; its id is returned. It can be accepted or rejected, and once it is
    /// accepted `?call_id=` leads to its session. Whoever waits for the webhook has to be told by the test.
    #[must_use]
    pub fn ring(&self) -> String {
        self.shared.calls.begin(None)
    }

    /// What happened so far, and what will.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.shared.journal.clone()
    }

    /// Gives a fault to a connection to come, by its number from 1.
    pub fn fault(&self, connection: u64, fault: Fault) {
        self.shared.faults.add(Some(connection), fault);
    }

    /// Lets something go wrong now on an open connection, by its number from 1. Whether it is open, the journal
    /// tells: [`What::Answered`](crate::journal::What::Answered) with 101.
    pub fn act(&self, connection: u64, action: Action) {
        // Nobody listens if no connection is open.
        let _ = self.shared.commands.send((connection, action));
    }

    /// Closes the connections with 1001, waits until they are closed, a second at most, and stops.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// What is heard, said and called, and what goes wrong. Default: the parrot, and nothing.
    pub fn script(mut self, script: Script) -> Self {
        let faults = script.faults.iter();
        self.faults
            .extend(faults.map(|planned| (planned.connection, planned.fault.clone())));
        self.settings.script = Arc::new(script);
        self
    }

    /// How fast the answers come. Default: as a real server's.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.settings.pacing = pacing;
        self
    }

    /// Adds a good key; others are refused from then on. By default every key is good that does not begin with
    /// `bad` or `invalid`, with or without `sk-` before it.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.access.keys.push(key.into());
        self
    }

    /// Adds a model. By default `gpt-realtime`, everything that begins with `gpt-realtime-` (but the models for
    /// transcription and translation), and the published older ones are known.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.access.models.push(model.into());
        self
    }

    /// How long a session may last: `expires_at` follows from it, and at the end come `session_expired` and close 1001.
    /// Default: 60 minutes.
    pub fn session_length(mut self, length: Duration) -> Self {
        self.settings.session_length = length;
        self
    }

    /// Whether `rate_limits.updated` follows each response. By default it does for models from `gpt-realtime-2` on.
    pub fn rate_limits(mut self, send: bool) -> Self {
        self.settings.rate_limits = Some(send);
        self
    }

    /// Where the ids come from: the same seed and the same messages give the same ids. Each connection adds its
    /// number. Default: by chance.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// From one Ping to the next. Default: 20 seconds.
    pub fn ping_every(mut self, period: Duration) -> Self {
        self.ping_every = period.max(Duration::from_millis(1));
        self
    }

    /// Whether the journal keeps the input audio for [`Journal::input_audio`]. Default: it does. The program does
    /// not.
    pub fn keep_audio(mut self, keep: bool) -> Self {
        self.keep_audio = keep;
        self
    }

    /// Whether the journal keeps what truly arrived in each session, for [`Journal::session`]. Default: it does. The
    /// program does not.
    pub fn keep_records(mut self, keep: bool) -> Self {
        self.settings.keep_record = keep;
        self
    }

    /// Gives a fault to a connection, by its number from 1. A connection can have several.
    pub fn fault(mut self, connection: u64, fault: Fault) -> Self {
        self.faults.push((Some(connection), fault));
        self
    }

    /// Encrypts: `wss` and `https`, with a certificate for `localhost`, `127.0.0.1`, `::1` and the address it listens
    /// on. It is made anew at each start, and signed by a root that [`Emulator::certificate_pem`] tells. Default: in
    /// the clear.
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Gives a fault to every connection.
    pub fn fault_always(mut self, fault: Fault) -> Self {
        self.faults.push((None, fault));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if the address cannot be listened on, and [`ErrorKind::Certificate`] if it is to encrypt
    /// and cannot.
    pub async fn start(self) -> Result<Emulator, Error> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Listen, format!("cannot listen on {}", self.listen)).because(error)
        };
        let listener = TcpListener::bind(self.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let faults = Faults::default();
        for (number, fault) in self.faults {
            faults.add(number, fault);
        }
        let shared = Arc::new(Shared {
            access: self.access,
            secrets: Secrets::default(),
            calls: Calls::default(),
            #[cfg(feature = "tls")]
            tls: if self.tls {
                Some(server::Tls::new(address.ip())?)
            } else {
                None
            },
            settings: self.settings,
            faults,
            journal: Journal::new(self.keep_audio),
            ping_every: self.ping_every,
            commands: broadcast::Sender::new(MAX_COMMANDS),
        });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(server::run(listener, Arc::clone(&shared), stopped));
        Ok(Emulator {
            address,
            secure: if self.tls { "s" } else { "" },
            shared,
            stop,
            task: Some(task),
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("settings", &self.settings)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
