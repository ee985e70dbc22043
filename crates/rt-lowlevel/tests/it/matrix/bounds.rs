//! F12 and F51: what a server without end can make a client take in. What was never read is not held either.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use rt_lowlevel::transport::{DialError, Dialer, Io, Target};
use rt_lowlevel::{Builder, ErrorKind};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

use crate::support::*;

/// What the client has read: bytes, and in how many reads.
#[derive(Clone, Default)]
struct Taken {
    bytes: Arc<AtomicUsize>,
    reads: Arc<AtomicUsize>,
}

/// A stream that counts what is read from it.
struct Counted(DuplexStream, Taken);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.0).poll_read(cx, buffer);
        let taken = buffer.filled().len() - before;
        self.1.bytes.fetch_add(taken, Ordering::SeqCst);
        self.1.reads.fetch_add(usize::from(taken > 0), Ordering::SeqCst);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Runs a script as the server at the other end of a pipe.
struct Pipe<F>(F, Taken);

#[async_trait::async_trait]
impl<F, R> Dialer for Pipe<F>
where
    F: Fn(DuplexStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    async fn dial(&self, _: &Target) -> Result<Box<dyn Io>, DialError> {
        let (ours, theirs) = duplex(64 << 10);
        tokio::spawn(self.0(theirs));
        Ok(Box::new(Counted(ours, self.1.clone())))
    }
}

fn through<F, R>(script: F) -> (Builder, Taken)
where
    F: Fn(DuplexStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let taken = Taken::default();
    let endpoint = rt_lowlevel::Endpoint::from_url("ws://127.0.0.1:1/v1/realtime?model=m").unwrap();
    (builder(endpoint).dialer(Pipe(script, taken.clone())), taken)
}

/// A session, and then these bytes, the last of them again and again until nobody reads any more.
async fn flood(stream: DuplexStream, first: Vec<u8>, then: Vec<u8>) {
    let mut ws = Ws::accept(stream).await;
    ws.created(1).await;
    let mut stream = ws.0.into_inner();
    let _ = stream.write_all(&first).await;
    while stream.write_all(&then).await.is_ok() {}
}

#[tokio::test]
async fn f12_headers_without_end_are_read_up_to_the_limit() {
    for line in ["x".repeat(1000), "a: b\r\n".to_owned()] {
        let line = Arc::new(line);
        let (builder, taken) = through(move |mut stream| {
            let line = Arc::clone(&line);
            async move {
                let _ = stream.write_all(b"HTTP/1.1 101 x\r\na: ").await;
                while stream.write_all(line.as_bytes()).await.is_ok() {}
            }
        });
        let error = within(builder.connect()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        let bytes = taken.bytes.load(Ordering::SeqCst);
        assert!(bytes <= 256 << 10, "{bytes} bytes were read of headers");
    }
}

#[tokio::test]
async fn f51_fragments_beyond_the_limit_are_not_read() {
    const MIB: usize = 1 << 20;
    let mut fragment = vec![0x00, 127];
    fragment.extend((MIB as u64).to_be_bytes());
    fragment.resize(fragment.len() + MIB, b'x');
    let (builder, taken) = through(move |stream| flood(stream, vec![0x01, 1, b'"'], fragment.clone()));
    let mut connection = within(builder.connect()).await.unwrap();
    let events = all(&mut connection).await;
    assert_eq!(cause(&events).kind(), ErrorKind::MessageTooLarge);
    let bytes = taken.bytes.load(Ordering::SeqCst);
    assert!(bytes <= 16 * MIB + (256 << 10), "{bytes} bytes were read");
}

#[tokio::test]
async fn f51_fragments_of_one_byte_are_read_in_blocks_up_to_the_limit() {
    let limit = 300_000;
    let block = [0x00, 1, b'x'].repeat(20_000);
    let (builder, taken) = through(move |stream| flood(stream, vec![0x01, 1, b'"'], block.clone()));
    let mut config = quick();
    config.limits.message = limit;
    let mut connection = within(builder.config(config).connect()).await.unwrap();
    let events = all(&mut connection).await;
    assert_eq!(cause(&events).kind(), ErrorKind::MessageTooLarge);
    let (bytes, reads) = (
        taken.bytes.load(Ordering::SeqCst),
        taken.reads.load(Ordering::SeqCst),
    );
    assert!(bytes <= limit * 3 + (256 << 10), "{bytes} bytes were read");
    // A frame costs no read of its own: there are 300,000 of them.
    assert!(reads <= 1000, "{reads} reads for {bytes} bytes");
}
