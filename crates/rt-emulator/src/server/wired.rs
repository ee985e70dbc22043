//! [`Wired`]: a stream whose bytes travel as a fault wants them to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::stream::Stream;
use crate::wire::{Cut, Next, PongFilter, Shape, Shaper};

/// A stall longer than this is for ever.
const FOREVER: Duration = Duration::from_secs(30 * 24 * 3600);

/// A stream whose bytes travel as a fault wants them to.
///
/// Written bytes go through a [`Shaper`], and whoever polls the stream moves them on. A flush does not wait for what
/// the shaper holds back: a server that can't send still reads.
pub(super) struct Wired {
    /// The stream beneath.
    stream: Stream,
    /// When it began.
    since: Instant,
    /// What goes out.
    out: Shaper,
    /// Wakes when more may go out.
    out_timer: Pin<Box<Sleep>>,
    /// Nothing is read before this.
    deaf_until: Option<Duration>,
    /// Wakes when it may be read again.
    in_timer: Pin<Box<Sleep>>,
    /// Cuts the connection after so many more bytes were read.
    cut_in: Option<(u64, Cut)>,
    /// Takes the Pongs out.
    pongs: Option<PongFilter>,
    /// How it was cut.
    was_cut: Option<Cut>,
}

impl Wired {
    /// A stream that nothing happens to yet.
    pub(super) fn new(stream: Stream, seed: u64) -> Self {
        let since = Instant::now();
        Self {
            stream,
            since,
            out: Shaper::new(Shape::default(), seed),
            out_timer: Box::pin(sleep_until(since)),
            deaf_until: None,
            in_timer: Box::pin(sleep_until(since)),
            cut_in: None,
            pongs: None,
            was_cut: None,
        }
    }

    /// The stream beneath.
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The stream beneath, to be read past whatever goes wrong.
    pub(super) fn stream_mut(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// How what is sent travels from now on.
    pub(super) fn shape(&mut self, shape: Shape) {
        let now = self.now();
        self.out.set_shape(shape, now);
    }

    /// Nothing is sent for so long; [`Duration::MAX`] is for ever.
    pub(super) fn stall_writing(&mut self, duration: Duration) {
        let until = self.after(duration);
        self.out.stall_until(until);
    }

    /// Nothing is read for so long; [`Duration::MAX`] is for ever.
    pub(super) fn stall_reading(&mut self, duration: Duration) {
        self.deaf_until = Some(self.after(duration));
    }

    /// Cuts the connection after so many more bytes were sent.
    pub(super) fn cut_sending(&mut self, after: u64, how: Cut) {
        self.out.cut_after(after, how);
    }

    /// Cuts the connection after so many more bytes were received.
    pub(super) fn cut_receiving(&mut self, after: u64, how: Cut) {
        self.cut_in = Some((after, how));
    }

    /// Answers no Ping any more.
    pub(super) fn drop_pongs(&mut self) {
        self.pongs.get_or_insert_default();
    }

    /// How it was cut, if it was.
    pub(super) fn was_cut(&self) -> Option<Cut> {
        self.was_cut
    }

    /// The time since the stream began.
    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    /// When so much will have passed.
    fn after(&self, duration: Duration) -> Duration {
        if duration < FOREVER {
            self.now() + duration
        } else {
            Duration::MAX
        }
    }

    /// Cuts the connection, and says so to whoever uses the stream.
    fn cut(&mut self, how: Cut) -> io::Error {
        if self.was_cut.is_none() {
            self.was_cut = Some(how);
            match how {
                Cut::Reset => drop(self.stream.tcp().set_zero_linger()),
                // Beneath the encryption, which does not get to say goodbye.
                Cut::Fin => {
                    let socket = socket2::SockRef::from(self.stream.tcp());
                    drop(socket.shutdown(std::net::Shutdown::Write));
                }
            }
        }
        io::ErrorKind::BrokenPipe.into()
    }

    /// Moves on what may go out. Ready when nothing is left.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let now = self.now();
            match self.out.next(now) {
                Next::Write => {
                    let written = ready!(Pin::new(&mut self.stream).poll_write(cx, self.out.chunk()))?;
                    if written == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    self.out.wrote(now, written);
                }
                Next::At(at) => {
                    self.out_timer.as_mut().reset(self.since + at.min(FOREVER));
                    ready!(self.out_timer.as_mut().poll(cx));
                }
                Next::Idle if self.out.is_empty() => return Pin::new(&mut self.stream).poll_flush(cx),
                Next::Idle => return Poll::Pending,
                Next::Cut(how) => return Poll::Ready(Err(self.cut(how))),
            }
        }
    }
}

impl AsyncRead for Wired {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.out.is_transparent(this.now())
            && let Poll::Ready(Err(error)) = this.poll_out(cx)
        {
            return Poll::Ready(Err(error));
        }
        match this.deaf_until {
            Some(Duration::MAX) => return Poll::Pending,
            Some(until) => {
                this.in_timer.as_mut().reset(this.since + until.min(FOREVER));
                ready!(this.in_timer.as_mut().poll(cx));
                this.deaf_until = None;
            }
            None => {}
        }
        let Some((left, how)) = this.cut_in else {
            return Pin::new(&mut this.stream).poll_read(cx, into);
        };
        if left == 0 {
            return Poll::Ready(Err(this.cut(how)));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.remaining());
        let mut part = ReadBuf::new(into.initialize_unfilled_to(most));
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut part))?;
        let length = part.filled().len();
        into.advance(length);
        this.cut_in = Some((left - length as u64, how));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wired {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let now = this.now();
        if this.pongs.is_none() && this.out.is_transparent(now) {
            let written = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
            this.out.skip(written);
            return Poll::Ready(Ok(written));
        }
        if this.out.is_full() {
            match this.poll_out(cx) {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if this.out.is_full() => return Poll::Pending,
                _ => {}
            }
        }
        let piece = match &mut this.pongs {
            Some(filter) => Bytes::from(filter.filter(bytes)),
            None => Bytes::copy_from_slice(bytes),
        };
        this.out.push(now, piece);
        match this.poll_out(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.poll_out(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            // What the shaper holds back goes out when its time comes; what the socket can't take has to be waited for.
            Poll::Pending if self.out.next(self.now()) == Next::Write => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
