//! [`Stopwatch`]: how long answers and functions take.

use std::collections::{HashMap, VecDeque};
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
    /// When functions ran since then, apart from each other and in order.
    in_tools: VecDeque<(Duration, Duration)>,
    /// When each `response.create` was sent, by its event id; the oldest first.
    asked: VecDeque<(String, Duration)>,
    timed: HashMap<String, Timed>,
}

impl Stopwatch {
    /// The user stopped speaking.
    pub(crate) fn speech_ended(&mut self, now: Duration) {
        self.speech_ended = Some(now);
        self.in_tools.clear();
    }

    /// The user speaks: what was measured is not the answer to that.
    pub(crate) fn speech_began(&mut self) {
        self.speech_ended = None;
    }

    /// A response was asked for.
    pub(crate) fn asked(&mut self, key: &str, now: Duration) {
        // Those that were refused are never answered.
        if self.asked.len() >= MAX_TIMED {
            self.asked.pop_front();
        }
        self.asked.push_back((key.to_owned(), now));
    }

    /// There will be no response to a request.
    pub(crate) fn lost(&mut self) {
        self.asked.clear();
    }

    /// A response began; `outside` is whether it is none of the conversation.
    pub(crate) fn created(&mut self, response_id: &str, key: Option<&str>, outside: bool, now: Duration) {
        let at = key.and_then(|key| self.asked.iter().position(|(asked, _)| asked == key));
        let asked = at.and_then(|at| self.asked.remove(at)).map(|(_, when)| when);
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
        // A response that only calls functions is not what the user waits for, nor is one that began before the end of speech.
        let created = timed.created;
        let speech_ended = if timed.outside {
            None
        } else {
            self.speech_ended.take_if(|ended| *ended <= created)
        };
        let in_tools = self
            .in_tools
            .iter()
            .map(|(from, to)| to.saturating_sub(*from))
            .sum();
        timed.timing = Timing {
            after_speech: speech_ended.map(since),
            in_tools: speech_ended.map_or(Duration::ZERO, |_| in_tools),
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
        let Some(ended) = self.speech_ended else { return };
        let mut from = ended.max(now.saturating_sub(took));
        while let Some((begun, _)) = self.in_tools.pop_back_if(|(_, to)| *to >= from) {
            from = from.min(begun);
        }
        if self.in_tools.len() >= MAX_TIMED {
            self.in_tools.pop_front();
        }
        self.in_tools.push_back((from, now.max(from)));
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

    #[test]
    fn functions_that_run_within_each_other_are_counted_once_and_whole() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.speech_ended(ms(1000));
        // From 1400 to 1600, within 1100 to 2000; and from 500 on, of which only what is after the speech counts.
        stopwatch.tool(ms(200), ms(1600));
        stopwatch.tool(ms(900), ms(2000));
        stopwatch.created("r", None, false, ms(2000));
        assert_eq!(first(&mut stopwatch, "r", 2100).in_tools, ms(900));
        stopwatch.speech_ended(ms(3000));
        stopwatch.tool(ms(2500), ms(3200));
        stopwatch.created("r2", None, false, ms(3200));
        assert_eq!(first(&mut stopwatch, "r2", 3300).in_tools, ms(200));
    }

    #[test]
    fn a_response_that_began_before_the_end_of_speech_does_not_answer_it() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.created("before", None, false, ms(900));
        stopwatch.speech_ended(ms(1000));
        assert_eq!(first(&mut stopwatch, "before", 1100).after_speech, None);
        stopwatch.created("after", None, false, ms(1200));
        assert_eq!(first(&mut stopwatch, "after", 1300).after_speech, Some(ms(300)));
    }

    #[test]
    fn requests_that_were_refused_are_forgotten() {
        let mut stopwatch = Stopwatch::default();
        for n in 0..=MAX_TIMED {
            stopwatch.asked(&n.to_string(), ms(10));
        }
        stopwatch.asked("key", ms(20));
        stopwatch.created("r", Some("key"), false, ms(30));
        assert_eq!(first(&mut stopwatch, "r", 50).after_request, Some(ms(30)));
        assert_eq!(stopwatch.asked.len(), MAX_TIMED - 1);
    }
}
