//! The task of a session: it moves data between the connection, the engine, the tools, the sink and the callbacks, and
//! decides nothing.

mod counters;
mod obey;
mod outlet;
mod settings;
mod sink;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::FutureExt;
use rt_lowlevel::fate::{Fate, Receipt};
use rt_lowlevel::restore::SettledOutcome;
use rt_lowlevel::{Connection, ConnectionEvent, Handle};
use rt_protocol::{ClientEvent, Field, ServerEvent, Session as Settings, Text};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::engine::{Acked, CheckId, Command, Engine, Output, Ticket};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::guardrail::Verdict;
use crate::half_duplex::HalfDuplex;
use crate::history::HistoryItem;
use crate::observe::Spans;
use crate::reply::ReplyWriter;
use crate::sent_audio::SentAudio;
use crate::tool::Function;

pub(crate) use self::counters::Counters;
pub(crate) use self::outlet::Outlet;
use self::settings::settings_update;
pub(crate) use self::sink::Sink;

/// Events to the server that wait for room, until no more requests are taken.
const MAX_OUTGOING: usize = 256;
/// Events to the callbacks that wait for room, until no more requests are taken.
const MAX_EVENTS: usize = 4096;
/// Events of the connection that are handled before what follows from them is passed on.
const BATCH: usize = 64;
/// How often it is looked how far playback is.
const PLAYBACK_TICK: Duration = Duration::from_millis(50);

/// What a [`Session`](crate::Session) wants of its task.
#[derive(Debug)]
pub(crate) enum Request {
    /// A command, and who waits for it.
    Command {
        command: Command,
        reply: Option<(Ticket, ReplyWriter)>,
        ack: Option<(Ticket, oneshot::Sender<Result<Acked, Error>>)>,
    },
    History(oneshot::Sender<Vec<HistoryItem>>),
    /// Ends the channel when everything asked for before has reached the connection.
    Flush(oneshot::Sender<()>),
    /// Tells when nothing is left to be played.
    PlayedOut(oneshot::Sender<()>),
    /// The application plays the audio itself, and has played so many samples in all.
    Played(u64),
}

/// The task of a session.
pub(crate) struct Driver {
    pub(crate) engine: Engine,
    pub(crate) connection: Connection,
    pub(crate) handle: Handle,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) outlet: Outlet,
    pub(crate) settings: Option<Settings>,
    /// Whether the connection tells a new server what the last one knew.
    pub(crate) restores: bool,
    /// The session is a call's, and goes on without a connection to it.
    pub(crate) is_call: bool,
    pub(crate) sink: Sink,
    pub(crate) functions: HashMap<String, Function>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) half_duplex: Option<Arc<HalfDuplex>>,
    /// When which audio of the user was sent.
    pub(crate) sent: Arc<SentAudio>,
    /// Dropped at the end.
    pub(crate) _running: mpsc::Sender<Infallible>,
    pub(crate) spans: Spans,
    pub(crate) state: Moving,
}

/// What is on its way somewhere.
pub(crate) struct Moving {
    began: Instant,
    /// The memory of what the engine wants done.
    outputs: Vec<Output>,
    outgoing: VecDeque<ClientEvent>,
    replies: HashMap<Ticket, ReplyWriter>,
    acks: HashMap<Ticket, oneshot::Sender<Result<Acked, Error>>>,
    tasks: JoinSet<(String, Result<Text, String>)>,
    /// Commands whose fate is awaited, by event id.
    tracked: JoinSet<(String, Fate)>,
    running: HashMap<String, AbortHandle>,
    /// Checks of guardrails.
    checks: JoinSet<(CheckId, Verdict)>,
    checking: HashMap<CheckId, AbortHandle>,
    /// Who waits until nothing is on its way to the connection: told by the end of the channel.
    flushes: Vec<oneshot::Sender<()>>,
    /// Who waits until nothing is left to be played.
    listeners: Vec<oneshot::Sender<()>>,
    /// The connection has ended for good.
    over: bool,
    /// Since when the callbacks have held the session up.
    held_since: Option<Instant>,
    /// Late deltas and forgotten items, as they were counted last.
    dropped: (u64, u64),
}

impl Moving {
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            outputs: Vec::new(),
            outgoing: VecDeque::new(),
            replies: HashMap::new(),
            acks: HashMap::new(),
            tasks: JoinSet::new(),
            tracked: JoinSet::new(),
            running: HashMap::new(),
            checks: JoinSet::new(),
            checking: HashMap::new(),
            flushes: Vec::new(),
            listeners: Vec::new(),
            over: false,
            held_since: None,
            dropped: (0, 0),
        }
    }
}

