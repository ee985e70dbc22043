//! A client, a bad line, and a server, and what the rows ask of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_emulator::brain::SessionRecord;
use rt_emulator::journal::Journal;
use rt_emulator::proxy::FaultProxy;
use rt_emulator::{Builder, Emulator};
use rt_lowlevel::event::Restored;
use rt_lowlevel::{Config, Connection, ConnectionEvent, Endpoint, ErrorKind, Handle, Stats};
use rt_protocol::client_event::{ConversationItemCreate, InputAudioBufferAppend, SessionUpdate};
use rt_protocol::{Item, Pcm16, RealtimeSession, ServerEvent};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::support::{PATIENCE, key};

pub const MS: Duration = Duration::from_millis(1);

/// Comes back at once, as often as it takes, and notices within half a second that nobody is there.
pub fn brisk() -> Config {
    let mut config = Config::default();
    config.retry.base = 5 * MS;
    config.retry.cap = 20 * MS;
    config.retry.max_attempts = 100_000;
    config.retry.max_connects = 100_000;
    config.retry.healthy_after = MS;
    config.liveness.ping_interval = 100 * MS;
    config.liveness.barrier_interval = 50 * MS;
    config.liveness.ping_timeout = 500 * MS;
    config
}

/// The same, but for rows in which nobody may be taken for dead: on a busy machine half a second is not long.
pub fn patient() -> Config {
    let mut config = brisk();
    config.liveness.ping_timeout = 8000 * MS;
    config
}

/// An emulator behind a line that can be made bad.
pub struct Bench {
    pub emulator: Emulator,
    pub line: FaultProxy,
}

impl Bench {
    pub async fn start(builder: Builder) -> Self {
        let emulator = builder.start().await.unwrap();
        let line = FaultProxy::start(emulator.address()).await.unwrap();
        Self { emulator, line }
    }

    pub fn endpoint(&self) -> Endpoint {
        let url = format!("{}?model=gpt-realtime", self.emulator.url());
        Endpoint::from_url(&self.line.url(&url)).unwrap()
    }

    /// A client, once it has its session.
    pub async fn client(&self, config: Config) -> Client {
        let connection = Connection::builder(self.endpoint(), key())
            .config(config)
            .connect()
            .await
            .unwrap();
        Client::of(connection)
    }

    pub fn journal(&self) -> Journal {
        self.emulator.journal()
    }

    /// The session that came last.
    pub fn last_session(&self) -> SessionRecord {
        self.journal().sessions().pop().expect("a session").1
    }
}

/// A connection whose events are taken as they come, and kept.
pub struct Client {
    pub handle: Handle,
    log: Arc<Log>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    events: Mutex<Vec<ConnectionEvent>>,
    changed: Notify,
}

impl Client {
    pub fn of(mut connection: Connection) -> Self {
        let log = Arc::new(Log::default());
        let handle = connection.handle().clone();
        let taker = Arc::clone(&log);
        let task = tokio::spawn(async move {
            while let Some(event) = connection.recv().await {
                taker.events.lock().unwrap().push(event);
                taker.changed.notify_waiters();
            }
            taker.changed.notify_waiters();
        });
        Self { handle, log, task }
    }

