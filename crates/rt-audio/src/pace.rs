//! [`Pacer`]: chunks at the speed of speech.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use rt_protocol::Pcm16;
use tokio::time::{Instant, Sleep, sleep_until};

/// What has a duration: a chunk, or the result of making one.
pub trait Timed {
    /// How long it lasts; an error lasts no time.
    fn duration(&self) -> Duration;
}

impl Timed for Pcm16 {
    fn duration(&self) -> Duration {
        self.duration()
    }
}

impl<T: Timed, E> Timed for Result<T, E> {
    fn duration(&self) -> Duration {
        self.as_ref().map_or(Duration::ZERO, Timed::duration)
    }
}

/// Releases the chunks of an iterator in real time, as a microphone would.
///
/// Each chunk is released when all chunks before it have had the time to be played: the first at once, the
/// others at the start plus the duration of what was released. The clock is absolute, so late wake-ups do
/// not add up; a consumer that was held up gets the chunks it missed at once.
///
/// It is a [`Stream`] too, for the adapters of the futures crate.
///
/// The iterator runs on the task that awaits. Decoding a chunk takes microseconds, but a slow disk or
/// network file system would block the task: read into memory first.
///
/// ```
/// use rt_audio::{Source, pace::Pacer};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), rt_audio::Error> {
/// let source = Source::open("../../fixtures/audio/question.wav")?;
/// let mut pacer = Pacer::new(source.chunks(Duration::from_millis(100)));
/// while let Some(chunk) = pacer.next().await {
///     let chunk = chunk?; // Send it.
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pacer<I: Iterator> {
    /// Where chunks come from.
    chunks: I,
    /// The chunk that waits for its time.
    held: Option<I::Item>,
    /// When the first chunk was asked for.
    start: Option<Instant>,
    /// The duration of what was released.
    sent: Duration,
    /// How far ahead of the clock chunks are released.
    lead: Duration,
    /// The alarm for the chunk that waits.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<I> Pacer<I>
where
    I: Iterator,
    I::Item: Timed,
{
    /// Paces chunks. The clock starts with the first call of [`next`](Self::next).
    pub fn new(chunks: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            chunks: chunks.into_iter(),
            held: None,
            start: None,
            sent: Duration::ZERO,
            lead: Duration::ZERO,
            sleep: None,
        }
    }

    /// Releases chunks this far ahead of the clock, to fill a buffer on the other side. Default: zero.
    #[must_use]
    pub fn lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// The next chunk, when its time has come; `None` after the last one, at once.
    ///
    /// # Cancel safety
    /// A call that is dropped loses nothing: the next one goes on waiting for the same chunk.
    pub async fn next(&mut self) -> Option<I::Item> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next chunk, if its time has come.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<I::Item>> {
        if self.held.is_none() {
            self.held = self.chunks.next();
        }
        let Some(held) = &self.held else {
            return Poll::Ready(None);
        };
        let duration = held.duration();
        let start = *self.start.get_or_insert_with(Instant::now);
        let due = start + self.sent.saturating_sub(self.lead);
        if due > Instant::now() {
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if sleep.deadline() != due {
                sleep.as_mut().reset(due);
            }
            ready!(sleep.as_mut().poll(context));
        }
        self.sent += duration;
        Poll::Ready(self.held.take())
    }

    /// The duration of what was released.
    #[must_use]
    pub fn sent(&self) -> Duration {
        self.sent
    }

    /// The iterator, for its progress or report.
    #[must_use]
    pub fn chunks(&self) -> &I {
        &self.chunks
    }
}

/// Nothing is pinned but the alarm, which is in a box.
impl<I: Iterator> Unpin for Pacer<I> {}

impl<I> Stream for Pacer<I>
where
    I: Iterator,
    I::Item: Timed,
{
    type Item = I::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<I::Item>> {
        self.get_mut().poll(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let held = usize::from(self.held.is_some());
        let (least, most) = self.chunks.size_hint();
        (
            least.saturating_add(held),
            most.and_then(|most| most.checked_add(held)),
        )
    }
}

impl<I: Iterator> fmt::Debug for Pacer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("sent", &self.sent)
            .field("lead", &self.lead)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures::StreamExt as _;
    use tokio::time::{advance, sleep, timeout};

    use super::*;

    const CHUNK: Duration = Duration::from_millis(20);

    fn chunks(number: i16) -> Vec<Pcm16> {
        (0..number).map(|n| Pcm16::from_samples(&[n; 480])).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_chunk_comes_when_those_before_it_were_played() {
        let mut pacer = Pacer::new(chunks(50));
        let start = Instant::now();
        for n in 0..50 {
            let chunk = pacer.next().await.unwrap();
            assert_eq!(chunk.samples().next(), Some(n));
            assert_eq!(start.elapsed(), CHUNK * u32::try_from(n).unwrap());
        }
        assert_eq!(pacer.next().await, None);
        assert_eq!(pacer.sent(), Duration::from_secs(1));
        assert_eq!(start.elapsed(), Duration::from_millis(980));
    }

    #[tokio::test(start_paused = true)]
    async fn work_between_chunks_does_not_add_up() {
        let mut pacer = Pacer::new(chunks(100));
        let start = Instant::now();
        while pacer.next().await.is_some() {
            sleep(Duration::from_millis(7)).await;
        }
        assert_eq!(start.elapsed(), CHUNK * 99 + Duration::from_millis(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_consumer_catches_up() {
        let mut pacer = Pacer::new(chunks(10));
        pacer.next().await;
        advance(CHUNK * 5).await;
        let late = Instant::now();
        for _ in 0..5 {
            pacer.next().await;
        }
        assert_eq!(late.elapsed(), Duration::ZERO);
        pacer.next().await;
        assert_eq!(late.elapsed(), CHUNK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_call_loses_nothing() {
        let mut pacer = Pacer::new(chunks(30));
        let mut got = Vec::new();
        while got.len() < 30 {
            if let Ok(Some(chunk)) = timeout(Duration::from_millis(3), pacer.next()).await {
                got.push(chunk);
            }
        }
        assert_eq!(got, chunks(30));
        assert_eq!(pacer.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn as_a_stream_it_keeps_the_same_time() {
        let start = Instant::now();
        let stream = Pacer::new(chunks(10)).map(|chunk| (chunk.len(), start.elapsed()));
        assert_eq!(stream.size_hint(), (10, Some(10)));
        let times: Vec<_> = stream.collect().await;
        let expected: Vec<_> = (0..10).map(|n| (480, CHUNK * n)).collect();
        assert_eq!(times, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lead_goes_out_at_once() {
        let mut pacer = Pacer::new(chunks(10)).lead(CHUNK * 3);
        let start = Instant::now();
        for _ in 0..4 {
            pacer.next().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        pacer.next().await;
        assert_eq!(start.elapsed(), CHUNK);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_pass_without_delay() {
        let mut pacer = Pacer::new(vec![Ok(Pcm16::silence(CHUNK)), Err("broken")]);
        assert!(pacer.next().await.unwrap().is_ok());
        let mut next = Box::pin(pacer.next());
        assert!(
            next.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        assert_eq!(next.await, Some(Err("broken")));
        assert!(pacer.next().await.is_none());
    }
}
