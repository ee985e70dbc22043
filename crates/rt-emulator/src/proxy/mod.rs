//! [`FaultProxy`]: a bad line between any client and any server.

mod relay;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use url::Url;

use crate::error::{Error, ErrorKind};
use crate::wire::{Cut, Shape};

/// A bad line between any client and any server: it passes TCP connections on, and lets go wrong with them what it is
/// told to, while they are open. It knows nothing of what passes, so it serves TLS as well. It stops when it is dropped.
///
/// ```
/// use std::time::Duration;
/// use rt_emulator::{Emulator, proxy::{Direction, FaultProxy}, wire::{Cut, Shape}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rt_emulator::Error> {
/// let emulator = Emulator::start().await?;
/// let proxy = FaultProxy::start(emulator.address()).await?;
/// println!("clients connect to {}", proxy.url(&emulator.url()));
///
/// // What the client hears is late from now on, and jitters …
/// proxy.shape(Direction::Down, Shape::default().delay(Duration::from_millis(50)).jitter(Duration::from_millis(100)));
/// // … what it says disappears, without an error …
/// proxy.shape(Direction::Up, Shape::default().hole());
/// // … and then it is cut off, in the middle of a frame if need be.
/// proxy.cut(Cut::Reset);
/// proxy.heal();
/// assert_eq!(proxy.traffic().connections, 0);
/// # Ok(())
/// # }
/// ```
pub struct FaultProxy {
    /// Where it listens.
    address: SocketAddr,
    /// What it shares with its connections.
    shared: Arc<Shared>,
    /// Accepts connections.
    task: JoinHandle<()>,
}

/// How a [`FaultProxy`] is started.
#[derive(Debug, Clone)]
#[must_use]
pub struct ProxyBuilder {
    /// Where to listen.
    listen: SocketAddr,
    /// The server.
    target: SocketAddr,
    /// The source of jitter.
    seed: u64,
    /// From the client to the server.
    up: Shape,
    /// From the server to the client.
    down: Shape,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What passed through a [`FaultProxy`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Connections that were accepted, refused ones among them.
    pub connections: u64,
    /// Connections that are open.
    pub open: u64,
    /// Bytes that reached the server.
    pub up: u64,
    /// Bytes that reached the client.
    pub down: u64,
}

/// What all connections share.
struct Shared {
    /// From the client to the server.
    up: watch::Sender<Lane>,
    /// From the server to the client.
    down: watch::Sender<Lane>,
    /// Cuts what is open: how many times it did, and how the last time.
    cuts: watch::Sender<(u64, Cut)>,
    /// The server.
    target: Mutex<SocketAddr>,
    /// Whether connections are refused.
    refusing: AtomicBool,
    /// Connections that were accepted.
    connections: AtomicU64,
    /// Connections that are open.
    open: AtomicU64,
    /// Bytes that reached the server.
    up_bytes: AtomicU64,
    /// Bytes that reached the client.
    down_bytes: AtomicU64,
    /// The source of jitter.
    seed: u64,
}

/// One direction of all connections.
#[derive(Debug, Clone)]
struct Lane {
    /// How bytes travel.
    shape: Shape,
    /// Nothing arrives before this.
    stalled_until: Instant,
    /// How often it was told to cut.
    cuts: u64,
    /// After how many bytes from then on, and how.
    cut: (u64, Cut),
}

impl Lane {
    /// A lane on which bytes travel so.
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            stalled_until: Instant::now(),
            cuts: 0,
            cut: (0, Cut::Fin),
        }
    }
}

impl FaultProxy {
    /// Starts a proxy to `target` on a free port of 127.0.0.1. At first nothing goes wrong.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if 127.0.0.1 has no free port.
    pub async fn start(target: SocketAddr) -> Result<Self, Error> {
        Self::builder(target).start().await
    }

