//! F38, F39, F42, F43, F48, F66 in simulated time, with the default deadlines: a client, a line and a brain in memory.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::{SinkExt as _, StreamExt as _};
use rt_emulator::brain::{Brain, Output, SessionRecord, Settings};
use rt_lowlevel::event::RestoreCause;
use rt_lowlevel::fate::Fate;
use rt_lowlevel::transport::{DialError, Dialer, Io, Target};
use rt_lowlevel::{Config, Connection, ConnectionEvent, Endpoint, ErrorKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, SessionUpdate};
use rt_protocol::session::AudioFormat;
use rt_protocol::{AudioBytes, RealtimeSession, ServerEvent};

use super::bench::{Client, MS, ramp, server_events, text_item};
use crate::support::key;

/// What a socket's buffers hold.
const BUFFER: usize = 64 << 10;

/// A way to a server in memory. Clones share it.
#[derive(Clone, Default)]
struct World(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Nothing passes, in either direction.
    hole: AtomicBool,
    /// Whether pieces are late: by 50 to 150 ms, and one in fifty by as long as it takes to send it again.
    bad: AtomicBool,
    /// The server reads nothing.
    deaf: AtomicBool,
    connects: AtomicU64,
    /// Changes when the lines that are up break.
    breaks: tokio::sync::watch::Sender<u64>,
    /// How long a session may last, in seconds; 0 for an hour.
    session_length: AtomicU64,
    /// What arrived, session by session.
    records: Mutex<Vec<SessionRecord>>,
}

#[async_trait::async_trait]
impl Dialer for World {
    async fn dial(&self, _: &Target) -> Result<Box<dyn Io>, DialError> {
        let number = self.0.connects.fetch_add(1, Ordering::SeqCst) + 1;
        let (client, near) = duplex(BUFFER);
        let (far, server) = duplex(BUFFER);
        let (near_read, near_write) = tokio::io::split(near);
        let (far_read, far_write) = tokio::io::split(far);
        tokio::spawn(carry(near_read, far_write, Arc::clone(&self.0), 2 * number));
        tokio::spawn(carry(far_read, near_write, Arc::clone(&self.0), 2 * number + 1));
        tokio::spawn(serve(server, Arc::clone(&self.0), number));
        Ok(Box::new(client))
    }
}