type Sending = Pin<Box<dyn Future<Output = Result<Option<Tracked>, (Field<String>, Error)>> + Send>>;
/// A command whose fate matters, by its event id.
type Tracked = (String, Receipt);

impl Driver {
    fn now(&self) -> Duration {
        self.state.began.elapsed()
    }

    /// Runs until the connection is closed, or nobody holds the session any more.
    pub(crate) async fn run(mut self) {
        let mut sending: Option<Sending> = None;
        let mut open = true;
        loop {
            if sending.is_none() {
                sending = self.next_send();
            }
            if sending.is_none() {
                self.state.flushes.clear();
            }
            self.deliver();
            if !open && self.outlet.is_empty() {
                return;
            }
            self.note_audio_sent();
            let due = self.engine.deadline().map(|due| self.state.began + due);
            // Held events go on as soon as any of them has room, not only when half of it is free.
            let tick = self.engine.is_playing() || !self.outlet.is_empty();
            let take_requests = self.state.outgoing.len() < MAX_OUTGOING && self.outlet.len() < MAX_EVENTS;
            tokio::select! {
                () = self.outlet.room(), if !self.outlet.is_empty() => {}
                // Whoever reads the connection had its turn.
                () = tokio::task::yield_now(), if self.outlet.is_sleeping() => {
                    if !self.take_more() {
                        self.outlet.wake();
                    }
                }
                event = self.connection.recv(), if open && self.outlet.is_empty() => match event {
                    Some(event) => {
                        self.take(self.now(), event);
                        self.take_more();
                    }
                    None => open = false,
                },
                request = self.requests.recv(), if take_requests && open => match request {
                    Some(request) => self.request(request),
                    // Dropping the connection ends it.
                    None => return,
                },
                result = wait(&mut sending) => {
                    sending = None;
                    match result {
                        Ok(None) => {}
                        Ok(Some((event_id, receipt))) => {
                            self.state.tracked.spawn(async move { (event_id, receipt.await) });
                        }
                        Err((event_id, error)) => self.engine.send_failed(self.now(), &event_id, &error),
                    }
                }
                Some(Ok((event_id, fate))) = self.state.tracked.join_next() => self.settled(&event_id, &fate),
                Some(done) = self.state.tasks.join_next() => {
                    // One that was aborted has been answered for.
                    if let Ok((call_id, result)) = done {
                        self.state.running.remove(&call_id);
                        self.engine.tool_finished(self.now(), &call_id, result);
                    }
                }
                Some(done) = self.state.checks.join_next() => {
                    if let Ok((id, verdict)) = done {
                        self.state.checking.remove(&id);
                        self.engine.checked(self.now(), id, verdict);
                    }
                }
                () = sleep_until(due) => self.time_out(),
                () = tokio::time::sleep(PLAYBACK_TICK), if tick => {}
            }
            self.played();
            self.obey();
            if !self.engine.is_playing() {
                for listener in self.state.listeners.drain(..) {
                    let _ = listener.send(());
                }
            }
        }
    }

    /// Tells the engine that it is time.
    fn time_out(&mut self) {
        self.note_audio_sent();
        self.engine.handle_timeout(self.now());
    }

    /// Tells the engine until when audio was sent, which a follow-up may wait for.
    fn note_audio_sent(&mut self) {
        let sent = self.counters.audio_sent_us.load(Ordering::Relaxed);
        if sent > 0 {
            self.engine.audio_sent(Duration::from_micros(sent));
        }
    }

    /// Gives events to the callbacks as far as there is room, and notes for how long there is none.
    fn deliver(&mut self) {
        if !self.outlet.pass() {
            if self.state.held_since.is_none() {
                self.state.held_since = Some(Instant::now());
                self.counters.is_held_back.store(true, Ordering::Relaxed);
                tracing::warn!("callbacks are slow: the server is read again when they have caught up");
            }
            return;
        }
        if let Some(since) = self.state.held_since.take() {
            let us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.counters.held_back_us.fetch_add(us, Ordering::Relaxed);
            self.counters.is_held_back.store(false, Ordering::Relaxed);
        }
    }

