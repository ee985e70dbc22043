//! What goes wrong on a connection, and how.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tracing::debug;

use super::connection::{Connection, Flow};
use crate::brain::Brain;
use crate::faults::{Action, claim, fragment};
use crate::journal::{Message, What};
use crate::wire::Cut;

/// How long a client that was cut off may take to go.
const LINGER: Duration = Duration::from_secs(2);
/// Pings are written in pieces of so many.
const PINGS_AT_ONCE: u64 = 1000;
/// Fragments are written in blocks of so many bytes, if one is not longer.
const FRAGMENTS_AT_ONCE: usize = 16 << 10;

impl Connection<'_> {
    /// Lets something go wrong.
    pub(super) async fn act(&mut self, actions: Vec<Action>, brain: &mut Brain) -> Flow {
        for action in actions {
            debug!(connection = self.number, "a fault was asked for");
            self.act_one(action, brain).await?;
        }
        Flow::Continue(())
    }

    /// Lets one thing go wrong.
    async fn act_one(&mut self, action: Action, brain: &mut Brain) -> Flow {
        match action {
            Action::Reset => {
                let _ = self.socket.get_ref().stream().tcp().set_zero_linger();
                return Flow::Break(());
            }
            Action::HangUp => {
                let _ = self.socket.get_mut().shutdown().await;
                self.linger().await;
                return Flow::Break(());
            }
            Action::Close { code, reason } => return self.close(code, reason).await,
            Action::CloseWithoutCode => return self.close_without_code().await,
            Action::Text(text) => {
                self.send_now(Message::new(&text), Frame::Text(text.into()))
                    .await?
            }
            Action::Binary(bytes) => {
                self.send_now(Message::binary(bytes.len()), Frame::Binary(bytes.into()))
                    .await?;
            }
            Action::Raw(bytes) => self.write(&bytes).await?,
            Action::Frame(frame) => self.write(&frame.bytes()).await?,
            Action::Claim(length) => self.write(&claim(length)).await?,
            Action::Fragments { count, size } => {
                let mut block = Vec::new();
                for index in 0..count {
                    block.extend(fragment(index, count, size));
                    if block.len() >= FRAGMENTS_AT_ONCE || index + 1 == count {
                        self.write(&block).await?;
                        block.clear();
                    }
                }
            }
            Action::Pings(count) => {
                let mut left = count;
                while left > 0 {
                    let now = left.min(PINGS_AT_ONCE);
                    let pings: Vec<u8> = (0..now).flat_map(|_| [0x89, 0]).collect();
                    self.write(&pings).await?;
                    left -= now;
                }
            }
            Action::Expire => {
                let outputs = brain.expire(self.since.elapsed());
                return Box::pin(self.send_all(outputs, brain)).await;
            }
            Action::Stall => {
                self.socket.get_mut().stall_reading(Duration::MAX);
                self.socket.get_mut().stall_writing(Duration::MAX);
            }
            Action::StallReading(time) => self.socket.get_mut().stall_reading(time),
            Action::StallWriting(time) => self.socket.get_mut().stall_writing(time),
            Action::Silence => self.silent = true,
            Action::IgnorePings => {
                // A filter has to begin between two frames.
                self.flush().await?;
                self.socket.get_mut().drop_pongs();
            }
            Action::Shape(shape) => self.socket.get_mut().shape(shape),
            Action::CutSending { after, how } => {
                self.flush().await?;
                self.socket.get_mut().cut_sending(after, how);
            }
            Action::CutReceiving { after, how } => self.socket.get_mut().cut_receiving(after, how),
            Action::Repeat => {
                if let Some(last) = self.last.clone() {
                    match self.send_event(last).await {
                        ControlFlow::Continue(_) => self.flush().await?,
                        ControlFlow::Break(()) => return Flow::Break(()),
                    }
                }
            }
            Action::Swap => self.swap = true,
        }
        Flow::Continue(())
    }

    /// Sends a message that no brain thought of.
    async fn send_now(&mut self, message: Message, frame: Frame) -> Flow {
        self.shared.journal.note(self.number, What::Sent(message));
        self.send(frame).await
    }

    /// Writes bytes past the WebSocket.
    async fn write(&mut self, bytes: &[u8]) -> Flow {
        self.flush().await?;
        let stream = self.socket.get_mut();
        if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            return Flow::Break(());
        }
        Flow::Continue(())
    }

    /// After a cut that ends the stream, what the client still sends is read: to close with it unread would reset the
    /// connection.
    pub(super) async fn linger_if_cut(&mut self) {
        if self.socket.get_ref().was_cut() == Some(Cut::Fin) {
            self.linger().await;
        }
    }

    /// Reads what the client still sends, for a while.
    async fn linger(&mut self) {
        let mut rest = [0; 4096];
        let stream = self.socket.get_mut().stream_mut();
        let _ = timeout(LINGER, async {
            while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
        })
        .await;
    }
}
