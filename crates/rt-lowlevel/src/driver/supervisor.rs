//! The supervisor: dials, sleeps, and ends connections, as the machine says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, JoinSet};
use tracing::Instrument;

use super::attempt::{Connected, Context, attempt};
use super::shared::Shared;
use super::{reader, writer};
use crate::classify::Failure;
use crate::error::Error;
use crate::machine::Action;
use crate::state::State;
use crate::transport::Meter;

/// An attempt, in a task of its own: it runs the code of the user's token provider and dialer, and what that does must
/// not keep deadlines and `close` from being acted upon. Dropping it aborts it.
struct Dial(JoinHandle<Result<Connected, Failure>>);

impl Dial {
    fn spawn(context: Arc<Context>, number: u32, refresh_token: bool) -> Self {
        let span = tracing::debug_span!("rt.attempt", attempt = number);
        let task = async move {
            // Once around the scheduler, which lets another thread take over the timers in case this one gets stuck.
            tokio::task::yield_now().await;
            attempt(context, refresh_token).await
        };
        Self(tokio::spawn(task.instrument(span)))
    }

    async fn result(&mut self) -> Result<Connected, Failure> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(Failure::Config(Error::config(
                "the token provider or dialer panicked",
            ))),
            // The runtime shuts down, and this task goes with it.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The two tasks of a connection. Dropping it ends both at once.
struct Link {
    epoch: u64,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
    meter: Meter,
}

impl Link {
    fn spawn(shared: &Arc<Shared>, epoch: u64, connected: Connected, stall: Duration) -> Self {
        let span = tracing::Span::current();
        let reader = reader::run(Arc::clone(shared), epoch, connected.reader).instrument(span.clone());
        let writer = writer::run(Arc::clone(shared), epoch, connected.writer, stall).instrument(span);
        Self {
            epoch,
            reader: tokio::spawn(reader),
            writer: tokio::spawn(writer),
            meter: connected.meter,
        }
    }

    /// Until both have ended by themselves.
    async fn finished(mut self) {
        let _ = (&mut self.writer).await;
        let _ = (&mut self.reader).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

/// Ends the connection if the supervisor is dropped before it is over, so that nobody waits for it for ever.
struct Guard(Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.with(|machine, _| machine.handle_abandoned());
    }
}

/// Runs a connection until it has ended for good.
pub(crate) async fn run(shared: Arc<Shared>, context: Arc<Context>) {
    let _guard = Guard(Arc::clone(&shared));
    // The current connection, and the one that is to take over from it.
    let mut links: Vec<Link> = Vec::new();
    let mut lingering = JoinSet::new();
    let mut dial: Option<Dial> = None;
    let linger_limit = context.config.timeouts.close;
    let write_stall = context.config.liveness.write_stall;

    loop {
        // Looked at first: what is to be done about the end is then among the actions below.
        let is_over = *shared.state().borrow() == State::Closed;
        while let Some(action) = shared.next_action() {
            match action {
                Action::Dial {
                    attempt: number,
                    refresh_token,
                } => {
                    dial = Some(Dial::spawn(Arc::clone(&context), number, refresh_token));
                }
                Action::AbortDial => dial = None,
                Action::Hangup { epoch, linger } => {
                    let place = links.iter().position(|link| link.epoch == epoch);
                    let link = place.map(|place| links.swap_remove(place));
                    if let Some(link) = link.filter(|_| linger) {
                        lingering.spawn(async move {
                            let _ = tokio::time::timeout(linger_limit, link.finished()).await;
                        });
                    }
                }
            }
        }
        if is_over {
            break;
        }
        let deadline = shared.arm();
        tokio::select! {
            () = shared.wake_supervisor.notified() => {}
            () = sleep_until(deadline) => {
                let traffic = |epoch| {
                    let link = links.iter().find(|link| link.epoch == epoch);
                    link.map(|link| link.meter.traffic())
                };
                shared.with(|machine, at| machine.handle_timeout(at, &traffic));
            }
            result = progress(&mut dial) => {
                dial = None;
                match result {
                    Ok(connected) => {
                        let handshake = connected.handshake.clone();
                        if let Some(epoch) = shared.with(|machine, at| machine.handle_connected(at, handshake)) {
                            links.push(Link::spawn(&shared, epoch, connected, write_stall));
                        }
                    }
                    Err(failure) => shared.with(|machine, at| machine.handle_dial_failed(at, &failure)),
                }
            }
            Some(_) = lingering.join_next() => {}
        }
    }
    drop(dial);
    drop(links);
    while lingering.join_next().await.is_some() {}
}

/// The result of the dial, if there is one under way.
async fn progress(dial: &mut Option<Dial>) -> Result<Connected, Failure> {
    match dial {
        Some(dial) => dial.result().await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