    /// A proxy to `target`.
    pub fn builder(target: SocketAddr) -> ProxyBuilder {
        ProxyBuilder {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            target,
            seed: 0,
            up: Shape::default(),
            down: Shape::default(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of the server, with the proxy's address in place of the server's. What is no URL with a host stays as it
    /// is.
    #[must_use]
    pub fn url(&self, server: &str) -> String {
        let Ok(mut url) = Url::parse(server) else {
            return server.to_owned();
        };
        // What has no host has no port either.
        let moved =
            url.set_ip_host(self.address.ip()).is_ok() && url.set_port(Some(self.address.port())).is_ok();
        if moved { url.into() } else { server.to_owned() }
    }

    /// How bytes of one direction travel from now on, on open connections and on those to come.
    pub fn shape(&self, direction: Direction, shape: Shape) {
        self.lane(direction).send_modify(|lane| lane.shape = shape);
    }

    /// Nothing goes wrong any more: no shapes, no stalls, no refusals, no cuts to come. What a hole held back arrives.
    pub fn heal(&self) {
        self.refuse(false);
        for direction in [Direction::Up, Direction::Down] {
            self.lane(direction).send_modify(|lane| {
                lane.shape = Shape::default();
                lane.stalled_until = Instant::now();
                lane.cuts += 1;
                lane.cut = (u64::MAX, Cut::Fin);
            });
        }
    }

    /// Nothing arrives in one direction for so long; then it goes on. What is sent meanwhile fills the buffers.
    pub fn stall(&self, direction: Direction, time: Duration) {
        let now = Instant::now();
        let until = now.checked_add(time).unwrap_or(now + relay::FOREVER);
        self.lane(direction)
            .send_modify(|lane| lane.stalled_until = until);
    }

    /// Cuts all open connections now, on both sides. How many were open is returned.
    pub fn cut(&self, how: Cut) -> u64 {
        let open = self.shared.open.load(Ordering::SeqCst);
        self.shared.cuts.send_modify(|(count, last)| {
            *count += 1;
            *last = how;
        });
        open
    }

    /// Cuts each connection that is open now, after it passed so many more bytes in one direction.
    pub fn cut_after(&self, direction: Direction, bytes: u64, how: Cut) {
        self.lane(direction).send_modify(|lane| {
            lane.cuts += 1;
            lane.cut = (bytes, how);
        });
    }

    /// Whether connections to come are reset.
    pub fn refuse(&self, refuse: bool) {
        self.shared.refusing.store(refuse, Ordering::SeqCst);
    }

    /// Connections to come go to another server.
    pub fn retarget(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// What passed so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared.traffic()
    }

    /// One direction of all connections.
    fn lane(&self, direction: Direction) -> &watch::Sender<Lane> {
        match direction {
            Direction::Up => &self.shared.up,
            Direction::Down => &self.shared.down,
        }
    }
}

impl Shared {
    /// What passed so far.
    fn traffic(&self) -> Traffic {
        Traffic {
            connections: self.connections.load(Ordering::SeqCst),
            open: self.open.load(Ordering::SeqCst),
            up: self.up_bytes.load(Ordering::SeqCst),
            down: self.down_bytes.load(Ordering::SeqCst),
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("address", &self.address)
            .field("traffic", &self.traffic())
            .finish_non_exhaustive()
    }
}

impl ProxyBuilder {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Where the jitter comes from: the same seed gives the same. Each connection adds its number. Default 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How bytes of one direction travel from the start.
    pub fn shape(mut self, direction: Direction, shape: Shape) -> Self {
        match direction {
            Direction::Up => self.up = shape,
            Direction::Down => self.down = shape,
        }
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if the address cannot be listened on.
    pub async fn start(self) -> Result<FaultProxy, Error> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Listen, format!("cannot listen on {}", self.listen)).because(error)
        };
        let listener = TcpListener::bind(self.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            up: watch::Sender::new(Lane::new(self.up)),
            down: watch::Sender::new(Lane::new(self.down)),
            cuts: watch::Sender::new((0, Cut::Fin)),
            target: Mutex::new(self.target),
            refusing: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            up_bytes: AtomicU64::new(0),
            down_bytes: AtomicU64::new(0),
            seed: self.seed,
        });
        let task = tokio::spawn(relay::accept(listener, Arc::clone(&shared)));
        Ok(FaultProxy {
            address,
            shared,
            task,
        })
    }
}
