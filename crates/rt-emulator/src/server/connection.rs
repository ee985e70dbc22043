//! [`Connection`]: one WebSocket, between the socket and the brain.

use std::ops::ControlFlow;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rt_protocol::server_event::{ErrorDetails, ErrorEvent};
use rt_protocol::{Field, ServerEvent};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};
use tracing::debug;

use super::access::{Opening, Refusal};
use super::stream::Stream;
use super::{Shared, stopped, unix_time};
use crate::brain::{Brain, Output};
use crate::faults::{Action, Fault, Watch};
use crate::journal::{Message, What, printable};

/// The largest message: 15 MiB of audio in base64, and some room.
const MAX_MESSAGE: usize = 24 << 20;
/// How long a client may take to answer a Close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// A time that never comes.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// One WebSocket.
pub(super) struct Connection<'a> {
    /// The socket.
    socket: WebSocketStream<Stream>,
    /// The number of the connection.
    number: u64,
    /// What all connections share.
    shared: &'a Shared,
    /// An error to send in place of the session.
    refusal: Option<Refusal>,
    /// What goes wrong later.
    watch: Watch,
    /// What goes wrong on command.
    commands: broadcast::Receiver<(u64, Action)>,
    /// When the connection became a WebSocket.
    since: Instant,
}

/// Goes on, or ends.
type Flow = ControlFlow<()>;

impl<'a> Connection<'a> {
    /// Takes over after the 101. `rest` came with the request.
    pub(super) async fn new(
        stream: Stream,
        rest: Vec<u8>,
        number: u64,
        shared: &'a Shared,
        faults: Vec<Fault>,
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(8 << 10)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let refusal = faults.iter().find_map(|fault| match fault.clone() {
            Fault::Error {
                error_type,
                code,
                message,
                close,
                reason,
            } => Some(Refusal {
                error_type,
                code,
                message,
                close,
                reason,
            }),
            _ => None,
        });
        Self {
            socket: WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await,
            number,
            shared,
            refusal,
            watch: Watch::new(faults),
            commands: shared.commands.subscribe(),
            since: Instant::now(),
        }
    }

    /// Holds the session, or refuses it.
    pub(super) async fn run(
        mut self,
        verdict: Result<Box<Opening>, Refusal>,
        mut stop: watch::Receiver<bool>,
    ) {
        let verdict = match self.refusal.take() {
            Some(refusal) => Err(refusal),
            None => verdict,
        };
        let opening = match verdict {
            Ok(opening) => opening,
            Err(refusal) => {
                self.refuse(refusal).await;
                return;
            }
        };
        let mut settings = self.shared.settings.clone();
        settings.kind = opening.kind;
        settings.model = opening.model;
        settings.dialect = opening.dialect;
        settings.session = opening.session;
        settings.seed = settings.seed.wrapping_add(self.number);
        settings.opened_at = unix_time();
        let mut brain = Brain::new(settings);
        let opening = brain.open(self.since.elapsed());
        let mut flow = self.send_all(opening, &mut brain).await;
        let ping_every = self.shared.ping_every;
        let mut ping = interval_at(Instant::now() + ping_every, ping_every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while flow.is_continue() {
            let due = brain
                .deadline()
                .into_iter()
                .chain(self.watch.deadline())
                .min()
                .unwrap_or(NEVER);
            flow = tokio::select! {
                () = stopped(&mut stop) => self.close(1001, "The server is going away.".to_owned()).await,
                command = self.commands.recv() => match command {
                    Ok((number, action)) if number == self.number => self.act(vec![action], &mut brain).await,
                    _ => Flow::Continue(()),
                },
                frame = self.socket.next() => self.take(frame, &mut brain).await,
                () = sleep_until(self.since + due.min(NEVER)) => {
                    let now = self.since.elapsed();
                    let outputs = brain.poll(now);
                    let actions = self.watch.passed(now);
                    match self.send_all(outputs, &mut brain).await {
                        ControlFlow::Continue(()) => self.act(actions, &mut brain).await,
                        end => end,
                    }
                }
                _ = ping.tick() => {
                    let payload = u32::try_from(self.since.elapsed().as_secs()).unwrap_or(u32::MAX);
                    self.send(Frame::Ping(payload.to_be_bytes().to_vec().into())).await
                }
            };
        }
    }

    /// A frame came in.
    async fn take(&mut self, frame: Option<Result<Frame, WsError>>, brain: &mut Brain) -> Flow {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(WsError::Capacity(_))) => return self.close(1009, "message too big".to_owned()).await,
            Some(Err(WsError::Utf8(_))) => return self.close(1007, "text is not UTF-8".to_owned()).await,
            // No fault in a frame, but the end of the stream without a Close frame.
            Some(Err(WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                return Flow::Break(());
            }
            Some(Err(WsError::Protocol(error))) => {
                debug!(connection = self.number, %error, "the client broke the protocol");
                return self.close(1002, "protocol error".to_owned()).await;
            }
            Some(Err(_)) | None => return Flow::Break(()),
        };
        let journal = &self.shared.journal;
        match frame {
            Frame::Text(text) => {
                let event_type = journal.note_received(self.number, &text);
                debug!(
                    connection = self.number,
                    event_type = printable(&event_type),
                    bytes = text.len(),
                    "received"
                );
                let actions = self.watch.received(&event_type);
                self.act(actions, brain).await?;
                let outputs = brain.handle_text(&text, self.since.elapsed());
                self.send_all(outputs, brain).await
            }
            Frame::Binary(bytes) => {
                journal.note(self.number, What::Received(Message::binary(bytes.len())));
                let actions = self.watch.received("");
                self.act(actions, brain).await?;
                let outputs = brain.handle_binary(self.since.elapsed());
                self.send_all(outputs, brain).await
            }
            Frame::Ping(_) | Frame::Pong(_) => {
                journal.note(self.number, What::Heartbeat);
                Flow::Continue(())
            }
            Frame::Close(frame) => {
                let code = frame.map(|frame| frame.code.into());
                journal.note(self.number, What::CloseReceived { code });
                // The answer is on its way; the stream ends after it.
                let _ = timeout(CLOSE_TIMEOUT, async {
                    while let Some(Ok(_)) = self.socket.next().await {}
                })
                .await;
                Flow::Break(())
            }
            Frame::Frame(_) => Flow::Continue(()),
        }
    }

