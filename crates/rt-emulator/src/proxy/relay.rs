//! Connections of the proxy, each with two pumps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::debug;

use super::{Lane, Shared};
use crate::wire::{Cut, Next, Shaper};

/// A stall that does not end.
pub(super) const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long both sides may take to go after a cut.
const LINGER: Duration = Duration::from_secs(2);
/// The most bytes in one read.
const READ: usize = 16 << 10;

/// Accepts connections until it is dropped.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut relays = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Collects those that are done.
            Some(_) = relays.join_next() => continue,
        };
        let Ok((client, _)) = accepted else {
            // Out of file handles, mostly: some will come back.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        if shared.refusing.load(Ordering::SeqCst) {
            let _ = client.set_zero_linger();
            continue;
        }
        shared.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&shared));
        let told = Told::of(&shared);
        relays.spawn(async move {
            relay(client, &open.0, number, told).await;
        });
    }
}

/// Counts an open connection.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a connection is told from the moment it is accepted, whether or not its pumps have begun.
struct Told {
    /// From the client to the server, and the cuts on that lane that were meant for others.
    up: (watch::Receiver<Lane>, u64),
    /// From the server to the client, in the same way.
    down: (watch::Receiver<Lane>, u64),
    /// Cuts at once.
    cuts: watch::Receiver<(u64, Cut)>,
}

impl Told {
    /// What is told from now on.
    fn of(shared: &Shared) -> Self {
        let lane = |lane: &watch::Sender<Lane>| {
            let lane = lane.subscribe();
            let seen = lane.borrow().cuts;
            (lane, seen)
        };
        Self {
            up: lane(&shared.up),
            down: lane(&shared.down),
            cuts: shared.cuts.subscribe(),
        }
    }
}

/// One connection.
async fn relay(client: TcpStream, shared: &Shared, number: u64, told: Told) {
    let Told {
        up: (up, up_seen),
        down: (down, down_seen),
        mut cuts,
    } = told;
    let _ = client.set_nodelay(true);
    let target = *shared.target.lock().unwrap_or_else(PoisonError::into_inner);
    let server = match TcpStream::connect(target).await {
        Ok(server) => server,
        Err(error) => {
            debug!(connection = number, %error, "the server can't be reached");
            let _ = client.set_zero_linger();
            return;
        }
    };
    let _ = server.set_nodelay(true);
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let seed = shared.seed.wrapping_add(number << 1);
    let cut = {
        let up_pump = Pump {
            lane: up.clone(),
            back: down.clone(),
            seen: up_seen,
            passed: &shared.up_bytes,
            seed,
        };
        let down_pump = Pump {
            lane: down,
            back: up,
            seen: down_seen,
            passed: &shared.down_bytes,
            seed: seed | 1,
        };
        let pumps = async {
            tokio::try_join!(
                up_pump.run(&mut from_client, &mut to_server),
                down_pump.run(&mut from_server, &mut to_client),
            )
        };
        tokio::select! {
            ended = pumps => ended.err(),
            Ok(()) = cuts.changed() => Some(cuts.borrow().1),
        }
    };
    match cut {
        None => {}
        Some(Cut::Reset) => {
            for half in [to_client, to_server] {
                let _ = half.as_ref().set_zero_linger();
                // Dropped, it would end its stream in good order before the reset.
                half.forget();
            }
        }
        Some(Cut::Fin) => {
            let _ = to_client.shutdown().await;
            let _ = to_server.shutdown().await;
            // To close with bytes unread would be a reset.
            let _ = tokio::join!(drain(from_client), drain(from_server));
        }
    }
}

/// Reads to the end, for a while.
async fn drain(mut from: OwnedReadHalf) {
    let mut rest = [0; 4096];
    let reading = async { while from.read(&mut rest).await.is_ok_and(|length| length > 0) {} };
    let _ = timeout(LINGER, reading).await;
}

