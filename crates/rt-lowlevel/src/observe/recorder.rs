//! With the feature: everything goes to the recorder that the program has set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use metrics::{counter, gauge, histogram};
use rt_protocol::{DecodeError, Field, ServerEvent};

use super::{Waiting, labels};
use crate::classify::Failure;
use crate::config::AudioPolicy;
use crate::event::{CloseInitiator, ConnectionEvent, RestoreCause, Restored};
use crate::fate::{DiscardReason, Fate};

/// A step of connecting; its time is told when it is dropped.
#[derive(Debug)]
pub(crate) struct Phase {
    name: &'static str,
    since: Instant,
}

pub(crate) fn phase(name: &'static str) -> Phase {
    Phase {
        name,
        since: Instant::now(),
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        histogram!("rt_connect_seconds", "phase" => self.name).record(self.since.elapsed());
    }
}

/// An attempt to connect; "aborted" if it is dropped before it has a result.
#[derive(Debug)]
pub(crate) struct Attempt {
    result: &'static str,
    _total: Phase,
}

impl Attempt {
    pub(crate) fn begin() -> Self {
        Self {
            result: "aborted",
            _total: phase("total"),
        }
    }

    pub(crate) fn finish<T>(mut self, result: &Result<T, Failure>) {
        self.result = match result {
            Ok(_) => "ok",
            Err(failure) => labels::cause(failure.to_error().kind()),
        };
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        counter!("rt_connects_total", "result" => self.result).increment(1);
    }
}

/// What must be remembered of a connection between its events.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    opened_at: Option<Instant>,
    down_since: Option<Instant>,
    /// As it was told last.
    waiting: Waiting,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn event(&mut self, now: Instant, event: &ConnectionEvent) {
        match event {
            ConnectionEvent::Opened(_) => {
                self.end_session(now);
                self.opened_at = Some(now);
                if let Some(since) = self.down_since.take() {
                    histogram!("rt_outage_seconds").record(now.saturating_duration_since(since));
                }
            }
            ConnectionEvent::Retrying(retrying) => {
                self.end_session(now);
                self.down_since.get_or_insert(now);
                let cause = labels::cause(retrying.cause.kind());
                let code = labels::close_code(retrying.cause.close_code());
                counter!("rt_reconnects_total", "cause" => cause, "close_code" => code).increment(1);
            }
            ConnectionEvent::Closed(closed) => {
                self.end_session(now);
                let by = match closed.by {
                    CloseInitiator::Us => "us",
                    CloseInitiator::Peer => "peer",
                    CloseInitiator::Transport => "transport",
                };
                let error = closed.error.as_ref();
                let cause = error.map_or("none", |error| labels::cause(error.kind()));
                counter!("rt_closed_total", "by" => by, "cause" => cause).increment(1);
            }
            ConnectionEvent::Restored(restored) => self.restored(now, restored),
            ConnectionEvent::Settled(settled)
                if settled.fate == Fate::Discarded(DiscardReason::ConnectionLost) =>
            {
                counter!("rt_messages_unconfirmed_total").increment(settled.count);
            }
            _ => {}
        }
    }

    fn restored(&self, now: Instant, restored: &Restored) {
        let cause = match restored.cause {
            RestoreCause::ConnectionLost(_) => "connection_lost",
            RestoreCause::Rollover => "rollover",
            RestoreCause::Restart => "restart",
            RestoreCause::Resumed => "resumed",
        };
        counter!("rt_restores_total", "cause" => cause).increment(1);
        // A session that took over from another was restored before it was told of.
        let was_told = matches!(cause, "connection_lost" | "resumed");
        if let Some(since) = self.opened_at.filter(|_| was_told) {
            histogram!("rt_restore_seconds").record(now.saturating_duration_since(since));
        }
        let whole = restored.restored.saturating_sub(restored.text_only) as u64;
        let lost = restored.lost_unlisted + restored.lost.len() as u64;
        for (result, count) in [
            ("restored", whole),
            ("text_only", restored.text_only as u64),
            ("lost", lost),
        ] {
            if count > 0 {
                counter!("rt_restore_items_total", "result" => result).increment(count);
            }
        }
    }

    fn end_session(&mut self, now: Instant) {
        if let Some(since) = self.opened_at.take() {
            histogram!("rt_session_age_seconds").record(now.saturating_duration_since(since));
        }
    }

    /// What waits to be sent, and what was dropped of it so far.
    pub(crate) fn queue(&mut self, now: &Waiting) {
        let last = &mut self.waiting;
        follow("rt_send_queue_messages", &mut last.messages, now.messages);
        follow("rt_send_queue_bytes", &mut last.bytes, now.bytes);
        follow(
            "rt_send_queue_audio_bytes",
            &mut last.audio_bytes,
            now.audio_bytes,
        );
        let millis = |bytes: u64| bytes * 1000 / AudioPolicy::BYTES_PER_SECOND;
        let before = std::mem::replace(&mut last.dropped_bytes, now.dropped_bytes);
        let dropped = millis(now.dropped_bytes).saturating_sub(millis(before));
        if dropped > 0 {
            counter!("rt_audio_dropped_milliseconds_total", "reason" => "live").increment(dropped);
        }
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.queue(&Waiting {
            dropped_bytes: self.waiting.dropped_bytes,
            ..Waiting::default()
        });
    }
}