    fn next_send(&mut self) -> Option<Sending> {
        let event = self.state.outgoing.pop_front()?;
        let handle = self.handle.clone();
        Some(Box::pin(async move {
            let event_id: Field<String> = event.event_id().map(str::to_owned).into();
            let is_edit = matches!(
                event,
                ClientEvent::ConversationItemCreate(_) | ClientEvent::ConversationItemDelete(_)
            );
            let sent = match &event_id {
                // After a reconnect the server's own answer to it may not come.
                Field::Value(id) if is_edit => {
                    let receipt = handle.send_tracked(event).await;
                    receipt.map(|receipt| Some((id.clone(), receipt)))
                }
                _ => handle.send(event).await.map(|_| None),
            };
            match sent {
                Ok(tracked) => Ok(tracked),
                // Its end is told by the connection.
                Err(error) if error.kind() == rt_lowlevel::ErrorKind::Closed => Ok(None),
                Err(error) => Err((event_id, Error::sending(error))),
            }
        }))
    }

    /// Tells the engine how far the sink is, and the connection how far the model was heard.
    fn played(&mut self) {
        let now = self.now();
        let total = self.sink.played();
        if let Some(total) = self.sink_works(total).flatten() {
            self.engine.played(now, total);
        }
        for (item_id, content_index, samples) in self.engine.heard(now) {
            self.handle.mark_played(&item_id, content_index, samples);
        }
    }

    /// Handles what else has come, so that what follows from it is passed on together. Whether anything had.
    fn take_more(&mut self) -> bool {
        // Asked for once: it only grows, and whoever delivers writes to it all the time.
        let capacity = self.outlet.capacity();
        let now = self.now();
        for taken in 1..BATCH {
            // What has to be sent, for one, is not to wait.
            if !self.state.outgoing.is_empty() || self.outlet.len() >= capacity {
                return taken > 1;
            }
            // At the end it is `None` again and again.
            let Some(Some(event)) = self.connection.recv().now_or_never() else {
                return taken > 1;
            };
            self.take(now, event);
        }
        true
    }

    /// Handles one event of the connection.
    fn take(&mut self, now: Duration, event: ConnectionEvent) {
        if matches!(&event, ConnectionEvent::Opened(opened) if opened.epoch > 1) {
            self.sent.lost();
        }
        match event {
            ConnectionEvent::Server(event) => {
                if let ServerEvent::InputAudioBufferSpeechStopped(stopped) = &event {
                    let position = Duration::from_millis(stopped.audio_end_ms);
                    let position = self.engine.end_of_speech(position);
                    self.engine.speech_was_sent(self.sent.when(position));
                }
                // What is heard matters to all but pieces of what comes.
                if !is_piece(&event) {
                    self.played();
                }
                self.engine.server(now, &Arc::new(event));
            }
            ConnectionEvent::Opened(opened) if opened.epoch > 1 && !self.restores => {
                // The server knows nothing of an earlier session, unless it is a call's.
                if let Some(settings) = self.settings.clone().filter(|_| !self.is_call) {
                    self.state.outgoing.push_front(settings_update(settings));
                }
                self.engine.opened(now, false);
            }
            ConnectionEvent::Restored(restored) => {
                self.engine.restored(now);
                self.outlet.push(Event::Restored(Arc::new(restored)));
            }
            ConnectionEvent::Interrupted(settled) if settled.outcome != SettledOutcome::Repeated => {
                let (id, request) = (settled.response_id.as_deref(), settled.request_id.as_deref());
                self.engine.response_lost(now, id, request);
            }
            ConnectionEvent::Retrying(_) => self.engine.lost(now, self.restores),
            ConnectionEvent::Malformed(error) => {
                let error = Error::new(ErrorKind::Malformed, error.to_string());
                self.outlet.push(Event::Error(error));
            }
            ConnectionEvent::Closed(closed) => {
                self.state.over = true;
                self.engine.closed(now, closed.error.map(Error::connection));
            }
            _ => {}
        }
        self.obey();
    }
}

/// Whether an event is one of the many that a response consists of.
fn is_piece(event: &ServerEvent) -> bool {
    matches!(
        event,
        ServerEvent::ResponseOutputAudioDelta(_)
            | ServerEvent::ResponseOutputAudioTranscriptDelta(_)
            | ServerEvent::ResponseOutputTextDelta(_)
            | ServerEvent::SessionOutputAudioDelta(_)
    )
}

/// The end of a send, if one is under way.
async fn wait(sending: &mut Option<Sending>) -> Result<Option<Tracked>, (Field<String>, Error)> {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
