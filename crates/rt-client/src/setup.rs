//! [`Setup`]: what sessions of all kinds have in common before they are connected.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_lowlevel::{Config, Connection, Credentials, Endpoint};
use rt_protocol::Session as Settings;
use tokio::sync::{mpsc, watch};

use crate::dispatch::Dispatcher;
use crate::driver::{Counters, Driver, Moving};
use crate::engine::{Engine, Options};
use crate::error::Error;
use crate::guardrail::Guardrail;
use crate::handlers::{Closures, EventHandler};
use crate::playback::PlaybackSink;
use crate::session::{Session, Shared};
use crate::tool::Function;
use crate::usage::{Budget, Prices};

/// Events that wait for the callbacks, until those slow the session down.
const EVENTS: usize = 256;
/// Requests that wait for the session's task.
const REQUESTS: usize = 64;

/// What sessions of all kinds are set up with.
pub(crate) struct Setup {
    pub(crate) endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    pub(crate) config: Config,
    pub(crate) closures: Closures,
    pub(crate) handler: Option<Box<dyn EventHandler>>,
    pub(crate) sink: Option<Box<dyn PlaybackSink>>,
    pub(crate) functions: HashMap<String, Function>,
    pub(crate) prices: Option<Prices>,
    pub(crate) budget: Option<Budget>,
    pub(crate) keep_follow_ups: bool,
    pub(crate) guardrails: Vec<Guardrail>,
    pub(crate) confirm: Option<Duration>,
}

impl Setup {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            endpoint,
            credentials,
            config: Config::default(),
            closures: Closures::default(),
            handler: None,
            sink: None,
            functions: HashMap::new(),
            prices: None,
            budget: None,
            keep_follow_ups: false,
            guardrails: Vec::new(),
            confirm: None,
        }
    }

    /// Connects, applies the settings, starts the tasks.
    pub(crate) async fn connect(
        self,
        settings: Option<Settings>,
        manual: bool,
        bytes_per_ms: u64,
    ) -> Result<Session, Error> {
        let (strict, restores) = (self.config.strict, self.config.restore.enabled);
        let connection = Connection::builder(self.endpoint, self.credentials)
            .config(self.config)
            .connect()
            .await
            .map_err(Error::connection)?;
        let handle = connection.handle().clone();
        let (requests, received) = mpsc::channel(REQUESTS);
        let (dispatch, events) = mpsc::channel(EVENTS);
        let (closing, closes) = watch::channel(None);
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared {
            handle: handle.clone(),
            requests,
            next_ticket: AtomicU64::new(1),
            counters: Arc::clone(&counters),
            streams: Arc::new(Mutex::new(Vec::new())),
            tasks: tokio::sync::Mutex::new(Vec::new()),
            closing,
            manual: manual.then_some(bytes_per_ms),
            strict,
        });
        let dispatcher = Dispatcher {
            events,
            closures: self.closures,
            handler: self.handler,
            streams: Arc::clone(&shared.streams),
            session: Arc::downgrade(&shared),
            closing: closes,
        };
        let dispatcher = tokio::spawn(dispatcher.run());
        let policies = self.functions.iter();
        let options = Options {
            policies: policies
                .map(|(name, function)| (name.clone(), function.policy().clone()))
                .collect(),
            sink: self.sink.is_some(),
            prices: self.prices,
            budget: self.budget,
            keep_follow_ups: self.keep_follow_ups,
            guardrails: self.guardrails,
            confirm: self.confirm,
            seed: rand::random(),
        };
        let mut driver = Driver {
            engine: Engine::new(options),
            connection,
            handle,
            requests: received,
            dispatch,
            settings,
            restores,
            sink: self.sink,
            functions: self.functions,
            counters,
            state: Moving::default(),
        };
        driver.configure().await?;
        let driver = tokio::spawn(driver.run());
        shared.tasks.lock().await.extend([dispatcher, driver]);
        Ok(Session::of(shared))
    }
}
