//! The emulator in two forms: its brain in simulated time, and the whole of it over a socket.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rt_emulator::brain::{Brain, Output, Settings};
use rt_emulator::{Emulator, Script};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::compare::counts;

/// What a recording is played to.
pub(crate) trait Server {
    fn send(&mut self, message: &Value);
    /// Waits until so many messages came that are not deltas, or nothing comes any more.
    fn wait_for(&mut self, messages: usize);
    fn received(&self) -> &[Value];
}

/// Simulated time.
pub(crate) struct InBrain {
    brain: Brain,
    now: Duration,
    received: Vec<Value>,
}

impl InBrain {
    pub(crate) fn new(script: Script) -> Self {
        let mut settings = Settings::default();
        settings.script = script.into();
        let mut server = Self {
            brain: Brain::new(settings),
            now: Duration::ZERO,
            received: Vec::new(),
        };
        let opening = server.brain.open(server.now);
        server.take(opening);
        server
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Event(event) => self
                    .received
                    .push(serde_json::from_str(&event.to_json()).unwrap()),
                other => panic!("{other:?}"),
            }
        }
    }
}

impl Server for InBrain {
    fn send(&mut self, message: &Value) {
        let outputs = self.brain.handle_text(&message.to_string(), self.now);
        self.take(outputs);
    }

    fn wait_for(&mut self, messages: usize) {
        while self.received.iter().filter(|message| counts(message)).count() < messages {
            // A minute in which nothing is due is the end.
            match self
                .brain
                .deadline()
                .filter(|due| *due < self.now + Duration::from_secs(60))
            {
                Some(due) => {
                    self.now = due;
                    let outputs = self.brain.poll(due);
                    self.take(outputs);
                }
                None => return,
            }
        }
    }

    fn received(&self) -> &[Value] {
        &self.received
    }
}

/// A real socket, in real time.
pub(crate) struct OverSocket {
    runtime: Runtime,
    _emulator: Emulator,
    socket: WebSocketStream<TcpStream>,
    received: Vec<Value>,
}

impl OverSocket {
    pub(crate) fn new(script: Script) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (emulator, socket) = runtime.block_on(async {
            let emulator = Emulator::builder().script(script).start().await.unwrap();
            let url = format!("{}?model=gpt-realtime", emulator.url());
            let mut request = url.into_client_request().unwrap();
            request
                .headers_mut()
                .insert("authorization", "Bearer x".parse().unwrap());
            let stream = TcpStream::connect(emulator.address()).await.unwrap();
            let (socket, _) = client_async(request, stream).await.unwrap();
            (emulator, socket)
        });
        Self {
            runtime,
            _emulator: emulator,
            socket,
            received: Vec::new(),
        }
    }
}

impl Server for OverSocket {
    fn send(&mut self, message: &Value) {
        self.runtime
            .block_on(self.socket.send(Frame::text(message.to_string())))
            .unwrap();
    }

    fn wait_for(&mut self, messages: usize) {
        // What is counted comes, sooner or later; only the end shows by silence.
        let patience = Duration::from_secs(if messages == usize::MAX { 1 } else { 10 });
        while self.received.iter().filter(|message| counts(message)).count() < messages {
            let next = async { timeout(patience, self.socket.next()).await };
            match self.runtime.block_on(next) {
                Ok(Some(Ok(Frame::Text(text)))) => self.received.push(serde_json::from_str(&text).unwrap()),
                Ok(other) => panic!("{other:?}"),
                Err(_) => return,
            }
        }
    }

    fn received(&self) -> &[Value] {
        &self.received
    }
}
