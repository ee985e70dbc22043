//! The writer of one connection.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;
use crate::machine::Transmit;
use crate::transport::{Writer, flush, write_frame};

/// Writes what the machine gives, and flushes when it has no more. Every wake ends with a flush, so a pong that the
/// reader left in the socket goes out too.
///
/// `stall` bounds the last flush after a write that failed.
pub(super) async fn run(shared: Arc<Shared>, epoch: u64, mut writer: Writer, stall: Duration) {
    let mut flushed = true;
    loop {
        // Registered before the machine is asked, so that no wake in between is missed.
        let woken = shared.wake_writer.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let transmit = shared.with(|machine, at| machine.poll_transmit(at, epoch, flushed));
        let result = match transmit {
            Transmit::Frame(frame) => {
                flushed = false;
                write_frame(&mut writer, frame).await
            }
            Transmit::Idle if flushed => {
                woken.await;
                flushed = false;
                Ok(())
            }
            Transmit::Idle => {
                flushed = true;
                flush(&mut writer).await
            }
            Transmit::Stop => {
                // It is over; the reader finds out how.
                let _ = flush(&mut writer).await;
                return;
            }
        };
        if let Err(failure) = result {
            shared.with(|machine, at| machine.handle_write_failed(at, epoch, failure));
            // The peer may have closed meanwhile, which ends writing too: it is still answered.
            let _ = tokio::time::timeout(stall, flush(&mut writer)).await;
            return;
        }
    }
}
