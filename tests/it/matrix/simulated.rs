//! F38, F39, F42, F43, F48, F66 in simulated time, with the default deadlines: a client, a line and a brain in memory.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures::{SinkExt as _, StreamExt as _};
use rt_emulator::{Brain, Output, Settings};
use rt_lowlevel::{
    Config, Connection, ConnectionEvent, DialError, Dialer, Endpoint, ErrorKind, Fate, Io, Target,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use super::bench::{Client, MS, ramp, text_item};
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
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
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
    while let Some((due, piece)) = arriving.recv().await {
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
    let mut brain = Brain::new(settings);
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
            let audio = rt_protocol::client_event::InputAudioBufferAppend::new(ramp(n * 480, 480));
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
                let audio = rt_protocol::client_event::InputAudioBufferAppend::new(ramp(n * 24_000, 24_000));
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
