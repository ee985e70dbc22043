//! Interleaved rounds and medians.

use std::time::Duration;

use crate::cpu;

/// Something that can be measured: one call handles `messages` messages.
pub struct Subject<'a> {
    pub name: &'a str,
    pub messages: usize,
    pub run: Box<dyn Fn() + 'a>,
}

/// Nanoseconds of CPU time per message: for each subject the median of the rounds.
///
/// In each round every subject has a turn of at least `turn`, each time in another order, so that what disturbs the machine
/// for a while disturbs all of them.
pub fn interleaved(subjects: &[Subject<'_>], rounds: usize, turn: Duration) -> Vec<f64> {
    let calls: Vec<u32> = subjects.iter().map(|subject| calls_in(subject, turn)).collect();
    let mut samples = vec![Vec::with_capacity(rounds); subjects.len()];
    for round in 0..rounds {
        for turn in 0..subjects.len() {
            let at = (round + turn) % subjects.len();
            let took = time(&subjects[at], calls[at]);
            let messages = f64::from(calls[at]) * subjects[at].messages as f64;
            samples[at].push(took.as_nanos() as f64 / messages);
        }
    }
    samples
        .into_iter()
        .map(|mut samples| median(&mut samples))
        .collect()
}

/// The middle value.
pub fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() {
        0 => f64::NAN,
        len if len.is_multiple_of(2) => f64::midpoint(samples[middle - 1], samples[middle]),
        _ => samples[middle],
    }
}

/// How many calls fill `turn`. Finding out warms the subject up.
fn calls_in(subject: &Subject<'_>, turn: Duration) -> u32 {
    let mut calls = 1;
    while time(subject, calls) < turn && calls < 1 << 24 {
        calls *= 2;
    }
    calls
}

fn time(subject: &Subject<'_>, calls: u32) -> Duration {
    let start = cpu::thread();
    for _ in 0..calls {
        (subject.run)();
    }
    cpu::thread() - start
}
