//! [`Connection`]: one WebSocket, between the socket and the brain.

use std::ops::ControlFlow;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rt_protocol::server_event::{ErrorDetails, ErrorEvent};
use rt_protocol::{Field, ServerEvent, Session};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame, Utf8Bytes};
use tracing::debug;

use super::access::{Opening, Refusal};
use super::stream::Stream;
use super::wired::Wired;
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
    pub(super) socket: WebSocketStream<Wired>,
    /// The number of the connection.
    pub(super) number: u64,
    /// What all connections share.
    pub(super) shared: &'a Shared,
    /// An error to send in place of the session.
    refusal: Option<Refusal>,
    /// What goes wrong later.
    watch: Watch,
    /// What goes wrong on command.
    commands: broadcast::Receiver<(u64, Action)>,
    /// Items that are refused.
    refused_items: Vec<String>,
    /// The call it is beside.
    call_id: Option<String>,
    /// What calls end.
    ends: broadcast::Receiver<String>,
    /// Whether no event is sent any more.
    pub(super) silent: bool,
    /// Whether the next event waits for the one after it.
    pub(super) swap: bool,
    /// The event that waits.
    held: Option<Utf8Bytes>,
    /// The last event that was sent.
    pub(super) last: Option<Utf8Bytes>,
    /// When the connection became a WebSocket.
    pub(super) since: Instant,
}

/// Goes on, or ends.
pub(super) type Flow = ControlFlow<()>;

impl<'a> Connection<'a> {
    /// Takes over after the 101. `rest` came with the request.
    pub(super) async fn new(
        stream: Stream,
        rest: Vec<u8>,
        number: u64,
        shared: &'a Shared,
        faults: Vec<Fault>,
        call_id: Option<String>,
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
        let refused_items = faults.iter().filter_map(|fault| match fault {
            Fault::RefuseItem { item_id } => Some(item_id.clone()),
            _ => None,
        });
        let wired = Wired::new(stream, shared.settings.seed.wrapping_add(number));
        Self {
            refused_items: refused_items.collect(),
            socket: WebSocketStream::from_partially_read(wired, rest, Role::Server, Some(config)).await,
            number,
            shared,
            refusal,
            watch: Watch::new(faults),
            commands: shared.commands.subscribe(),
            call_id,
            ends: shared.calls.ends(),
            silent: false,
            swap: false,
            held: None,
            last: None,
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
        settings.refused_items = std::mem::take(&mut self.refused_items);
        let mut brain = Brain::new(settings);
        self.shared.journal.begin(self.number, brain.record());
        let actions = self.watch.upgraded();
        let mut flow = self.act(actions, &mut brain).await;
        if flow.is_continue() {
            let opening = brain.open(self.since.elapsed());
            flow = self.send_all(opening, &mut brain).await;
        }
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
                ended = self.ends.recv() => match (ended, &self.call_id) {
                    (Ok(ended), Some(own)) if ended == *own => {
                        self.close(1000, "The call has ended.".to_owned()).await
                    }
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
        self.linger_if_cut().await;
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
    pub(super) async fn send_all(&mut self, outputs: Vec<Output>, brain: &mut Brain) -> Flow {
        for output in outputs {
            match output {
                Output::Event(event) => {
                    self.keep_settings(&event);
                    let Some(text) = brain.encode(&event) else {
                        continue;
                    };
                    let text = Utf8Bytes::from(text);
                    if std::mem::take(&mut self.swap) {
                        self.held = Some(text);
                        continue;
                    }
                    let event_type = self.send_event(text).await?;
                    if let Some(held) = self.held.take() {
                        self.send_event(held).await?;
                    }
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

    /// The settings of a call are the call's: whoever connects to it next finds them.
    fn keep_settings(&self, event: &ServerEvent) {
        if let Some(call_id) = &self.call_id
            && let ServerEvent::SessionUpdated(updated) = event
            && let Session::Realtime(session) = &updated.session
        {
            self.shared.calls.accept(call_id, (**session).clone());
        }
    }

    /// Queues an event and writes it down; its type is returned.
    pub(super) async fn send_event(&mut self, text: Utf8Bytes) -> ControlFlow<(), String> {
        let message = Message::new(&text);
        let event_type = message.event_type.clone();
        if self.silent {
            return ControlFlow::Continue(event_type);
        }
        self.shared.journal.note(self.number, What::Sent(message));
        debug!(
            connection = self.number,
            event_type = printable(&event_type),
            bytes = text.len(),
            "sent"
        );
        self.last = Some(text.clone());
        match self.feed(Frame::Text(text)).await {
            ControlFlow::Continue(()) => ControlFlow::Continue(event_type),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        }
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

    /// Sends a Close frame that says nothing and waits for the end of the stream.
    pub(super) async fn close_without_code(&mut self) -> Flow {
        let closing = async {
            if self.socket.send(Frame::Close(None)).await.is_ok() {
                let (code, reason) = (1005, String::new());
                self.shared
                    .journal
                    .note(self.number, What::CloseSent { code, reason });
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
        Flow::Break(())
    }

    /// Sends a Close frame and waits for the end of the stream.
    pub(super) async fn close(&mut self, code: u16, reason: String) -> Flow {
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
    pub(super) async fn flush(&mut self) -> Flow {
        flow(&self.socket.flush().await)
    }

    /// Queues a frame and sends it.
    pub(super) async fn send(&mut self, frame: Frame) -> Flow {
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
