//! A session and a server in simulated time, with delays between them, a sink that plays, and tools that take time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rt_emulator::brain::{Brain, Output as Sent, Settings};
use rt_emulator::{Pacing, Script};
use rt_protocol::client_event::{InputAudioBufferAppend, SessionUpdate};
use rt_protocol::session::SessionKind;
use rt_protocol::{ClientEvent, Pcm16, RealtimeSession, ServerEvent};

use crate::engine::{CheckId, Command, Engine, Options, Output, Policy, Ticket};
use crate::event::Event;
use crate::guardrail::{Blocked, Verdict};
use crate::reply::{ReplyStatus, ReplyUpdate};
use crate::transcript::{Line, Transcript};

/// How often it is looked how far playback is, as the session's task does.
const PLAYBACK_TICK: Duration = Duration::from_millis(50);
/// Samples per millisecond.
const PER_MS: u64 = 24;

/// What a ticket came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Came {
    Reply(ReplyStatus),
    Nothing(crate::ErrorKind),
    Ack,
    Refused,
}

pub(super) struct World {
    pub(super) now: Duration,
    pub(super) engine: Engine,
    pub(super) brain: Brain,
    /// On the way to the server, and back.
    up: VecDeque<(Duration, String)>,
    down: VecDeque<(Duration, Arc<ServerEvent>)>,
    delay: Duration,
    /// The sink: item, samples left.
    sink: VecDeque<(String, u64)>,
    played: u64,
    paused: bool,
    /// The sink failed: nobody tells what is played.
    lost: bool,
    pub(super) played_of: HashMap<String, u64>,
    pub(super) received_of: HashMap<String, u64>,
    /// Tools that run.
    tools: Vec<(Duration, String)>,
    /// Checks of guardrails that run.
    checks: Vec<(Duration, CheckId, Verdict)>,
    pub(super) check_time: Duration,
    pub(super) checks_run: u32,
    pub(super) blocked: Vec<Blocked>,
    pub(super) tool_time: Duration,
    pub(super) next_ticket: Ticket,
    pub(super) came: BTreeMap<Ticket, Vec<Came>>,
    /// What the server saw and said.
    pub(super) errors: Vec<String>,
    pub(super) outputs: BTreeMap<String, u32>,
    /// Calls that were made whole, and the responses that made them.
    pub(super) calls: BTreeSet<String>,
    pub(super) batches: BTreeSet<String>,
    pub(super) created: u32,
    /// Of these, those the server began by itself.
    pub(super) unasked: u32,
    /// How many outputs the server had when each response began.
    pub(super) outputs_before: Vec<usize>,
    pub(super) lines: Vec<Line>,
    /// Whole texts of the model, as they were told.
    pub(super) finals: Vec<Transcript>,
    pub(super) reported: Vec<String>,
    pub(super) texts: HashMap<String, String>,
}

impl World {
    pub(super) fn new(script: Script, settings: RealtimeSession, delay_ms: u64) -> Self {
        Self::with(script, settings, delay_ms, Options::default())
    }

    pub(super) fn with(script: Script, settings: RealtimeSession, delay_ms: u64, options: Options) -> Self {
        let mut config = Settings::default();
        config.script = Arc::new(script);
        config.pacing = Pacing::server();
        config.kind = SessionKind::Realtime;
        let policies = ["price", "stock"].map(|name| {
            let policy = Policy {
                timeout: Duration::from_secs(5),
                interim: None,
                approval: false,
            };
            (name.to_owned(), policy)
        });
        let mut policies: HashMap<String, Policy> = policies.into();
        let slow = Policy {
            timeout: Duration::from_secs(60),
            interim: None,
            approval: false,
        };
        policies.insert("slow".to_owned(), slow);
        let options = Options {
            policies,
            sink: true,
            ..options
        };
        let mut world = Self {
            now: Duration::ZERO,
            engine: Engine::new(options),
            brain: Brain::new(config),
            up: VecDeque::new(),
            down: VecDeque::new(),
            delay: Duration::from_millis(delay_ms),
            sink: VecDeque::new(),
            played: 0,
            paused: false,
            lost: false,
            played_of: HashMap::new(),
            received_of: HashMap::new(),
            tools: Vec::new(),
            checks: Vec::new(),
            check_time: Duration::from_millis(40),
            checks_run: 0,
            blocked: Vec::new(),
            tool_time: Duration::from_millis(300),
            next_ticket: 0,
            came: BTreeMap::new(),
            errors: Vec::new(),
            outputs: BTreeMap::new(),
            calls: BTreeSet::new(),
            batches: BTreeSet::new(),
            created: 0,
            unasked: 0,
            outputs_before: Vec::new(),
            lines: Vec::new(),
            finals: Vec::new(),
            reported: Vec::new(),
            texts: HashMap::new(),
        };
        let sent = world.brain.open(Duration::ZERO);
        world.note(sent);
        world.send(&SessionUpdate::new(settings).into());
        world.run(200);
        world.engine.opened(world.now, false);
        world.obey();
        world
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.came.insert(self.next_ticket, Vec::new());
        self.next_ticket
    }

