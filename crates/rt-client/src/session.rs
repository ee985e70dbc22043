//! [`Session`]: the handle of a running session.

mod edit;
mod playing;
mod talk;

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

use rt_lowlevel::{Credentials, Endpoint, Handle, State};
use rt_protocol::{ClientEvent, Item, ResponseParams, Text};
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use crate::builder::SessionBuilder;
use crate::dispatch::{EventStream, STREAM_GRACE, Streams};
use crate::driver::{Counters, Request};
use crate::engine::{Command, Ticket, check_metadata};
use crate::error::{Error, ErrorKind};
use crate::half_duplex::HalfDuplex;
use crate::reply::{Reply, ReplyHandle, reply};
use crate::sent_audio::SentAudio;
use crate::transcription::TranscriptionBuilder;
use crate::translation::TranslationBuilder;

/// Longest wait for what was asked for before closing.
const FLUSH: Duration = Duration::from_secs(2);
/// A callback that takes longer does not hold up the end of a session any more.
const STUCK: Duration = Duration::from_secs(5);

/// A running session. Clones are handles of the same one; when the last is dropped, the connection ends at once.
///
/// What asks for a response returns a [`ReplyHandle`]. There is never more than one response of the conversation under
/// way: requests wait for each other, and for what the server began by itself. With turn detection the server may begin one
/// while a request is on its way to it, which no client can know before: it refuses that request then, and the session asks
/// again when the other response is over. Nobody is told of such a refusal, unless there are four in a row.
#[derive(Debug, Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) handle: Handle,
    /// Its end tells the session's task that nobody holds the session.
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) next_ticket: AtomicU64,
    pub(crate) counters: Arc<Counters>,
    pub(crate) streams: Arc<Streams>,
    /// Ends when the session's task and the one or the thread that delivers events have.
    pub(crate) ended: Mutex<mpsc::Receiver<Infallible>>,
    /// The thread of the callbacks, if there are any.
    pub(crate) callbacks: OnceLock<ThreadId>,
    /// Tells those that deliver events that the session closes, and until when it waits for streams.
    pub(crate) closing: watch::Sender<Option<tokio::time::Instant>>,
    /// Turns are ended by hand, and this many bytes are a millisecond of input.
    pub(crate) manual: Option<u64>,
    /// Keeps the model from hearing itself.
    pub(crate) half_duplex: Option<Arc<HalfDuplex>>,
    /// When which audio of the user was sent.
    pub(crate) sent: Arc<SentAudio>,
    /// From when time is counted.
    pub(crate) began: tokio::time::Instant,
    /// Whether events are checked against the documented limits.
    pub(crate) strict: bool,
}

/// Counters of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStats {
    /// Those of the connection.
    pub connection: rt_lowlevel::Stats,
    /// For how long the server was not read because callbacks or streams were slow.
    pub held_back: Duration,
    /// Whether it is so now.
    pub is_held_back: bool,
    /// Pieces of audio and text that came after their response was interrupted.
    pub late_deltas: u64,
    /// Items that left the history because it was full.
    pub forgotten_items: u64,
}

impl Session {
    /// Begins a conversation: where, and with which key.
    pub fn builder(endpoint: Endpoint, credentials: Credentials) -> SessionBuilder {
        SessionBuilder::new(endpoint, credentials)
    }

    /// Begins a transcription: speech to text, without answers. The endpoint is one with `intent=transcription`, such as
    /// [`Endpoint::openai_transcription`]; the model is one like `gpt-transcribe`.
    pub fn transcription(
        endpoint: Endpoint,
        credentials: Credentials,
        model: impl Into<String>,
    ) -> TranscriptionBuilder {
        TranscriptionBuilder::new(endpoint, credentials, model)
    }

    /// Begins a translation: speech to speech in another language, given as a code such as `es`. The endpoint is one of
    /// translations, [`Endpoint::openai_translation`].
    pub fn translation(
        endpoint: Endpoint,
        credentials: Credentials,
        language: impl Into<String>,
    ) -> TranslationBuilder {
        TranslationBuilder::new(endpoint, credentials, language)
    }

    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    /// Says something in writing and asks for an answer.
    ///
    /// # Errors
    /// `Closed` if the session is closed. What the server says is told by the handle.
    pub async fn send_text(&self, text: impl Into<Text>) -> Result<ReplyHandle, Error> {
        self.send_item(Item::user_text(text)).await
    }

