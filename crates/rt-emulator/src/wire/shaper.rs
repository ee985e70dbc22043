//! [`Shaper`]: one direction of a connection. Pure: bytes go in, and come out when the [`Shape`] lets them.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, Bytes};

use super::{Cut, Shape};

/// What may wait before its sender has to: about what the buffers of a kernel take.
const MAX_QUEUED: usize = 4 << 20;
/// How late a timer can be.
const MAX_LATE: Duration = Duration::from_millis(50);
/// With a limited bandwidth, a write is what it carries in this many parts of a second.
const PARTS: u64 = 100;

/// One direction of a connection.
#[derive(Debug)]
pub(crate) struct Shaper {
    /// How bytes travel.
    shape: Shape,
    /// A cut that was asked for besides the shape's: after how many bytes in all, and how.
    cut: Option<(u64, Cut)>,
    /// The source of jitter.
    rng: fastrand::Rng,
    /// What is on its way, and when it may arrive.
    queue: VecDeque<(Duration, Bytes)>,
    /// The length of it.
    queued: usize,
    /// Bytes that arrived.
    passed: u64,
    /// The next write comes no sooner.
    ready_at: Duration,
    /// Nothing arrives before this; [`Duration::MAX`] is never.
    stalled_until: Duration,
}

/// What can be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// [`Shaper::chunk`] may be written.
    Write,
    /// Nothing before this time.
    At(Duration),
    /// Nothing until something changes.
    Idle,
    /// The connection is to be cut.
    Cut(Cut),
}

