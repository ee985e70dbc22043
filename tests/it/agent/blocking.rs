//! Callbacks that block: the connection lives, on every flavor of the runtime, and ending a session does not depend on them.
//!
//! A callback here blocks until its test lets it go. If it waits for as long as a test may take, nobody could: it held up the
//! runtime itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc as std_mpsc};
use std::time::Duration;

use rt_client::{EventHandler, Line, Session, Speaker, Turn, async_trait};
use rt_emulator::journal::What;
use rt_emulator::{Emulator, Pacing, Script};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;

use super::{builder, soon, start};
use crate::support::{PATIENCE, Server};

/// The end of a callback's wait.
pub(crate) struct Gate(std_mpsc::Sender<()>, Arc<AtomicBool>);

/// What a callback waits with.
pub(crate) struct Held(std_mpsc::Receiver<()>, Arc<AtomicBool>);

pub(crate) fn gate() -> (Gate, Held) {
    let (sender, receiver) = std_mpsc::channel();
    let gave_up = Arc::new(AtomicBool::new(false));
    (Gate(sender, gave_up.clone()), Held(receiver, gave_up))
}

impl Held {
    /// Blocks the thread until the gate opens.
    pub(crate) fn wait(&self) {
        if self.0.recv_timeout(PATIENCE) == Err(std_mpsc::RecvTimeoutError::Timeout) {
            self.1.store(true, Ordering::SeqCst);
        }
    }
}

impl Gate {
    pub(crate) fn open(self) {
        let Self(sender, gave_up) = self;
        drop(sender);
        assert!(
            !gave_up.load(Ordering::SeqCst),
            "nothing went on while it blocked"
        );
    }
}

/// Waits until the server has been answered this many pings more.
pub(crate) async fn pongs(server: &Server, more: usize) {
    let count = || {
        let entries = server.emulator.journal().entries();
        entries
            .iter()
            .filter(|entry| entry.what == What::Heartbeat)
            .count()
    };
    let before = count();
    soon(async {
        while count() < before + more {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

struct Sleeper(Held);

#[async_trait]
impl EventHandler for Sleeper {
    async fn on_turn(&mut self, _: &Session, turn: Turn) {
        if matches!(turn, Turn::ReplyStarted { .. }) {
            self.0.wait();
        }
    }
}

/// A reply begins, its first event blocks a closure or a handler, and the rest of it comes meanwhile.
async fn pings_while_it_blocks(handler: bool) {
    let emulator = Emulator::builder().ping_every(Duration::from_millis(20));
    let server = Server::start(emulator.pacing(Pacing::instant())).await;
    let (gate, held) = gate();
    let blocking = builder(&server);
    let blocking = if handler {
        blocking.handler(Sleeper(held))
    } else {
        blocking.on_turn(move |turn| {
            if matches!(turn, Turn::ReplyStarted { .. }) {
                held.wait();
            }
        })
    };
    let session = blocking.text_only().connect().await.unwrap();
    let waiting = session.send_text("word ".repeat(20)).await.unwrap();
    let reply = soon(waiting.reply()).await.unwrap();
    assert_eq!(reply.text, "word ".repeat(20));
    pongs(&server, 20).await;
    gate.open();
    session.close().await;
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn pings_are_answered_while_a_callback_blocks() {
    pings_while_it_blocks(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pings_are_answered_while_a_callback_blocks_beside_one_worker() {
    pings_while_it_blocks(false).await;
}

#[tokio::test]
async fn pings_are_answered_while_a_handler_blocks() {
    pings_while_it_blocks(true).await;
}

#[tokio::test]
async fn a_closure_may_wait_for_methods_of_the_session() {
    let server = start(Script::parrot()).await;
    let session = Arc::new(OnceLock::<Session>::new());
    let (inside, (sender, mut lines)) = (session.clone(), mpsc::channel(1));
    let connected = builder(&server)
        .text_only()
        .on_line(move |line| {
            if line.text == "one" && line.speaker == Speaker::Assistant {
                let session = inside.get().unwrap();
                Handle::current().block_on(session.send_text("two")).unwrap();
            }
            // So is waiting for room in a channel.
            sender.blocking_send(line.text.to_string()).unwrap();
        })
        .connect()
        .await
        .unwrap();
    session.set(connected).unwrap();
    let session = session.get().unwrap();
    session.send_text("one").await.unwrap();
    for expected in ["one", "one", "two", "two"] {
        assert_eq!(soon(lines.recv()).await.unwrap(), expected);
    }
    session.close().await;
}

struct Closer(mpsc::UnboundedSender<()>);

#[async_trait]
impl EventHandler for Closer {
    async fn on_line(&mut self, session: &Session, _: Line) {
        // Timers of the runtime work in here.
        tokio::time::sleep(Duration::from_millis(1)).await;
        session.close().await;
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_handler_may_close_its_session() {
    let server = start(Script::parrot()).await;
    let (sender, mut closed) = mpsc::unbounded_channel();
    let session = builder(&server)
        .text_only()
        .handler(Closer(sender))
        .connect()
        .await
        .unwrap();
    session.send_text("Bye").await.unwrap();
    soon(closed.recv()).await.unwrap();
    assert!(session.state().borrow().is_closed());
    soon(session.close()).await;
}

/// Blocks in its first event.
async fn stuck(server: &Server, held: Held) -> Session {
    let (sender, mut blocked) = mpsc::unbounded_channel();
    let session = builder(server)
        .on_event(move |_| {
            let _ = sender.send(());
            held.wait();
        })
        .connect()
        .await
        .unwrap();
    soon(blocked.recv()).await.unwrap();
    session
}

#[tokio::test]
async fn a_callback_that_never_returns_does_not_hold_up_close() {
    let server = start(Script::parrot()).await;
    let (gate, held) = gate();
    let session = stuck(&server, held).await;
    soon(session.close()).await;
    gate.open();
    // Everything that was left is delivered now.
    soon(session.close()).await;
}

#[test]
fn a_callback_that_never_returns_does_not_hold_up_the_runtime() {
    let (runtime, (gate, held)) = (Runtime::new().unwrap(), gate());
    let session = runtime.block_on(async {
        let server = start(Script::parrot()).await;
        stuck(&server, held).await
    });
    drop(session);
    drop(runtime);
    gate.open();
}