/// Passes bytes on in one direction.
struct Pump<'a> {
    /// What is told about this direction.
    lane: watch::Receiver<Lane>,
    /// What is told about the other one.
    back: watch::Receiver<Lane>,
    /// Cuts of the lane that came before the connection.
    seen: u64,
    /// Counts the bytes.
    passed: &'a AtomicU64,
    /// The source of jitter.
    seed: u64,
}

impl Pump<'_> {
    /// Passes bytes on until the end of the stream, which is passed on as well; `Err` if the connection is to be cut.
    async fn run(mut self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> Result<(), Cut> {
        let since = Instant::now();
        let first = self.lane.borrow_and_update().clone();
        let mut shaper = Shaper::new(first.shape, self.seed);
        shaper.stall_until(first.stalled_until.saturating_duration_since(since));
        let mut cuts = first.cuts;
        if cuts > self.seen {
            shaper.cut_after(first.cut.0, first.cut.1);
        }
        let mut ended = false;
        let mut buffer = vec![0; READ];
        loop {
            let now = since.elapsed();
            let next = shaper.next(now);
            let wake = match next {
                Next::Cut(how) => return Err(how),
                Next::At(at) => at.min(FOREVER),
                Next::Idle if ended && shaper.is_open(now) => {
                    let _ = to.shutdown().await;
                    return Ok(());
                }
                _ => FOREVER,
            };
            tokio::select! {
                Ok(()) = self.lane.changed() => {
                    let told = self.lane.borrow_and_update().clone();
                    shaper.set_shape(told.shape, since.elapsed());
                    shaper.stall_until(told.stalled_until.saturating_duration_since(since));
                    if told.cuts > cuts {
                        cuts = told.cuts;
                        shaper.cut_after(told.cut.0, told.cut.1);
                    }
                }
                read = from.read(&mut buffer), if !ended && !shaper.is_full() && !shaper.is_hole() => match read {
                    Ok(0) => ended = true,
                    Ok(length) => shaper.push(since.elapsed(), Bytes::copy_from_slice(&buffer[..length])),
                    Err(_) => {
                        through(&mut self.lane).await;
                        return Err(Cut::Reset);
                    }
                },
                written = to.write(shaper.chunk()), if next == Next::Write => match written {
                    Ok(length) if length > 0 => {
                        shaper.wrote(since.elapsed(), length);
                        self.passed.fetch_add(length as u64, Ordering::SeqCst);
                    }
                    _ => {
                        // The other side learns of it by the way back.
                        through(&mut self.back).await;
                        return Err(Cut::Reset);
                    }
                },
                () = sleep_until(since + wake) => {}
            }
        }
    }
}

/// Returns when bytes can pass a lane: nothing comes out of a hole, not even the news of an end.
async fn through(lane: &mut watch::Receiver<Lane>) {
    let _ = lane.wait_for(|lane| !lane.shape.hole).await;
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::proxy::{Direction, FaultProxy};

    async fn listener() -> TcpListener {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
    }

    #[tokio::test]
    async fn a_cut_that_is_told_before_the_pumps_begin_is_meant_too() {
        let (near, far) = (listener().await, listener().await);
        let proxy = FaultProxy::start(far.local_addr().unwrap()).await.unwrap();
        // One that was told before the connection came is not.
        proxy.cut_after(Direction::Up, 1, Cut::Fin);
        let mut client = TcpStream::connect(near.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = near.accept().await.unwrap();
        let told = Told::of(&proxy.shared);
        proxy.cut_after(Direction::Down, 3, Cut::Fin);
        let relaying = Box::pin(relay(accepted, &proxy.shared, 1, told));
        let talking = async {
            let (mut server, _) = far.accept().await.unwrap();
            client.write_all(b"hello").await.unwrap();
            let mut heard = [0; 5];
            server.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"hello");
            server.write_all(b"abcdef").await.unwrap();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"abc");
        };
        let both = async { tokio::join!(relaying, talking) };
        timeout(Duration::from_secs(20), Box::pin(both)).await.unwrap();
    }
}
