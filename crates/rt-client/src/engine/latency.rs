//! [`Stopwatch`]: how long answers and functions take.

use std::collections::HashMap;
use std::time::Duration;

use crate::event::{Latency, Timing};

/// Responses and requests that are timed at once.
const MAX_TIMED: usize = 64;

/// The moments of a response.
#[derive(Debug)]
struct Timed {
    asked: Option<Duration>,
    created: Duration,
    outside: bool,
    timing: Timing,
}

/// Measures how long an answer takes.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    /// The user stopped speaking, and has heard no answer yet.
    speech_ended: Option<Duration>,
    /// In which functions ran since then, and until when that is counted.
    in_tools: Duration,
    counted_until: Duration,
    /// When each `response.create` was sent, by its event id.
    asked: HashMap<String, Duration>,
    timed: HashMap<String, Timed>,
}

impl Stopwatch {
    /// The user stopped speaking.
    pub(crate) fn speech_ended(&mut self, now: Duration) {
        self.speech_ended = Some(now);
        self.in_tools = Duration::ZERO;
        self.counted_until = now;
    }

    /// The user speaks: what was measured is not the answer to that.
    pub(crate) fn speech_began(&mut self) {
        self.speech_ended = None;
    }

    /// A response was asked for.
    pub(crate) fn asked(&mut self, key: &str, now: Duration) {
        if self.asked.len() < MAX_TIMED {
            self.asked.insert(key.to_owned(), now);
        }
    }

    /// There will be no response to a request.
    pub(crate) fn lost(&mut self) {
        self.asked.clear();
    }

    /// A response began; `outside` is whether it is none of the conversation.
    pub(crate) fn created(&mut self, response_id: &str, key: Option<&str>, outside: bool, now: Duration) {
        let asked = key.and_then(|key| self.asked.remove(key));
        if self.timed.len() < MAX_TIMED {
            let timed = Timed {
                asked,
                created: now,
                outside,
                timing: Timing::default(),
            };
            self.timed.insert(response_id.to_owned(), timed);
        }
    }

    /// A response has output; told of the first only.
    pub(crate) fn output(&mut self, response_id: &str, now: Duration) -> Option<Latency> {
        let timed = self.timed.get_mut(response_id)?;
        if timed.timing.after_created.is_some() {
            return None;
        }
        let since = |then: Duration| now.saturating_sub(then);
        // A response that only calls functions is not what the user waits for.
        let speech_ended = if timed.outside {
            None
        } else {
            self.speech_ended.take()
        };
        timed.timing = Timing {
            after_speech: speech_ended.map(since),
            in_tools: speech_ended.map_or(Duration::ZERO, |_| self.in_tools),
            after_request: timed.asked.map(since),
            after_created: Some(since(timed.created)),
        };
        Some(Latency::FirstOutput {
            response_id: response_id.to_owned(),
            timing: timed.timing,
        })
    }

    /// A function returned. Those that ran side by side are counted once.
    pub(crate) fn tool(&mut self, took: Duration, now: Duration) {
        let from = self.counted_until.max(now.saturating_sub(took));
        self.in_tools += now.saturating_sub(from);
        self.counted_until = self.counted_until.max(now);
    }

    /// A response is over: its times.
    pub(crate) fn done(&mut self, response_id: &str) -> Timing {
        self.timed
            .remove(response_id)
            .map(|timed| timed.timing)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn first(stopwatch: &mut Stopwatch, id: &str, at: u64) -> Timing {
        match stopwatch.output(id, ms(at)) {
            Some(Latency::FirstOutput { response_id, timing }) => {
                assert_eq!(response_id, id);
                timing
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_to_speech_is_timed_from_its_end() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.speech_ended(ms(1000));
        stopwatch.created("r1", None, false, ms(1200));
        let timing = first(&mut stopwatch, "r1", 1500);
        assert_eq!(timing.after_speech, Some(ms(500)));
        assert_eq!(timing.after_created, Some(ms(300)));
        assert_eq!(timing.after_request, None);
        // Once; and the next response is not an answer to that speech.
        assert_eq!(stopwatch.output("r1", ms(1600)), None);
        assert_eq!(stopwatch.done("r1"), timing);
        stopwatch.created("r2", None, false, ms(2000));
        assert_eq!(first(&mut stopwatch, "r2", 2100).after_speech, None);
    }

    #[test]
    fn functions_are_a_part_of_the_wait() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.speech_ended(ms(1000));
        stopwatch.created("calls", None, false, ms(1100));
        // From 1200 to 1500 and from 1300 to 1800, side by side.
        stopwatch.tool(ms(300), ms(1500));
        stopwatch.tool(ms(500), ms(1800));
        assert_eq!(stopwatch.done("calls"), Timing::default());
        stopwatch.asked("key", ms(1850));
        stopwatch.created("follow-up", Some("key"), false, ms(1900));
        let timing = first(&mut stopwatch, "follow-up", 2000);
        assert_eq!(timing.after_speech, Some(ms(1000)));
        assert_eq!(timing.in_tools, ms(600));
        assert_eq!(timing.after_request, Some(ms(150)));
    }

    #[test]
    fn requests_are_not_taken_for_each_other() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.speech_ended(ms(0));
        stopwatch.asked("outside", ms(10));
        stopwatch.asked("inside", ms(20));
        stopwatch.created("in", Some("inside"), false, ms(30));
        stopwatch.created("out", Some("outside"), true, ms(40));
        assert_eq!(first(&mut stopwatch, "out", 60).after_speech, None);
        let timing = first(&mut stopwatch, "in", 70);
        assert_eq!(timing.after_request, Some(ms(50)));
        assert_eq!(timing.after_speech, Some(ms(70)));
        // Speech that goes on is not answered yet.
        stopwatch.speech_ended(ms(100));
        stopwatch.speech_began();
        stopwatch.created("r", None, false, ms(110));
        assert_eq!(first(&mut stopwatch, "r", 120).after_speech, None);
    }
}