/// Brings a gauge that all connections share from what this one had to what it has.
#[expect(clippy::cast_precision_loss, reason = "far below the limit of exact numbers")]
fn follow(name: &'static str, last: &mut usize, next: usize) {
    let before = std::mem::replace(last, next);
    if next > before {
        gauge!(name).increment((next - before) as f64);
    } else if before > next {
        gauge!(name).decrement((before - next) as f64);
    }
}

/// An event that waits for the consumer.
#[derive(Debug)]
pub(crate) struct Queued(Instant);

impl Queued {
    pub(crate) fn now() -> Self {
        gauge!("rt_event_queue_depth").increment(1.0);
        Self(Instant::now())
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        gauge!("rt_event_queue_depth").decrement(1.0);
        histogram!("rt_handler_lag_seconds").record(self.0.elapsed());
    }
}

/// What passes over a connection. Clones are of the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Waits>>);

/// What is being waited for on a connection.
#[derive(Debug, Default)]
struct Waits {
    /// The payload of the last ping, and when it was written.
    ping: Option<(Vec<u8>, Instant)>,
    /// Since when the first audio of a response is due.
    audio: Option<Instant>,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn waits(&self) -> std::sync::MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sent(&self, json: &[u8]) {
        let kind = labels::of_client(json);
        passed("out", kind, json.len());
        if kind == "response.create" {
            self.waits().audio = Some(Instant::now());
        }
    }

    pub(crate) fn received(&self, event: Result<&ServerEvent, &DecodeError>, bytes: usize) {
        let kind = match event {
            Ok(event) => labels::of_server(event.event_type()),
            Err(_) => "malformed",
        };
        passed("in", kind, bytes);
        match event {
            Ok(ServerEvent::InputAudioBufferSpeechStopped(_)) => self.waits().audio = Some(Instant::now()),
            Ok(ServerEvent::ResponseOutputAudioDelta(_)) => {
                if let Some(since) = self.waits().audio.take() {
                    histogram!("rt_first_audio_seconds").record(since.elapsed());
                }
            }
            Ok(ServerEvent::ResponseDone(done)) => response(&done.response),
            _ => {}
        }
    }

    pub(crate) fn ping(&self, payload: &[u8]) {
        self.waits().ping = Some((payload.to_vec(), Instant::now()));
    }

    pub(crate) fn pong(&self, payload: &[u8]) {
        if let Some((_, since)) = self.waits().ping.take_if(|(sent, _)| sent == payload) {
            histogram!("rt_ping_rtt_seconds").record(since.elapsed());
        }
    }
}

fn passed(direction: &'static str, kind: &'static str, bytes: usize) {
    counter!("rt_messages_total", "direction" => direction, "type" => kind).increment(1);
    counter!("rt_bytes_total", "direction" => direction).increment(bytes as u64);
}

fn response(response: &rt_protocol::Response) {
    let details = response.status_details.value();
    if let Some(error) = details.and_then(|details| details.error.value()) {
        let code = error.code.value().or_else(|| error.kind.value());
        let code = labels::response_code(code.map(String::as_str));
        counter!("rt_response_failed_total", "code" => code).increment(1);
    }
    let Some(usage) = response.usage.value() else {
        return;
    };
    let count = |kind: &'static str, tokens: &Field<u64>| {
        if let Some(tokens) = tokens.value().filter(|tokens| **tokens > 0) {
            counter!("rt_tokens_total", "kind" => kind).increment(*tokens);
        }
    };
    count("input", &usage.input_tokens);
    count("output", &usage.output_tokens);
    if let Some(input) = usage.input_token_details.value() {
        count("input_text", &input.text_tokens);
        count("input_audio", &input.audio_tokens);
        count("input_cached", &input.cached_tokens);
    }
    if let Some(output) = usage.output_token_details.value() {
        count("output_text", &output.text_tokens);
        count("output_audio", &output.audio_tokens);
    }
}
