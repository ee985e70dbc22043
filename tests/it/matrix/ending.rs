//! F60 and F61: closing and dropping, at any moment.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use rt_emulator::fault::{Action, Trigger};
use rt_emulator::proxy::Direction;
use rt_emulator::wire::{Cut, Shape};
use rt_emulator::{Emulator, Fault, Pacing};
use rt_lowlevel::event::CloseInitiator;
use rt_lowlevel::transport::{DialError, DialStage, Dialer, Io, Target};
use rt_lowlevel::{
    Builder, Config, Connection, ConnectionEvent, Credentials, ErrorKind, State, Token, TokenProvider,
};
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::bench::{Bench, Client, MS, brisk, patient, ramp, text_item};
use crate::support::{PATIENCE, key};

const CLOSE: Duration = Duration::from_millis(400);

fn config() -> Config {
    let mut config = patient();
    config.timeouts.close = CLOSE;
    config
}

async fn bench(faults: impl IntoIterator<Item = (u64, Fault)>) -> Bench {
    let mut emulator = Emulator::builder().pacing(Pacing::instant());
    for (connection, fault) in faults {
        emulator = emulator.fault(connection, fault);
    }
    Bench::start(emulator).await
}

/// Closes, and checks that there is one end, the last event of all, and that it was ours.
async fn ends_well(client: Client, state: State, what: &str) {
    assert_eq!(*client.handle.state().borrow(), state, "{what}");
    let handle = client.handle.clone();
    let start = Instant::now();
    // From two sides at once, and once more when it is over.
    let (events, ()) = tokio::join!(client.close(), handle.close());
    handle.close().await;
    assert!(
        start.elapsed() < CLOSE + Duration::from_secs(5),
        "{what}: {:?}",
        start.elapsed()
    );
    let ends: Vec<_> = events
        .iter()
        .filter(|event| matches!(event, ConnectionEvent::Closed(_)))
        .collect();
    assert_eq!(ends.len(), 1, "{what}");
    let Some(ConnectionEvent::Closed(closed)) = events.last() else {
        panic!("{what}: {:?}", events.last())
    };
    assert_eq!(closed.by, CloseInitiator::Us, "{what}: {:?}", closed.error);
    let stats = handle.stats();
    assert_eq!(stats.pending, 0, "{what}: {stats:?}");
    assert_eq!(
        stats.accepted,
        stats.acknowledged + stats.rejected + stats.superseded + stats.discarded,
        "{what}: {stats:?}"
    );
    let refused = handle.send(text_item("too late")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed, "{what}");
}