/// One direction of a line.
async fn carry(
    mut from: impl tokio::io::AsyncRead + Unpin + Send + 'static,
    mut to: impl tokio::io::AsyncWrite + Unpin + Send + 'static,
    world: Arc<Inner>,
    seed: u64,
) {
    let mut breaks = world.breaks.subscribe();
    let mut broken = world.breaks.subscribe();
    let (pieces, mut arriving) = tokio::sync::mpsc::channel::<(Instant, Vec<u8>)>(64);
    let late = Arc::clone(&world);
    tokio::spawn(async move {
        let mut buffer = vec![0; 4096];
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = move |sides: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            chance % sides
        };
        loop {
            let length = tokio::select! {
                read = from.read(&mut buffer) => read.unwrap_or_default(),
                _ = broken.changed() => return,
            };
            if length == 0 {
                return;
            }
            let mut delay = 0;
            if late.bad.load(Ordering::SeqCst) {
                delay = 50 + roll(100) + if roll(50) == 0 { 200 + roll(800) } else { 0 };
            }
            let due = Instant::now() + Duration::from_millis(delay);
            if pieces.send((due, buffer[..length].to_vec())).await.is_err() {
                return;
            }
        }
    });
    loop {
        let arrived = tokio::select! {
            arrived = arriving.recv() => arrived,
            _ = breaks.changed() => return,
        };
        let Some((due, piece)) = arrived else { break };
        sleep_until(due).await;
        while world.hole.load(Ordering::SeqCst) {
            sleep(10 * MS).await;
        }
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// The server's side of one connection.
async fn serve(stream: DuplexStream, world: Arc<Inner>, seed: u64) {
    let Ok(mut socket) = accept_async(stream).await else {
        return;
    };
    let since = Instant::now();
    let opened_at = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let mut settings = Settings::default();
    (settings.seed, settings.opened_at) = (seed, opened_at);
    let length = world.session_length.load(Ordering::SeqCst);
    if length > 0 {
        settings.session_length = Duration::from_secs(length);
    }
    let mut brain = Brain::new(settings);
    world.records.lock().unwrap().push(brain.record());
    let mut outputs = brain.open(Duration::ZERO);
    loop {
        for output in outputs.drain(..) {
            let sent = match output {
                Output::Event(event) => socket.send(Message::text(brain.encode(&event).unwrap())).await,
                Output::Close { code, reason } => {
                    let (code, reason) = (CloseCode::from(code), reason.into());
                    socket.close(Some(CloseFrame { code, reason })).await
                }
                _ => Ok(()),
            };
            if sent.is_err() {
                return;
            }
        }
        while world.deaf.load(Ordering::SeqCst) {
            sleep(10 * MS).await;
        }
        let due = brain
            .deadline()
            .unwrap_or(Duration::MAX)
            .min(Duration::from_secs(86_400));
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => outputs = brain.handle_text(&text, since.elapsed()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            () = sleep_until(since + due) => outputs = brain.poll(since.elapsed()),
        }
    }
}

impl World {
    /// A client with a session, and a day's worth of patience.
    async fn client(&self) -> Client {
        let endpoint = Endpoint::from_url("ws://127.0.0.1:1/v1/realtime?model=gpt-realtime").unwrap();
        let connection = Connection::builder(endpoint, key())
            .config(Config::default())
            .dialer(self.clone())
            .connect()
            .await
            .map_err(io::Error::other)
            .unwrap();
        Client::of(connection)
    }

    fn connects(&self) -> u64 {
        self.0.connects.load(Ordering::SeqCst)
    }
}

/// Lets time pass until the connection is lost; how long that took, and why.
async fn lost(client: &Client) -> (Duration, ErrorKind) {
    let start = Instant::now();
    loop {
        let cause = client.look(|events| {
            events.iter().find_map(|event| match event {
                ConnectionEvent::Retrying(retrying) => Some(retrying.cause.kind()),
                _ => None,
            })
        });
        if let Some(cause) = cause {
            return (start.elapsed(), cause);
        }
        assert!(start.elapsed() < Duration::from_secs(120), "nobody notices");
        sleep(10 * MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn f38_half_open_and_idle_at_the_default_deadlines() {
    for offset in [0, 900, 2500, 4999] {
        let world = World::default();
        let client = world.client().await;
        sleep(Duration::from_millis(20_000 + offset)).await;
        world.0.hole.store(true, Ordering::SeqCst);
        let (after, cause) = lost(&client).await;
        assert_eq!(cause, ErrorKind::PingTimeout);
        assert!(after <= Duration::from_millis(15_050), "{after:?}");
        world.0.hole.store(false, Ordering::SeqCst);
        let receipt = client.handle.send_tracked(text_item("one")).await.unwrap();
        assert_eq!(receipt.await, Fate::Acknowledged);
        client.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn f39_half_open_while_sending_at_the_default_deadlines() {
    let world = World::default();
    let client = world.client().await;
    client.manual_turns().await;
    let handle = client.handle.clone();
    let sending = tokio::spawn(async move {
        for n in 0..1500 {
            let audio = InputAudioBufferAppend::new(ramp(n * 480, 480));
            handle.send(audio).await.unwrap();
            sleep(20 * MS).await;
        }
    });
    sleep(Duration::from_secs(5)).await;
    world.0.hole.store(true, Ordering::SeqCst);
    let (after, cause) = lost(&client).await;
    assert_eq!(cause, ErrorKind::PingTimeout);
    assert!(after <= Duration::from_millis(15_050), "{after:?}");
    world.0.hole.store(false, Ordering::SeqCst);
    sending.await.unwrap();
    let stats = client.settled().await;
    assert_eq!(stats.discarded, 0, "30 s are kept: {stats:?}");
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn f42_a_server_that_is_quiet_for_ten_minutes() {
    let world = World::default();
    let client = world.client().await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!((client.retries(), world.connects()), (0, 1));
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn f43_a_peer_that_stops_reading_at_the_default_deadlines() {
    for (pause, is_lost) in [(1, false), (9, false), (60, true)] {
        let world = World::default();
        let client = world.client().await;
        client.manual_turns().await;
        sleep(Duration::from_secs(1)).await;
        world.0.deaf.store(true, Ordering::SeqCst);
        let handle = client.handle.clone();
        let sending = tokio::spawn(async move {
            // More than the buffers hold, at once: a write is stuck from the start.
            for n in 0..28 {
                let audio = InputAudioBufferAppend::new(ramp(n * 24_000, 24_000));
                handle.send(audio).await.unwrap();
            }
        });
        if is_lost {
            let (after, cause) = lost(&client).await;
            // A ping that was just written is not answered either.
            assert!(
                matches!(cause, ErrorKind::WriteStall | ErrorKind::PingTimeout),
                "{cause:?}"
            );
            assert!(
                after >= Duration::from_millis(9900) && after <= Duration::from_millis(10_200),
                "{after:?}"
            );
        } else {
            sleep(Duration::from_secs(pause)).await;
        }
        world.0.deaf.store(false, Ordering::SeqCst);
        sending.await.unwrap();
        let stats = client.settled().await;
        assert_eq!(stats.discarded, 0, "{pause} s: {stats:?}");
        assert_eq!(client.retries(), usize::from(is_lost), "{pause} s");
        client.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn f48_ten_minutes_on_a_bad_line() {
    let world = World::default();
    let client = world.client().await;
    client.manual_turns().await;
    world.0.bad.store(true, Ordering::SeqCst);
    for n in 0..3000 {
        client.append(ramp(n * 480, 480)).await;
        if n % 100 == 0 {
            client.handle.send(text_item(&format!("note_{n}"))).await.unwrap();
        }
        sleep(200 * MS).await;
    }
    assert_eq!((client.retries(), world.connects()), (0, 1));
    let stats = client.settled().await;
    assert_eq!(stats.accepted, stats.acknowledged, "{stats:?}");
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn f66_the_machine_sleeps_for_ten_minutes() {
    let world = World::default();
    let client = world.client().await;
    for n in 0..3 {
        let receipt = client
            .handle
            .send_tracked(text_item(&format!("before_{n}")))
            .await
            .unwrap();
        assert_eq!(receipt.await, Fate::Acknowledged);
    }
    // All timers are ten minutes late at once.
    tokio::time::advance(Duration::from_secs(600)).await;
    for n in 0..3 {
        let receipt = client
            .handle
            .send_tracked(text_item(&format!("after_{n}")))
            .await
            .unwrap();
        assert_eq!(receipt.await, Fate::Acknowledged);
    }
    assert!(world.connects() <= 2, "{} connects", world.connects());
    client.close().await;
}

/// A byte of speech, by its place in the call: what is missing, doubled or out of place shows.
fn spoken(at: usize) -> u8 {
    let mixed = (at as u32).wrapping_mul(0x9e37_79b1);
    (mixed ^ (mixed >> 15)).to_le_bytes()[2]
}

#[tokio::test(start_paused = true)]
async fn a_call_of_three_hours() {
    // Half a second of G.711 in a message, and a turn of ten; the caller speaks without a break.
    const MESSAGE: usize = 4000;
    const MESSAGES: usize = 3 * 3600 * 2;
    let world = World::default();
    world.0.session_length.store(15 * 60, Ordering::SeqCst);
    let client = world.client().await;
    let session = RealtimeSession::new()
        .manual_turns()
        .transcription("whisper-1")
        .input_format(AudioFormat::pcmu());
    client.handle.send(SessionUpdate::new(session)).await.unwrap();
    let mut commits = Vec::new();
    for n in 0..MESSAGES {
        let audio: Vec<u8> = (n * MESSAGE..(n + 1) * MESSAGE).map(spoken).collect();
        let append = InputAudioBufferAppend::new(AudioBytes::from(audio));
        client.handle.send(append).await.unwrap();
        if n % 10 == 9 {
            commits.push(
                client
                    .handle
                    .send_tracked(InputAudioBufferCommit::default())
                    .await
                    .unwrap(),
            );
        }
        // A drop every seven minutes; after two hours none, so that sessions reach their end.
        if n % 840 == 833 && n < MESSAGES * 2 / 3 {
            world.0.breaks.send_modify(|breaks| *breaks += 1);
        }
        sleep(500 * MS).await;
    }
    for commit in commits {
        assert_eq!(commit.await, Fate::Acknowledged);
    }
    let stats = client.settled().await;
    assert_eq!(stats.accepted, stats.acknowledged + stats.superseded, "{stats:?}");

    // Every byte of the speech, once, in order.
    let records = world.0.records.lock().unwrap().clone();
    let mut at = 0;
    for (session, record) in records.iter().enumerate() {
        for byte in record.speech() {
            assert_eq!(byte, spoken(at), "byte {at}, in session {}", session + 1);
            at += 1;
        }
    }
    assert_eq!(at, MESSAGES * MESSAGE);

    // The reports say what the sessions were told.
    let (mut lost, mut rolled) = (0, 0);
    client.look(|events| {
        for event in events {
            let ConnectionEvent::Restored(report) = event else {
                continue;
            };
            match report.cause {
                RestoreCause::Rollover => rolled += 1,
                _ => lost += 1,
            }
            let record = &records[usize::try_from(report.epoch).unwrap() - 1];
            let told = record.commands();
            let told = told
                .iter()
                .filter(|command| command.event_type == "conversation.item.create");
            assert_eq!(told.clone().count(), report.restored, "session {}", report.epoch);
            assert!(told.clone().all(|command| command.refused.is_none()));
        }
    });
    assert_eq!(lost, 17, "drops");
    assert!(rolled >= 4, "{rolled} rollovers");
    assert_eq!(records.len(), 1 + lost + rolled);
    // The last session knows the end of the conversation as the client does.
    let committed: Vec<String> = client.look(|events| {
        let ids = server_events(events).filter_map(|event| match event {
            ServerEvent::InputAudioBufferCommitted(event) => Some(event.item_id.clone()),
            _ => None,
        });
        ids.collect()
    });
    let known = records.last().unwrap().item_ids();
    assert_eq!(committed.len(), MESSAGES / 10);
    assert!(
        committed.ends_with(&known) && known.len() >= 128,
        "{} items",
        known.len()
    );
    client.close().await;
}