    /// Sends what the brain wants sent, as one burst, and lets go wrong what should.
    async fn send_all(&mut self, outputs: Vec<Output>, brain: &mut Brain) -> Flow {
        for output in outputs {
            match output {
                Output::Event(event) => {
                    let Some(text) = brain.encode(&event) else {
                        continue;
                    };
                    let message = Message::new(&text);
                    let event_type = message.event_type.clone();
                    self.shared.journal.note(self.number, What::Sent(message));
                    debug!(
                        connection = self.number,
                        event_type = printable(&event_type),
                        bytes = text.len(),
                        "sent"
                    );
                    self.feed(Frame::Text(text.into())).await?;
                    let actions = self.watch.sent(&event_type);
                    if !actions.is_empty() {
                        self.flush().await?;
                        // Boxed, because an action may end the session with more to send.
                        Box::pin(self.act(actions, brain)).await?;
                    }
                }
                Output::Close { code, reason } => {
                    self.flush().await?;
                    return self.close(code, reason).await;
                }
            }
        }
        self.flush().await
    }

    /// Lets something go wrong.
    async fn act(&mut self, actions: Vec<Action>, brain: &mut Brain) -> Flow {
        for action in actions {
            debug!(connection = self.number, "a fault was asked for");
            match action {
                Action::Reset => {
                    let _ = self.socket.get_ref().tcp().set_zero_linger();
                    return Flow::Break(());
                }
                Action::HangUp => {
                    let _ = self.socket.get_mut().shutdown().await;
                    return Flow::Break(());
                }
                Action::Close { code, reason } => return self.close(code, reason).await,
                Action::Text(text) => {
                    self.shared
                        .journal
                        .note(self.number, What::Sent(Message::new(&text)));
                    self.send(Frame::Text(text.into())).await?;
                }
                Action::Binary(bytes) => {
                    self.shared
                        .journal
                        .note(self.number, What::Sent(Message::binary(bytes.len())));
                    self.send(Frame::Binary(bytes.into())).await?;
                }
                Action::Raw(bytes) => {
                    if self.socket.get_mut().write_all(&bytes).await.is_err() {
                        return Flow::Break(());
                    }
                }
                Action::Expire => {
                    let outputs = brain.expire(self.since.elapsed());
                    return Box::pin(self.send_all(outputs, brain)).await;
                }
                // Until the emulator ends.
                Action::Stall => std::future::pending().await,
            }
        }
        Flow::Continue(())
    }

    /// Sends an `error` event in place of the session, and closes in the same breath.
    async fn refuse(&mut self, refusal: Refusal) {
        let error = ErrorDetails {
            kind: refusal.error_type,
            code: Field::or_null(refusal.code),
            message: refusal.message,
            param: Field::Null,
            event_id: Field::Null,
        };
        let event_id = format!("event_{:021}", self.number);
        let text = ServerEvent::Error(ErrorEvent { event_id, error }.into()).to_json();
        self.shared
            .journal
            .note(self.number, What::Sent(Message::new(&text)));
        if self.feed(Frame::Text(text.into())).await.is_continue() {
            let _ = self.close(refusal.close, refusal.reason).await;
        }
    }

    /// Sends a Close frame and waits for the end of the stream.
    async fn close(&mut self, code: u16, reason: String) -> Flow {
        // A Close frame has room for 123 bytes of reason.
        let cut = (0..=reason.len().min(123))
            .rev()
            .find(|at| reason.is_char_boundary(*at))
            .unwrap_or(0);
        let reason = reason[..cut].to_owned();
        let sent = What::CloseSent {
            code,
            reason: reason.clone(),
        };
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        let closing = async {
            if self.socket.send(Frame::Close(Some(frame))).await.is_ok() {
                self.shared.journal.note(self.number, sent);
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
        Flow::Break(())
    }

    /// Queues a frame.
    async fn feed(&mut self, frame: Frame) -> Flow {
        flow(&self.socket.feed(frame).await)
    }

    /// Sends what is queued.
    async fn flush(&mut self) -> Flow {
        flow(&self.socket.flush().await)
    }

    /// Queues a frame and sends it.
    async fn send(&mut self, frame: Frame) -> Flow {
        flow(&self.socket.send(frame).await)
    }
}

/// A socket that fails ends the connection.
fn flow(result: &Result<(), WsError>) -> Flow {
    if result.is_ok() {
        Flow::Continue(())
    } else {
        Flow::Break(())
    }
}