/// Waits for the second connect.
async fn second_connect(bench: &Bench) {
    let waiting = async {
        while bench.journal().connects() < 2 {
            tokio::time::sleep(MS).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("a second connect");
}

#[tokio::test]
async fn f60_close_in_an_open_session() {
    let idle = bench([]).await;
    ends_well(idle.client(config()).await, State::Connected, "idle").await;

    let busy = bench([]).await;
    let mut config_of_busy = config();
    // On a busy machine 200 messages take longer than what the others are given.
    config_of_busy.timeouts.close = Duration::from_secs(5);
    let client = busy.client(config_of_busy).await;
    for n in 0..200 {
        client.handle.send(text_item(&format!("note_{n}"))).await.unwrap();
    }
    ends_well(client, State::Connected, "messages under way").await;
    assert_eq!(
        busy.last_session().item_ids().len(),
        200,
        "what was accepted was written"
    );

    let talking = bench([]).await;
    let client = talking.client(config()).await;
    client.manual_turns().await;
    client.append(ramp(0, 480_000)).await;
    client
        .handle
        .send(InputAudioBufferCommit::default())
        .await
        .unwrap();
    client.handle.send(ResponseCreate::default()).await.unwrap();
    client.server("response.output_audio.delta", 1).await;
    ends_well(client, State::Connected, "in mid-response").await;
}

#[tokio::test]
async fn f60_close_with_a_peer_that_does_not_answer() {
    for (what, action) in [
        ("nothing is sent", Action::StallWriting(Duration::MAX)),
        ("nothing is read", Action::StallReading(Duration::MAX)),
        ("neither", Action::Stall),
    ] {
        let stalled = bench([(1, Fault::at(Trigger::SentMessages(1), action))]).await;
        let client = stalled.client(config()).await;
        client.handle.send(text_item("unheard")).await.unwrap();
        ends_well(client, State::Connected, what).await;
    }
    let dead = bench([]).await;
    let client = dead.client(config()).await;
    for direction in [Direction::Up, Direction::Down] {
        dead.line.shape(direction, Shape::default().hole());
    }
    for n in 0..20 {
        client
            .handle
            .send(InputAudioBufferAppend::new(ramp(n, 24_000)))
            .await
            .unwrap();
    }
    ends_well(client, State::Connected, "a hole").await;
}

#[tokio::test]
async fn f60_close_while_reconnecting() {
    // While it waits, and at each step of the way back.
    let refusing = bench([]).await;
    let mut slow = config();
    slow.retry.base = Duration::from_secs(60);
    slow.retry.cap = Duration::from_secs(60);
    let client = refusing.client(slow).await;
    refusing.line.cut(Cut::Reset);
    client.retrying(1).await;
    client.handle.send(text_item("waiting")).await.unwrap();
    ends_well(client, State::Reconnecting, "waiting to try again").await;

    for (what, fault) in [
        ("no answer to the upgrade", Fault::NoAnswer),
        ("no session", Fault::no_session()),
        (
            "restoring",
            Fault::at(
                Trigger::sent("session.updated", 1),
                Action::StallWriting(Duration::MAX),
            ),
        ),
    ] {
        let bench = bench([(2, fault)]).await;
        let client = bench.client(config()).await;
        client.manual_turns().await;
        client.handle.send(text_item("one")).await.unwrap();
        client.settled().await;
        bench.line.cut(Cut::Fin);
        client.retrying(1).await;
        second_connect(&bench).await;
        tokio::time::sleep(50 * MS).await;
        let state = *client.handle.state().borrow();
        assert!(
            matches!(state, State::Reconnecting | State::Connected),
            "{what}: {state:?}"
        );
        ends_well(client, state, what).await;
    }
}

/// Opens streams to a server once; the second time nothing comes of it.
struct Once {
    address: SocketAddr,
    dials: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl Dialer for Once {
    async fn dial(&self, _: &Target) -> Result<Box<dyn Io>, DialError> {
        if self.dials.fetch_add(1, Ordering::SeqCst) > 0 {
            std::future::pending::<()>().await;
        }
        let stream = TcpStream::connect(self.address).await;
        Ok(Box::new(stream.map_err(|error| {
            DialError::new(DialStage::Tcp, "no stream").with_source(error)
        })?))
    }
}

/// Gives a token once.
struct OneToken(Arc<AtomicU64>);

#[async_trait::async_trait]
impl TokenProvider for OneToken {
    async fn token(&self, _: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
        if self.0.fetch_add(1, Ordering::SeqCst) > 0 {
            std::future::pending::<()>().await;
        }
        Ok(Token::new("local"))
    }
}

/// A proxy that makes one tunnel, and answers nobody after that.
async fn tunnel_once(to: SocketAddr, connects: Arc<AtomicU64>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            if connects.fetch_add(1, Ordering::SeqCst) > 0 {
                held.push(near);
                continue;
            }
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(near.read_buf(&mut head).await.unwrap() > 0);
            }
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut far = TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    (url, serving)
}

/// Loses the session, waits until the way back is stuck, and closes there.
async fn closes_on_the_way_back(bench: &Bench, builder: Builder, tries: &AtomicU64, what: &str) {
    let client = Client::of(builder.config(config()).connect().await.unwrap());
    client.handle.send(text_item("one")).await.unwrap();
    client.settled().await;
    let before = tries.load(Ordering::SeqCst);
    bench.line.cut(Cut::Fin);
    client.retrying(1).await;
    client.handle.send(text_item("waiting")).await.unwrap();
    let stuck = async {
        while tries.load(Ordering::SeqCst) == before {
            tokio::time::sleep(MS).await;
        }
    };
    let stuck = tokio::time::timeout(PATIENCE, stuck).await;
    assert!(stuck.is_ok(), "{what}: no way back");
    ends_well(client, State::Reconnecting, what).await;
}

#[tokio::test]
async fn f60_close_at_each_step_of_the_way_back() {
    let count = || Arc::new(AtomicU64::new(0));

    let (plain, tokens) = (bench([]).await, count());
    let credentials = Credentials::provider(OneToken(Arc::clone(&tokens)));
    let builder = Connection::builder(plain.endpoint(), credentials);
    closes_on_the_way_back(&plain, builder, &tokens, "no token").await;

    let (plain, dials) = (bench([]).await, count());
    let once = Once {
        address: plain.line.address(),
        dials: Arc::clone(&dials),
    };
    let builder = Connection::builder(plain.endpoint(), key()).dialer(once);
    closes_on_the_way_back(&plain, builder, &dials, "no address, or nobody at it").await;

    let (plain, connects) = (bench([]).await, count());
    let (proxy, serving) = tunnel_once(plain.line.address(), Arc::clone(&connects)).await;
    let builder = Connection::builder(plain.endpoint(), key())
        .proxy(&proxy)
        .unwrap();
    closes_on_the_way_back(&plain, builder, &connects, "no answer of the proxy").await;
    serving.abort();

    let encrypted = Bench::start(Emulator::builder().pacing(Pacing::instant()).tls()).await;
    let root = encrypted.emulator.certificate_pem().unwrap().to_owned();
    let builder = Connection::builder(encrypted.endpoint(), key());
    let builder = builder.root_certificates(root.as_bytes()).unwrap();
    let client = Client::of(builder.config(config()).connect().await.unwrap());
    encrypted.line.shape(Direction::Down, Shape::default().hole());
    let before = encrypted.line.traffic().connections;
    encrypted.line.cut(Cut::Reset);
    client.retrying(1).await;
    let stuck = async {
        while encrypted.line.traffic().connections == before {
            tokio::time::sleep(MS).await;
        }
    };
    tokio::time::timeout(PATIENCE, stuck).await.expect("a way back");
    ends_well(client, State::Reconnecting, "no answer to TLS").await;
}

#[tokio::test]
async fn f60_close_before_the_first_session() {
    // There is no handle yet: giving up the future is closing.
    for (what, fault) in [("upgrade", Fault::NoAnswer), ("session", Fault::no_session())] {
        let bench = bench([(1, fault)]).await;
        let metrics = tokio::runtime::Handle::current().metrics();
        let before = metrics.num_alive_tasks();
        let connecting = Connection::builder(bench.endpoint(), key()).config(config());
        let connecting = tokio::spawn(connecting.connect());
        let arrived = async {
            while bench.journal().connects() == 0 {
                tokio::time::sleep(MS).await;
            }
        };
        tokio::time::timeout(PATIENCE, arrived).await.expect(what);
        connecting.abort();
        // The server's own tasks end when the line does.
        tasks_are_gone(before).await;
    }
}

#[tokio::test]
async fn f60_close_during_a_rollover() {
    for fault in [Fault::NoAnswer, Fault::no_session(), Fault::status(503)] {
        let bench = bench([(2, fault)]).await;
        let client = bench.client(config()).await;
        client.handle.restart().unwrap();
        second_connect(&bench).await;
        ends_well(client, State::Connected, "rollover").await;
    }
}

#[tokio::test]
async fn f60_close_after_the_end() {
    let bench = bench([(
        1,
        Fault::at(Trigger::ReceivedMessages(1), Action::close(1008, "no")),
    )])
    .await;
    let client = bench.client(config()).await;
    client.handle.send(text_item("one")).await.unwrap();
    client
        .until("the end", |events| {
            events
                .iter()
                .find(|event| matches!(event, ConnectionEvent::Closed(_)))
                .map(drop)
        })
        .await;
    let handle = client.handle.clone();
    let events = client.close().await;
    handle.close().await;
    let ends = events
        .iter()
        .filter(|event| matches!(event, ConnectionEvent::Closed(_)));
    assert_eq!(ends.count(), 1);
}

/// The tasks of this runtime, once they are as few as `wanted`.
async fn tasks_are_gone(wanted: usize) {
    let metrics = tokio::runtime::Handle::current().metrics();
    let waiting = async {
        while metrics.num_alive_tasks() > wanted {
            tokio::time::sleep(5 * MS).await;
        }
    };
    let waited = tokio::time::timeout(crate::support::PATIENCE, waiting).await;
    assert!(
        waited.is_ok(),
        "{} tasks instead of {wanted}",
        metrics.num_alive_tasks()
    );
}

/// Polls a future so often and drops it; what it gave, if it did.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn f61_everything_is_dropped_at_every_await() {
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant())).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let connect = || {
        Connection::builder(bench.endpoint(), key())
            .config(brisk())
            .connect()
    };
    // The connect, after each number of polls up to the one that completes it.
    let mut polls = 0;
    loop {
        polls += 1;
        assert!(polls < 1000);
        if polled(connect(), polls).await.is_some() {
            break;
        }
    }
    tasks_are_gone(before).await;
    // recv, send, close; then the connection, with the handle still there.
    for times in 0..6 {
        let mut connection = connect().await.unwrap();
        let handle = connection.handle().clone();
        let _ = polled(connection.recv(), times).await;
        let _ = polled(handle.send(text_item("one")), times).await;
        let _ = polled(handle.send(InputAudioBufferAppend::new(ramp(0, 4800))), times).await;
        let _ = polled(handle.close(), times).await;
        drop(connection);
        handle.close().await;
        assert!(handle.state().borrow().is_closed());
        assert_eq!(handle.stats().pending, 0);
    }
    tasks_are_gone(before).await;
    // Cut off and dropped while it comes back.
    for wait in [0, 1, 3, 7, 15] {
        let connection = connect().await.unwrap();
        bench.line.cut(Cut::Reset);
        tokio::time::sleep(wait * MS).await;
        drop(connection);
    }
    tasks_are_gone(before).await;
}
