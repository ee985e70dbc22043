//! The writer of one connection.

use std::sync::Arc;
use std::time::Duration;

use super::sending::Then;
use super::shared::Shared;
use crate::classify::Failure;
use crate::frame::Frame;
use crate::transport::{Writer, flush, write_frame};

/// For how many frames there is room at rest.
const REST: usize = 4;

/// Writes what the machine gives, and flushes when it has no more. Every wake ends with a flush, so a pong that the
/// reader left in the socket goes out too. No spare memory is left behind.
///
/// `stall` bounds the last flush after a write that failed.
pub(super) async fn run(shared: Arc<Shared>, epoch: u64, mut writer: Writer, stall: Duration) {
    write_all(&shared, epoch, &mut writer, stall).await;
    shared.spares.clear();
}

async fn write_all(shared: &Shared, epoch: u64, writer: &mut Writer, stall: Duration) {
    let mut flushed = true;
    let mut frames = Vec::new();
    // Since the writer last waited.
    let mut written = 0;
    loop {
        let mut then = shared.transmit(epoch, flushed, &mut frames);
        if flushed && frames.is_empty() && then == Then::Idle {
            // Registered before the machine is asked once more, so that no wake in between is missed.
            let woken = shared.wake_writer.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            then = shared.wait_to_transmit(epoch, &mut frames);
            if frames.is_empty() && then == Then::Idle {
                // What the reader left since the last flush came before there was anybody to wake.
                if !writer.owes() {
                    frames.shrink_to(REST);
                    if written <= REST {
                        shared.spares.clear();
                    }
                    written = 0;
                    woken.await;
                }
                flushed = false;
                continue;
            }
        }
        let result = match then {
            Then::Stop if frames.is_empty() => Ok(()),
            Then::Idle if frames.is_empty() => {
                flushed = true;
                flush(writer).await
            }
            Then::Ask | Then::Idle | Then::Stop => {
                flushed = false;
                written += frames.len();
                write(shared, writer, &mut frames).await
            }
        };
        if let Err(failure) = result {
            shared.with(|machine, at| machine.handle_write_failed(at, epoch, failure));
            // The peer may have closed meanwhile, which ends writing too: it is still answered.
            let _ = tokio::time::timeout(stall, flush(writer)).await;
            return;
        }
        if then == Then::Stop {
            // It is over; the reader finds out how.
            let _ = flush(writer).await;
            return;
        }
    }
}

async fn write(shared: &Shared, writer: &mut Writer, frames: &mut Vec<Frame>) -> Result<(), Failure> {
    let mut spares = Vec::new();
    let is_burst = frames.len() > REST;
    for frame in frames.drain(..) {
        let memory = write_frame(writer, frame).await?;
        if is_burst {
            spares.push(memory);
        }
    }
    if is_burst {
        shared.spares.give(&mut spares);
    }
    Ok(())
}