    pub(super) fn command(&mut self, command: Command) {
        self.report();
        self.engine.command(self.now, command);
        self.obey();
    }

    /// The user speaks, or is silent.
    pub(super) fn speak(&mut self, ms: u64, loud: bool) {
        let level = if loud { 9000 } else { 0 };
        let count = usize::try_from(ms * PER_MS).unwrap();
        let tone: Vec<i16> = (0..count)
            .map(|n| if n % 60 < 30 { level } else { -level })
            .collect();
        self.send(&InputAudioBufferAppend::new(Pcm16::from_samples(&tone)).into());
        self.engine.audio_sent(self.now);
    }

    fn send(&mut self, event: &ClientEvent) {
        self.up.push_back((self.now + self.delay, event.to_json()));
    }

    /// Lets time pass, from one thing that happens to the next.
    pub(super) fn run(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        while self.now < end {
            let next = [
                self.up.front().map(|(due, _)| *due),
                self.down.front().map(|(due, _)| *due),
                self.brain.deadline(),
                self.engine.deadline(),
                self.tools.iter().map(|(due, _)| *due).min(),
                self.checks.iter().map(|(due, ..)| *due).min(),
                (!self.sink.is_empty()).then(|| self.now + PLAYBACK_TICK),
            ];
            let next = next.into_iter().flatten().min().unwrap_or(end);
            let tick = self.now + Duration::from_millis(1);
            // Whole milliseconds, rounded up.
            let next = Duration::from_millis(u64::try_from(next.as_micros().div_ceil(1000)).unwrap());
            let next = next.clamp(tick, end.max(tick));
            self.play(u64::try_from((next - self.now).as_millis()).unwrap() * PER_MS);
            self.now = next;
            while let Some(json) = due(&mut self.up, self.now) {
                let sent = self.brain.handle_text(&json, self.now);
                self.note(sent);
            }
            if self.brain.deadline().is_some_and(|due| due <= self.now) {
                let sent = self.brain.poll(self.now);
                self.note(sent);
            }
            while let Some(event) = due(&mut self.down, self.now) {
                self.report();
                self.engine.server(self.now, &event);
                self.obey();
            }
            let over = self.tools.extract_if(.., |(due, _)| *due <= self.now);
            for (_, call_id) in over.collect::<Vec<_>>() {
                self.engine
                    .tool_finished(self.now, &call_id, Ok(r#"{"ok":true}"#.into()));
                self.obey();
            }
            let over = self.checks.extract_if(.., |(due, ..)| *due <= self.now);
            for (_, id, verdict) in over.collect::<Vec<_>>() {
                self.report();
                self.engine.checked(self.now, id, verdict);
                self.obey();
            }
            if self.engine.deadline().is_some_and(|due| due <= self.now) {
                self.engine.handle_timeout(self.now);
                self.obey();
            }
            self.report();
            self.obey();
        }
    }

    /// Tells how much was played.
    fn report(&mut self) {
        if self.lost {
            self.engine.heard(self.now);
        } else {
            self.engine.played(self.now, self.played);
        }
    }

    /// The sink fails.
    pub(super) fn lose_sink(&mut self) {
        self.report();
        self.lost = true;
        self.sink.clear();
        self.engine.sink_failed(self.now);
    }

    fn play(&mut self, mut samples: u64) {
        if self.paused {
            return;
        }
        while samples > 0
            && let Some((item, left)) = self.sink.front_mut()
        {
            let step = samples.min(*left);
            samples -= step;
            *left -= step;
            self.played += step;
            *self.played_of.entry(item.clone()).or_default() += step;
            if *left == 0 {
                self.sink.pop_front();
            }
        }
    }

    /// What the server sent goes on its way.
    fn note(&mut self, sent: Vec<Sent>) {
        for sent in sent {
            let Sent::Event(event) = sent else { continue };
            match &event {
                ServerEvent::Error(error) => {
                    let code = error.error.code.as_deref().unwrap_or_default().to_owned();
                    self.errors.push(format!("{code}: {}", error.error.message));
                }
                ServerEvent::ResponseCreated(created) => {
                    let metadata = created.response.metadata.value();
                    if metadata.is_none_or(|metadata| !metadata.contains_key("rt_req")) {
                        self.unasked += 1;
                    }
                    self.created += 1;
                    self.outputs_before.push(self.outputs.len());
                }
                ServerEvent::ResponseOutputItemDone(done) => {
                    if let rt_protocol::Item::FunctionCall(call) = &done.item
                        && call.status.value() != Some(&rt_protocol::item::ItemStatus::Incomplete)
                    {
                        self.calls.extend(call.call_id.value().cloned());
                        self.batches.insert(done.response_id.clone());
                    }
                }
                ServerEvent::ConversationItemAdded(added) => {
                    if let rt_protocol::Item::FunctionCallOutput(output) = &added.item {
                        *self.outputs.entry(output.call_id.clone()).or_default() += 1;
                    }
                }
                ServerEvent::ResponseOutputAudioTranscriptDelta(delta) => {
                    self.texts
                        .entry(delta.item_id.clone())
                        .or_default()
                        .push_str(&delta.delta);
                }
                _ => {}
            }
            self.down.push_back((self.now + self.delay, Arc::new(event)));
        }
    }

    fn obey(&mut self) {
        let outputs = self.engine.take();
        let mut playing: Option<Pcm16> = None;
        for output in outputs {
            match output {
                Output::Send(event) => self.send(&event),
                Output::Play(audio) => playing = Some(audio),
                Output::Pause(pause) => self.paused = pause,
                Output::Clear => {
                    self.sink.clear();
                    if !self.lost {
                        self.engine.cleared(self.played);
                    }
                }
                Output::RunTool(call) => {
                    // Each takes longer than the last one.
                    let running = u32::try_from(self.tools.len()).unwrap();
                    self.tools
                        .push((self.now + self.tool_time * (running + 1), call.call_id));
                }
                Output::AbortTool(call_id) => self.tools.retain(|(_, id)| *id != call_id),
                Output::Ack(ticket, result) => {
                    let came = result.map_or(Came::Refused, |_| Came::Ack);
                    self.came.entry(ticket).or_default().push(came);
                }
                Output::Reply(ticket, ReplyUpdate::Ended(status)) => {
                    self.came.entry(ticket).or_default().push(Came::Reply(status));
                }
                Output::Reply(..) => {}
                Output::Follows(_, next) => {
                    self.came.insert(next, Vec::new());
                }
                Output::NoReply(ticket, error) | Output::NoneCame(ticket, error) => {
                    let came = Came::Nothing(error.kind());
                    self.came.entry(ticket).or_default().push(came);
                }
                Output::Event(Event::Audio(audio)) => {
                    let samples = playing.take().expect("audio goes to the sink").len() as u64;
                    *self.received_of.entry(audio.item_id.to_string()).or_default() += samples;
                    self.sink.push_back((audio.item_id.to_string(), samples));
                }
                Output::Check(check) => {
                    self.checks_run += 1;
                    let verdict = check.check.run(check.text).now_or_never();
                    // One that never comes to an end is given up by the engine.
                    if let Some(verdict) = verdict {
                        self.checks.push((self.now + self.check_time, check.id, verdict));
                    }
                }
                Output::AbortCheck(check) => self.checks.retain(|(_, id, _)| *id != check),
                Output::Event(Event::Blocked(blocked)) => self.blocked.push(blocked),
                Output::Event(Event::Line(line)) => self.lines.push(line),
                Output::Event(Event::Transcript(said)) if said.is_final => self.finals.push(said),
                Output::Event(Event::Error(error)) => self.reported.push(error.to_string()),
                Output::Event(_) => {}
            }
        }
    }

    /// The connection breaks, and there is a new one with a new server.
    pub(super) fn reconnect(&mut self, script: Script) {
        self.up.clear();
        self.down.clear();
        self.engine.lost(self.now, false);
        self.obey();
        let mut config = Settings::default();
        config.script = Arc::new(script);
        self.brain = Brain::new(config);
        let sent = self.brain.open(self.now);
        self.note(sent);
        self.run(50);
        self.engine.opened(self.now, false);
        self.obey();
    }
}

/// The first of a queue, if it has arrived.
fn due<T>(queue: &mut VecDeque<(Duration, T)>, now: Duration) -> Option<T> {
    if queue.front()?.0 > now {
        return None;
    }
    queue.pop_front().map(|(_, what)| what)
}