impl Shaper {
    /// An empty line.
    pub(crate) fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            cut: None,
            rng: fastrand::Rng::with_seed(seed),
            queue: VecDeque::new(),
            queued: 0,
            passed: 0,
            ready_at: Duration::ZERO,
            stalled_until: Duration::ZERO,
        }
    }

    /// Bytes travel in another way from now on; what waits for its time waits no longer.
    pub(crate) fn set_shape(&mut self, shape: Shape, now: Duration) {
        if shape == self.shape {
            return;
        }
        if shape.delay < self.shape.delay || shape.jitter < self.shape.jitter {
            for (due, _) in &mut self.queue {
                *due = (*due).min(now);
            }
        }
        self.ready_at = self.ready_at.min(now);
        self.shape = shape;
    }

    /// Nothing arrives until then; an end in the past is the end of the stall.
    pub(crate) fn stall_until(&mut self, until: Duration) {
        self.stalled_until = until;
    }

    /// Cuts the connection after so many more bytes.
    pub(crate) fn cut_after(&mut self, bytes: u64, how: Cut) {
        self.cut = Some((self.passed.saturating_add(bytes), how));
    }

    /// The cut that comes first.
    fn first_cut(&self) -> Option<(u64, Cut)> {
        self.cut
            .into_iter()
            .chain(self.shape.cut)
            .min_by_key(|(after, _)| *after)
    }

    /// Whether it changes nothing and holds nothing, so that bytes may go past it.
    pub(crate) fn is_transparent(&self, now: Duration) -> bool {
        self.queue.is_empty()
            && self.shape == Shape::default()
            && self.cut.is_none()
            && self.stalled_until <= now
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the sender has to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.queued >= MAX_QUEUED
    }

    /// Whether nothing gets through, not even the end.
    pub(crate) fn is_hole(&self) -> bool {
        self.shape.hole
    }

    /// Whether bytes get through.
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        !self.shape.hole && self.stalled_until <= now
    }

    /// Bytes that arrived.
    #[cfg(test)]
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Puts bytes on their way.
    pub(crate) fn push(&mut self, now: Duration, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut due = now.saturating_add(self.shape.delay);
        if !self.shape.jitter.is_zero() {
            due = due.saturating_add(self.shape.jitter.mul_f64(self.rng.f64()));
        }
        // No piece overtakes the one before it.
        if let Some((last, _)) = self.queue.back() {
            due = due.max(*last);
        }
        self.queued += bytes.len();
        self.queue.push_back((due, bytes));
    }

    /// Bytes went past it, since it is transparent.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.passed += bytes as u64;
    }

    /// What can be done now.
    pub(crate) fn next(&self, now: Duration) -> Next {
        if self.shape.hole || self.stalled_until == Duration::MAX {
            return Next::Idle;
        }
        if self.stalled_until > now {
            return Next::At(self.stalled_until);
        }
        if let Some((_, how)) = self.first_cut().filter(|(after, _)| *after <= self.passed) {
            return Next::Cut(how);
        }
        match self.queue.front() {
            None => Next::Idle,
            Some((due, _)) if (*due).max(self.ready_at) > now => Next::At((*due).max(self.ready_at)),
            Some(_) => Next::Write,
        }
    }

    /// What may be written in one go.
    pub(crate) fn chunk(&self) -> &[u8] {
        let Some((_, bytes)) = self.queue.front() else {
            return &[];
        };
        let mut most = self.shape.slice.unwrap_or(usize::MAX);
        if let Some(bandwidth) = self.shape.bandwidth {
            most = most.min(usize::try_from(bandwidth / PARTS).unwrap_or(usize::MAX).max(1));
        }
        if let Some((after, _)) = self.first_cut() {
            let left = after.saturating_sub(self.passed);
            most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        &bytes[..bytes.len().min(most)]
    }

    /// So much of the chunk was written.
    pub(crate) fn wrote(&mut self, now: Duration, length: usize) {
        let Some((_, bytes)) = self.queue.front_mut() else {
            return;
        };
        bytes.advance(length);
        if bytes.is_empty() {
            self.queue.pop_front();
        }
        self.queued -= length;
        self.passed += length as u64;
        let mut pause = self.shape.every;
        if let Some(bandwidth) = self.shape.bandwidth {
            let seconds = length as f64 / bandwidth as f64;
            pause = pause.max(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        }
        // A timer that was late is made up for; time in which there was nothing to send is not.
        let late = now.saturating_sub(self.ready_at);
        let from = if late <= MAX_LATE { self.ready_at } else { now };
        self.ready_at = if pause.is_zero() {
            now
        } else {
            from.saturating_add(pause)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Lets `shaper` run to `until` and returns what was written when.
    fn run(shaper: &mut Shaper, now: &mut Duration, until: Duration) -> Vec<(Duration, Vec<u8>)> {
        let mut writes = Vec::new();
        loop {
            match shaper.next(*now) {
                Next::Write => {
                    let chunk = shaper.chunk().to_vec();
                    shaper.wrote(*now, chunk.len());
                    writes.push((*now, chunk));
                }
                Next::At(at) if at <= until => *now = at,
                _ => {
                    *now = until;
                    return writes;
                }
            }
        }
    }

    fn shaper(shape: Shape) -> Shaper {
        Shaper::new(shape, 7)
    }

    #[test]
    fn nothing_changes_by_default() {
        let mut line = shaper(Shape::default());
        assert!(line.is_transparent(Duration::ZERO));
        line.push(Duration::ZERO, Bytes::from_static(b"hello"));
        let mut now = Duration::ZERO;
        assert_eq!(
            run(&mut line, &mut now, MS),
            [(Duration::ZERO, b"hello".to_vec())]
        );
        assert_eq!((line.passed(), line.is_empty()), (5, true));
    }

    #[test]
    fn delay_and_jitter_keep_the_order() {
        let mut line = shaper(Shape::default().delay(50 * MS).jitter(100 * MS));
        for n in 0..100u8 {
            line.push(MS * u32::from(n), Bytes::from(vec![n]));
        }
        let mut now = Duration::ZERO;
        let writes = run(&mut line, &mut now, Duration::from_secs(1));
        let bytes: Vec<u8> = writes.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(bytes, (0..100).collect::<Vec<u8>>());
        for (at, bytes) in &writes {
            let sent = MS * u32::from(bytes[0]);
            assert!(*at >= sent + 50 * MS && *at <= sent + 250 * MS, "{at:?}");
        }
        assert!(
            writes
                .iter()
                .any(|(at, bytes)| *at > MS * u32::from(bytes[0]) + 60 * MS)
        );
    }

    #[test]
    fn drips_and_bandwidth_take_their_time() {
        let mut line = shaper(Shape::default().drip(2, 10 * MS));
        line.push(Duration::ZERO, Bytes::from_static(b"abcde"));
        let mut now = Duration::ZERO;
        let writes = run(&mut line, &mut now, Duration::from_secs(1));
        let sizes: Vec<usize> = writes.iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(sizes, [2, 2, 1]);
        assert!(writes[2].0 - writes[1].0 >= 10 * MS);

        let mut line = shaper(Shape::default().bandwidth(64_000));
        let mut now = Duration::from_secs(5);
        line.push(now, Bytes::from(vec![0; 128_000]));
        let writes = run(&mut line, &mut now, Duration::from_secs(60));
        let last = writes.last().unwrap().0 - Duration::from_secs(5);
        assert!(last > 1800 * MS && last <= 2000 * MS, "{last:?}");
    }

    #[test]
    fn a_hole_gives_back_what_it_took() {
        let mut line = shaper(Shape::default().hole());
        line.push(Duration::ZERO, Bytes::from_static(b"abc"));
        let mut now = Duration::ZERO;
        assert_eq!(run(&mut line, &mut now, Duration::from_secs(9)), []);
        line.set_shape(Shape::default(), now);
        assert_eq!(run(&mut line, &mut now, Duration::from_secs(10))[0].1, b"abc");
        line.stall_until(Duration::from_secs(12));
        line.push(now, Bytes::from_static(b"d"));
        let writes = run(&mut line, &mut now, Duration::from_secs(20));
        assert_eq!(writes, [(Duration::from_secs(12), b"d".to_vec())]);
        line.stall_until(Duration::MAX);
        assert_eq!(line.next(now), Next::Idle);
        line.stall_until(Duration::ZERO);
        assert!(line.is_transparent(now));
    }

    #[test]
    fn cuts_at_the_byte() {
        let mut line = shaper(Shape::default().cut(3, Cut::Reset));
        line.push(Duration::ZERO, Bytes::from_static(b"ab"));
        line.push(Duration::ZERO, Bytes::from_static(b"cdef"));
        let mut now = Duration::ZERO;
        let writes = run(&mut line, &mut now, MS);
        let bytes: Vec<u8> = writes.into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(bytes, b"abc");
        assert_eq!(line.next(now), Next::Cut(Cut::Reset));

        let mut line = shaper(Shape::default());
        line.skip(10);
        line.cut_after(1, Cut::Fin);
        line.push(now, Bytes::from_static(b"ab"));
        assert_eq!(run(&mut line, &mut now, 2 * MS)[0].1, b"a");
        assert_eq!(line.next(now), Next::Cut(Cut::Fin));
    }

    #[test]
    fn times_without_end_do_not_overflow() {
        let now = Duration::from_secs(1);
        let mut line = shaper(Shape::default().delay(Duration::MAX).jitter(Duration::MAX));
        line.push(now, Bytes::from_static(b"never"));
        assert_eq!(line.next(now), Next::At(Duration::MAX));
        let mut line = shaper(Shape::default().jitter(Duration::MAX));
        line.push(now, Bytes::from_static(b"hardly"));
        assert!(matches!(line.next(now), Next::At(_)));
        let mut line = shaper(Shape::default().drip(1, Duration::MAX));
        line.push(now, Bytes::from_static(b"ab"));
        assert_eq!(line.next(now), Next::Write);
        line.wrote(now, 1);
        assert_eq!(line.next(now), Next::At(Duration::MAX));
        line.stall_until(Duration::MAX);
        assert_eq!(line.next(now), Next::Idle);
    }

    #[test]
    fn a_full_line_lets_its_sender_wait() {
        let mut line = shaper(Shape::default().hole());
        line.push(Duration::ZERO, Bytes::from(vec![0; MAX_QUEUED]));
        assert!(line.is_full());
        assert!(!shaper(Shape::default()).is_full());
    }
}
