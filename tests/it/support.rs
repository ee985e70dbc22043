//! What several tests need.

use std::time::Duration;

use rt_emulator::{Builder, Emulator};
use rt_lowlevel::{Config, Connection, ConnectionEvent, Credentials, Endpoint, Error};
use rt_protocol::client_event::{InputAudioBufferAppend, ResponseCreate};
use rt_protocol::{ClientEvent, Pcm16, ServerEvent};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Speech of the fixtures.
pub fn speech(name: &str) -> Pcm16 {
    rt_audio::read(format!("{}/fixtures/audio/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// Retries as by default, but quick.
pub fn quick() -> Config {
    let mut config = Config::default();
    config.retry.base = Duration::from_millis(5);
    config.retry.cap = Duration::from_millis(20);
    config
}

/// An emulator and the way to it.
pub struct Server {
    pub emulator: Emulator,
}

impl Server {
    pub async fn start(builder: Builder) -> Self {
        Self {
            emulator: builder.start().await.unwrap(),
        }
    }

    pub fn endpoint(&self) -> Endpoint {
        self.endpoint_for("gpt-realtime")
    }

    pub fn endpoint_for(&self, model: &str) -> Endpoint {
        Endpoint::from_url(&format!("{}?model={model}", self.emulator.url())).unwrap()
    }

    pub async fn connect(&self) -> Result<Connection, Error> {
        Connection::builder(self.endpoint(), key())
            .config(quick())
            .connect()
            .await
    }

    pub fn connects(&self) -> u64 {
        self.emulator.journal().connects()
    }
}

pub fn key() -> Credentials {
    Credentials::api_key("local").unwrap()
}

/// The next event of the connection.
pub async fn next(connection: &mut Connection) -> ConnectionEvent {
    tokio::time::timeout(PATIENCE, connection.recv())
        .await
        .expect("an event in time")
        .expect("not the end")
}

/// Everything up to and including the first server event of this type.
pub async fn until(connection: &mut Connection, event_type: &str) -> Vec<ServerEvent> {
    let mut events = Vec::new();
    loop {
        match next(connection).await {
            ConnectionEvent::Server(event) => {
                let found = event.event_type() == event_type;
                events.push(event);
                if found {
                    return events;
                }
            }
            ConnectionEvent::Closed(closed) => panic!("closed before {event_type}: {closed:?}"),
            _ => {}
        }
    }
}

/// Everything up to the end.
pub async fn until_closed(connection: &mut Connection) -> Vec<ConnectionEvent> {
    let mut events = Vec::new();
    while let Some(event) = tokio::time::timeout(PATIENCE, connection.recv())
        .await
        .expect("an event in time")
    {
        events.push(event);
    }
    events
}

/// Audio in messages of 100 ms.
pub async fn say(connection: &Connection, audio: &Pcm16) {
    for chunk in audio.chunks(Duration::from_millis(100)) {
        send(
            connection,
            InputAudioBufferAppend {
                audio: chunk.into(),
                ..Default::default()
            },
        )
        .await;
    }
}

pub async fn respond(connection: &Connection) {
    send(connection, ResponseCreate::default()).await;
}

pub async fn send(connection: &Connection, event: impl Into<ClientEvent>) {
    connection.send(event).await.unwrap();
}

/// The audio of the model in these events.
pub fn audio_of(events: &[ServerEvent]) -> Pcm16 {
    let pieces: Vec<Pcm16> = events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::ResponseOutputAudioDelta(event) => Some(event.delta.to_pcm16().unwrap()),
            _ => None,
        })
        .collect();
    Pcm16::concat(&pieces)
}

/// How many of these events have this type.
pub fn count(events: &[ServerEvent], event_type: &str) -> usize {
    events
        .iter()
        .filter(|event| event.event_type() == event_type)
        .count()
}