    /// Waits until `find` finds something in the events so far.
    pub async fn until<T>(&self, what: &str, mut find: impl FnMut(&[ConnectionEvent]) -> Option<T>) -> T {
        let looking = async {
            loop {
                let changed = self.log.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(found) = find(&self.log.events.lock().unwrap()) {
                    return found;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(found) => found,
            Err(_) => panic!("waited in vain for {what}: {:?}", self.outline()),
        }
    }

    /// Looks at the events so far.
    pub fn look<T>(&self, look: impl FnOnce(&[ConnectionEvent]) -> T) -> T {
        look(&self.log.events.lock().unwrap())
    }

    /// The events so far, in short.
    pub fn outline(&self) -> Vec<String> {
        self.look(|events| {
            let mut lines: Vec<String> = events.iter().map(outline).collect();
            lines.dedup();
            let skip = lines.len().saturating_sub(60);
            lines.split_off(skip)
        })
    }

    /// Waits for the session of this number, and until it has been told everything.
    pub async fn restored(&self, epoch: u64) -> Restored {
        self.until("a restored session", |events| {
            events.iter().find_map(|event| match event {
                ConnectionEvent::Restored(report) if report.epoch >= epoch => Some(report.clone()),
                _ => None,
            })
        })
        .await
    }

    /// Waits for the reason for which the connection is tried again for the `count`th time.
    pub async fn retrying(&self, count: usize) -> ErrorKind {
        self.until("a retry", |events| {
            let mut causes = events.iter().filter_map(|event| match event {
                ConnectionEvent::Retrying(retrying) => Some(retrying.cause.kind()),
                _ => None,
            });
            causes.nth(count - 1)
        })
        .await
    }

    /// How often the connection was lost so far.
    pub fn retries(&self) -> usize {
        self.look(|events| {
            let retries = events
                .iter()
                .filter(|event| matches!(event, ConnectionEvent::Retrying(_)));
            retries.count()
        })
    }

    /// Waits for the `count`th server event of this type.
    pub async fn server(&self, event_type: &str, count: usize) -> ServerEvent {
        self.until(event_type, |events| {
            server_events(events)
                .filter(|event| event.event_type() == event_type)
                .nth(count - 1)
                .cloned()
        })
        .await
    }

    /// Waits until every command has its fate.
    pub async fn settled(&self) -> Stats {
        let waiting = async {
            loop {
                let stats = self.handle.stats();
                if stats.pending == 0 && stats.waiting_messages == 0 {
                    return stats;
                }
                tokio::time::sleep(2 * MS).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(stats) => stats,
            Err(_) => panic!("not settled: {:?}, {:?}", self.handle.stats(), self.outline()),
        }
    }

    /// Closes; all events that there were.
    pub async fn close(mut self) -> Vec<ConnectionEvent> {
        self.handle.close().await;
        tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .expect("the end")
            .unwrap();
        std::mem::take(&mut self.log.events.lock().unwrap())
    }

    /// No turn detection: turns are committed by hand. With transcription, so that turns can be restored as text.
    pub async fn manual_turns(&self) {
        let session = RealtimeSession::new().manual_turns().transcription("whisper-1");
        self.handle.send(SessionUpdate::new(session)).await.unwrap();
        self.server("session.updated", 1).await;
    }

    pub async fn append(&self, audio: Pcm16) {
        self.handle
            .send(InputAudioBufferAppend::new(audio))
            .await
            .unwrap();
    }
}

/// The end of a test does not leave the task behind.
impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A text of the user with this id.
pub fn text_item(id: &str) -> ConversationItemCreate {
    ConversationItemCreate::new(Item::user_text(format!("This is {id}.")).with_id(id))
}

pub fn server_events(events: &[ConnectionEvent]) -> impl Iterator<Item = &ServerEvent> {
    events.iter().filter_map(|event| match event {
        ConnectionEvent::Server(event) => Some(event),
        _ => None,
    })
}

/// An event in a few words.
pub fn outline(event: &ConnectionEvent) -> String {
    match event {
        ConnectionEvent::Server(ServerEvent::Error(error)) => {
            format!("error {:?}: {}", error.error.code, error.error.message)
        }
        ConnectionEvent::Server(event) => event.event_type().to_owned(),
        ConnectionEvent::Retrying(retrying) => format!("Retrying({:?})", retrying.cause.kind()),
        ConnectionEvent::Opened(opened) => format!("Opened({})", opened.epoch),
        other => format!("{other:?}"),
    }
}

/// Samples that tell where they stand: the `from`th and following.
pub fn ramp(from: usize, samples: usize) -> Pcm16 {
    let samples: Vec<i16> = (from..from + samples)
        .map(|n| (n % 65_536) as u16 as i16)
        .collect();
    Pcm16::from_samples(&samples)
}

/// `bytes` as samples.
pub fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}
