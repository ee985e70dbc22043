//! [`Setup`]: what sessions of all kinds have in common before they are connected.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rt_lowlevel::{Config, Connection, Credentials, Endpoint};
use rt_protocol::Session as Settings;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::callbacks::Callbacks;
use crate::dispatch::{Dispatcher, Fan};
use crate::driver::{Counters, Driver, Moving, Outlet, Sink};
use crate::engine::{Engine, Options};
use crate::error::{Error, ErrorKind};
use crate::guardrail::Guardrail;
use crate::half_duplex::HalfDuplex;
use crate::handlers::{Closures, EventHandler};
use crate::observe::Spans;
use crate::playback::PlaybackSink;
use crate::queue::queue;
use crate::sent_audio::SentAudio;
use crate::session::{Session, Shared};
use crate::tool::Function;
use crate::usage::{Budget, Prices};

/// Events that wait for the callbacks, until those slow the session down.
const EVENTS: usize = 256;
/// Requests that wait for the session's task.
const REQUESTS: usize = 64;

/// What sessions of all kinds are set up with.
pub(crate) struct Setup {
    pub(crate) connection: rt_lowlevel::Builder,
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
    pub(crate) repeat_written: bool,
    pub(crate) reply_timeout: Option<Duration>,
    pub(crate) half_duplex: Option<Duration>,
}

/// The format in which audio is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    pub(crate) bytes_per_ms: u64,
    /// A byte of silence.
    pub(crate) silence: u8,
}

impl Input {
    pub(crate) const PCM16: Self = Self {
        bytes_per_ms: 48,
        silence: 0,
    };
    pub(crate) const MU_LAW: Self = Self {
        bytes_per_ms: 8,
        silence: 0xff,
    };
    pub(crate) const A_LAW: Self = Self {
        bytes_per_ms: 8,
        silence: 0xd5,
    };
}

impl Setup {
    pub(crate) fn new(endpoint: Endpoint, credentials: Credentials) -> Self {
        Self {
            connection: Connection::builder(endpoint, credentials),
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
            repeat_written: true,
            reply_timeout: None,
            half_duplex: None,
        }
    }

    /// Connects, applies the settings, starts the tasks and the thread of the callbacks.
    pub(crate) async fn connect(
        self,
        settings: Option<Settings>,
        manual: bool,
        input: Input,
    ) -> Result<Session, Error> {
        if self.budget.is_some() && self.prices.is_none() {
            let message = "a budget needs prices: set them with `prices`";
            return Err(Error::new(ErrorKind::Settings, message));
        }
        let (strict, is_call) = (self.config.strict, self.connection.endpoint().is_call());
        let connection = self
            .connection
            .config(self.config)
            .connect()
            .await
            .map_err(Error::connection)?;
        let handle = connection.handle().clone();
        let (requests, received) = mpsc::channel(REQUESTS);
        let (dispatch, events) = queue(EVENTS);
        let (closing, closes) = watch::channel(None);
        // Nothing is ever sent: it ends when the last who runs has ended.
        let (running, ended) = mpsc::channel(1);
        let counters = Arc::new(Counters::default());
        let half_duplex = self.half_duplex.map(|tail| HalfDuplex::new(tail, input.silence));
        let half_duplex = half_duplex.map(Arc::new);
        let sent = Arc::new(SentAudio::new(input.bytes_per_ms));
        let began = Instant::now();
        let shared = Arc::new(Shared {
            handle: handle.clone(),
            requests,
            next_ticket: AtomicU64::new(1),
            counters: Arc::clone(&counters),
            streams: Arc::default(),
            ended: tokio::sync::Mutex::new(ended),
            callbacks: OnceLock::new(),
            closing,
            manual: manual.then_some(input.bytes_per_ms),
            half_duplex: half_duplex.clone(),
            sent: Arc::clone(&sent),
            strict,
            began,
        });
        let callbacks = Callbacks::new(self.closures, self.handler, Arc::downgrade(&shared));
        let outlet = Outlet::new(dispatch, callbacks.interest(), Arc::clone(&shared.streams));
        let dispatcher = Dispatcher {
            events,
            callbacks,
            streams: Fan {
                streams: Arc::clone(&shared.streams),
                closing: closes,
            },
            counters: Arc::clone(&counters),
            _running: running.clone(),
        };
        if let Some(thread) = dispatcher.start()? {
            // Set once: nobody else has it.
            let _ = shared.callbacks.set(thread);
        }
        let policies = self.functions.iter();
        let options = Options {
            policies: policies
                .map(|(name, function)| (name.clone(), function.policy().clone()))
                .collect(),
            sink: self.sink.is_some(),
            is_call,
            prices: self.prices,
            budget: self.budget,
            keep_follow_ups: self.keep_follow_ups,
            guardrails: self.guardrails,
            confirm: self.confirm,
            repeat_written: self.repeat_written,
            reply_timeout: self.reply_timeout,
            seed: rand::random(),
        };
        let mut driver = Driver {
            engine: Engine::new(options),
            restores: connection.restores(),
            connection,
            handle,
            requests: received,
            outlet,
            settings,
            is_call,
            sink: Sink::new(self.sink),
            functions: self.functions,
            counters,
            half_duplex,
            sent,
            _running: running,
            spans: Spans::new(),
            state: Moving::new(began),
        };
        driver.configure().await?;
        let span = driver.spans.session().clone();
        tokio::spawn(driver.run().instrument(span));
        Ok(Session::of(shared))
    }
}