    /// Adds an item, such as a message with an image, and asks for an answer.
    ///
    /// # Errors
    /// `Closed` if the session is closed. What the server says is told by the handle.
    pub async fn send_item(&self, item: impl Into<Item>) -> Result<ReplyHandle, Error> {
        let item = Box::new(item.into());
        self.wait_with(|reply| Command::Say { reply, item }).await
    }

    /// Asks for an answer.
    ///
    /// # Errors
    /// `Closed` if the session is closed. What the server says is told by the handle.
    pub async fn respond(&self) -> Result<ReplyHandle, Error> {
        self.wait_with(|reply| Command::Respond { reply, params: None })
            .await
    }

    /// Asks for an answer with settings of its own. One [out of band](ResponseParams::out_of_band) does not wait for
    /// others and is not part of the conversation.
    ///
    /// # Errors
    /// `InvalidEvent` if there are more than 15 metadata entries: the service takes 16, and one of them is the session's.
    /// `Closed` if the session is closed. What the server says is told by the handle.
    pub async fn respond_with(&self, params: ResponseParams) -> Result<ReplyHandle, Error> {
        check_metadata(&params)?;
        let params = Some(Box::new(params));
        self.wait_with(|reply| Command::Respond { reply, params }).await
    }

    /// Waits for the response that is under way, or else the next one, whoever asks for it: with turn detection, the
    /// server does. One that is being interrupted is not waited for.
    ///
    /// It ends with that reply, or when none can come: at the end of the session, when the budget is used up, and when the
    /// connection is lost, sessions are not restored and nothing that was asked for is left. Else after 5 minutes in which
    /// nobody spoke and nothing was asked for, or what [`reply_timeout`](SessionBuilder::reply_timeout) says.
    ///
    /// A reply that has begun and ended before is not waited for. What follows when the functions a reply called are answered
    /// is therefore asked of that reply: [`ReplyHandle::follow_up`].
    ///
    /// # Errors
    /// As [`ReplyHandle::reply`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but the reply.
    pub async fn wait_for_reply(&self) -> Result<Reply, Error> {
        self.next_reply().await?.reply().await
    }

