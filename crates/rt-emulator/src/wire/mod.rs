//! [`Shape`] and [`Cut`]: how bytes travel, and how their way ends.

mod pongs;
mod shaper;

use std::time::Duration;

use serde::Deserialize;

pub(crate) use self::pongs::PongFilter;
pub(crate) use self::shaper::{Next, Shaper};

/// How the bytes of one direction of a connection travel. The default changes nothing.
///
/// ```
/// use std::time::Duration;
/// use rt_emulator::wire::Shape;
///
/// let bad_line = Shape::default().delay(Duration::from_millis(50)).jitter(Duration::from_millis(100)).bandwidth(64_000);
/// let dribble = Shape::default().drip(1, Duration::from_millis(2));
/// assert_ne!(bad_line, dribble);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shape {
    /// How much later everything arrives.
    pub delay: Duration,
    /// By chance up to so much later still, piece by piece. The order stays.
    pub jitter: Duration,
    /// The most bytes in one write; `None` for any number.
    pub slice: Option<usize>,
    /// From one write to the next.
    pub every: Duration,
    /// Bytes per second; `None` for any number.
    pub bandwidth: Option<u64>,
    /// Whether nothing gets through, not even the end of the connection. What was sent into the hole arrives when it
    /// closes again, as TCP would have it.
    pub hole: bool,
    /// After how many bytes, counted from the start of the connection, it is cut, and how.
    pub cut: Option<(u64, Cut)>,
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cut {
    /// The stream ends (FIN), without a Close frame and, if it is encrypted, without `close_notify`.
    Fin,
    /// The connection is reset (RST): what was on its way may be lost.
    Reset,
}

impl Shape {
    /// Everything arrives so much later.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Everything arrives up to so much later still, by chance.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// At most so many bytes, 1 at least, in one write.
    #[must_use]
    pub fn slice(mut self, bytes: usize) -> Self {
        self.slice = Some(bytes.max(1));
        self
    }

    /// So many bytes, 1 at least, each time so much has passed.
    #[must_use]
    pub fn drip(mut self, bytes: usize, every: Duration) -> Self {
        self.slice = Some(bytes.max(1));
        self.every = every;
        self
    }

    /// So many bytes per second, 1 at least.
    #[must_use]
    pub fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second.max(1));
        self
    }

    /// Nothing gets through.
    #[must_use]
    pub fn hole(mut self) -> Self {
        self.hole = true;
        self
    }

    /// Cuts each connection after so many bytes of this direction.
    #[must_use]
    pub fn cut(mut self, after: u64, how: Cut) -> Self {
        self.cut = Some((after, how));
        self
    }
}