    /// As [`wait_for_reply`](Self::wait_for_reply), as a handle to read it while it comes.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn next_reply(&self) -> Result<ReplyHandle, Error> {
        self.wait_with(|reply| Command::Watch { reply }).await
    }

    async fn wait_with(&self, command: impl FnOnce(Ticket) -> Command) -> Result<ReplyHandle, Error> {
        let ticket = self.ticket();
        let (writer, handle) = reply();
        self.ask(Request::Command {
            command: command(ticket),
            reply: Some((ticket, writer)),
            ack: None,
        })
        .await?;
        Ok(handle)
    }

    /// Stops the model: what it has not said is gone, from the sink and from the conversation.
    ///
    /// # Errors
    /// `Closed` if the session is closed.
    pub async fn interrupt(&self) -> Result<(), Error> {
        self.command(Command::Interrupt).await
    }

    /// Sends any event. A `response.create` waits for its turn like all others, and a `conversation.item.truncate` is
    /// shortened to the audio there is.
    ///
    /// # Errors
    /// `Closed` if the session is closed; `InvalidEvent` if the event breaks a documented limit, or has no room for the
    /// metadata entry of the session; `Connection` if the message is larger than the connection takes.
    ///
    /// # Cancel safety
    /// If the future is dropped, the event was not accepted.
    pub async fn send(&self, event: impl Into<ClientEvent>) -> Result<(), Error> {
        let event = event.into();
        if let ClientEvent::InputAudioBufferAppend(append) = event {
            return self.append(append).await;
        }
        let is_managed = match &event {
            ClientEvent::ResponseCreate(_)
            | ClientEvent::ResponseCancel(_)
            | ClientEvent::ConversationItemTruncate(_) => true,
            ClientEvent::ConversationItemCreate(create) => matches!(create.item, Item::FunctionCallOutput(_)),
            _ => false,
        };
        if let ClientEvent::ResponseCreate(create) = &event
            && let Some(params) = create.response.value()
        {
            check_metadata(params)?;
        }
        if is_managed {
            if self.shared.strict {
                event.check().map_err(|error| {
                    let message = format!("{}: {error}", event.event_type());
                    Error::new(ErrorKind::InvalidEvent, message)
                })?;
            }
            self.command(Command::Raw(event)).await
        } else {
            let uncommitted = match &event {
                ClientEvent::InputAudioBufferCommit(_) | ClientEvent::InputAudioBufferClear(_) => {
                    self.shared.counters.uncommitted.load(Ordering::Relaxed)
                }
                _ => 0,
            };
            // After what was asked for before.
            self.flush().await;
            self.handle().send(event).await.map_err(Error::sending)?;
            self.shared.counters.take_audio(uncommitted);
            Ok(())
        }
    }

    /// Asks for a new connection that knows the conversation, while this one goes on until it is ready.
    /// [`Event::Restored`](crate::Event::Restored) tells when it is done.
    ///
    /// # Errors
    /// `Closed` if the session is closed; as [`Handle::restart`](rt_lowlevel::Handle::restart) where nothing would be
    /// restored, as in a call.
    pub fn restart(&self) -> Result<(), Error> {
        self.handle().restart().map_err(Error::sending)
    }

    /// Everything that happens from now on, as a stream. Each call makes another stream.
    #[must_use]
    pub fn events(&self) -> EventStream {
        EventStream::new(&self.shared.streams)
    }

    /// Where the connection is.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.handle().state()
    }

    /// What was counted so far.
    #[must_use]
    pub fn stats(&self) -> SessionStats {
        let counters = &self.shared.counters;
        SessionStats {
            connection: self.handle().stats(),
            held_back: Duration::from_micros(counters.held_back_us.load(Ordering::Relaxed)),
            is_held_back: counters.is_held_back.load(Ordering::Relaxed),
            late_deltas: counters.late_deltas.load(Ordering::Relaxed),
            forgotten_items: counters.forgotten_items.load(Ordering::Relaxed),
        }
    }

    /// Sends what was accepted, closes, and waits until every callback has run. What was not played yet is not heard any more:
    /// see [`playback_finished`](Self::playback_finished). At most the close deadline of
    /// the [`Config`](crate::Config) (2 s), a second for event streams that are full, and the time the callbacks take. A
    /// callback that does not return for 5 s is not waited for any longer; should it return, it is still given the rest.
    /// Calling it again is harmless. From within a callback it does not wait for the callbacks.
    ///
    /// # Cancel safety
    /// Closing begins with the first poll and goes on if the future is dropped.
    pub async fn close(&self) {
        self.flush().await;
        let until = tokio::time::Instant::now() + STREAM_GRACE;
        self.shared.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert(until);
            first
        });
        self.handle().close().await;
        if self.shared.callbacks.get() != Some(&std::thread::current().id()) {
            self.ended().await;
        }
    }

    /// Waits until every event was delivered, as long as that goes on.
    async fn ended(&self) {
        let delivered = || self.shared.counters.delivered.load(Ordering::Relaxed);
        let mut ended = self.shared.ended.lock().await;
        let mut so_far = delivered();
        // Callbacks do not run by the runtime's clock, which may be paused.
        let mut since = std::time::Instant::now();
        while tokio::time::timeout(STUCK, ended.recv()).await.is_err() {
            if delivered() != so_far {
                so_far = delivered();
                since = std::time::Instant::now();
            } else if since.elapsed() >= STUCK {
                tracing::warn!("a callback has not returned for {STUCK:?}: the session is closed without it");
                return;
            }
        }
    }

    /// Waits until what was asked for has reached the connection.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        let flushed = async {
            if self.ask(Request::Flush(done)).await.is_ok() {
                let _ = flushed.await;
            }
        };
        // Without a connection and without room it would wait for long.
        let _ = tokio::time::timeout(FLUSH, flushed).await;
    }

    /// Whether anything may still be spent.
    pub(crate) fn check_budget(&self) -> Result<(), Error> {
        if self.shared.counters.is_exhausted.load(Ordering::Relaxed) {
            let message = "the budget is used up: no more audio is taken";
            return Err(Error::new(ErrorKind::Budget, message));
        }
        Ok(())
    }

    fn ticket(&self) -> Ticket {
        self.shared.next_ticket.fetch_add(1, Ordering::Relaxed)
    }

    async fn command(&self, command: Command) -> Result<(), Error> {
        self.ask(Request::Command {
            command,
            reply: None,
            ack: None,
        })
        .await
    }

    async fn ask(&self, request: Request) -> Result<(), Error> {
        if self.handle().state().borrow().is_closed() {
            return Err(Error::closed());
        }
        self.shared
            .requests
            .send(request)
            .await
            .map_err(|_| Error::closed())
    }
}
