//! [`Input`]: any reader, as the decoders want it.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Mutex;

use symphonia::core::io::MediaSource;

use crate::error::{Error, ErrorKind};

/// How far back a stream can be sought: far enough for every header, whose parts are looked at twice.
const WINDOW: usize = 4096;

/// What can be read from and sought in.
pub(crate) trait Media: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Media for T {}

/// Where the bytes come from.
enum Origin {
    /// Something with a length.
    Media { inner: Box<dyn Media>, len: u64 },
    /// A pipe.
    Stream(Stream),
}

/// A reader that may or may not be able to seek.
pub(crate) struct Input {
    /// Where the bytes come from.
    origin: Origin,
    /// Whether the decoders must do without seeking and without the length, as with a pipe.
    sequential: bool,
}

impl Input {
    /// Measures a reader and goes to its start.
    pub(crate) fn new(mut inner: Box<dyn Media>) -> Result<Self, Error> {
        let len = inner
            .seek(SeekFrom::End(0))
            .and_then(|len| inner.rewind().map(|()| len))
            .map_err(|error| Error::io("seeking failed (a pipe is read with `from_stream`)", error))?;
        Ok(Self {
            origin: Origin::Media { inner, len },
            sequential: false,
        })
    }

    /// Takes a reader that cannot seek, from where it is.
    pub(crate) fn stream(reader: Box<dyn Read + Send>) -> Self {
        Self {
            origin: Origin::Stream(Stream::new(reader)),
            sequential: true,
        }
    }

    /// The length in bytes, unless this is a stream.
    pub(crate) fn len(&self) -> Option<u64> {
        match &self.origin {
            Origin::Media { len, .. } => Some(*len),
            Origin::Stream(_) => None,
        }
    }

    /// Makes the decoders do without seeking: a container that is cut has no end to be looked at.
    pub(crate) fn make_sequential(&mut self) {
        self.sequential = true;
    }

    /// The first bytes; the position is the start again afterwards.
    pub(crate) fn peek(&mut self) -> Result<Vec<u8>, Error> {
        let mut start = vec![0; 512];
        let there = self.read_at(0, &mut start)?;
        start.truncate(there);
        self.rewind()
            .map_err(|error| Error::io("reading failed", error))?;
        Ok(start)
    }

    /// Reads until the buffer is full or the input ends; returns how many bytes there were.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Fills the buffer from a place in the input; returns how many bytes there were.
    pub(crate) fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        if self.len().is_some_and(|len| at >= len) {
            return Ok(0);
        }
        self.seek(SeekFrom::Start(at))
            .and_then(|_| self.fill(buffer))
            .map_err(|error| Error::io("reading failed", error))
    }

    /// A stream as memory, for containers whose parts are not in the order they are needed in.
    pub(crate) fn into_seekable(self, most: u64) -> Result<Self, Error> {
        let Origin::Stream(mut stream) = self.origin else {
            return Ok(self);
        };
        let mut bytes = Vec::new();
        stream
            .rewind()
            .and_then(|()| stream.take(most.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| Error::io("reading failed", error))?;
        if bytes.len() as u64 > most {
            let message = format!(
                "this format cannot be read from a pipe beyond {most} bytes (`Limits::max_buffered`); \
                 write it to a file first"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Self::new(Box::new(Cursor::new(bytes)))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.origin {
                Origin::Media { inner, .. } => inner.read(buffer),
                Origin::Stream(stream) => stream.read(buffer),
            };
            // The decoders would take a signal for a failure.
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.origin {
            Origin::Media { inner, .. } => inner.seek(to),
            Origin::Stream(stream) => stream.seek(to),
        }
    }
}

impl MediaSource for Input {
    fn is_seekable(&self) -> bool {
        !self.sequential
    }

    fn byte_len(&self) -> Option<u64> {
        self.len().filter(|_| !self.sequential)
    }
}

/// A reader that cannot seek, with its last bytes kept.
struct Stream {
    /// The reader. It is only ever used by one thread at a time; the lock tells the compiler so.
    reader: Mutex<Box<dyn Read + Send>>,
    /// The bytes read last.
    window: Vec<u8>,
    /// Where the first of them stands.
    start: u64,
    /// The position.
    at: u64,
}

impl Stream {
    fn new(reader: Box<dyn Read + Send>) -> Self {
        let reader = Mutex::new(reader);
        let (start, at) = (0, 0);
        let window = Vec::new();
        Self {
            reader,
            window,
            start,
            at,
        }
    }

    /// Bytes between the position and the end of the window.
    fn ahead(&self) -> usize {
        let behind = usize::try_from(self.at - self.start).unwrap_or(usize::MAX);
        self.window.len().saturating_sub(behind)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead();
        let count = if ahead > 0 {
            let count = ahead.min(buffer.len());
            let from = self.window.len() - ahead;
            buffer[..count].copy_from_slice(&self.window[from..from + count]);
            count
        } else {
            let reader = self
                .reader
                .get_mut()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            let count = reader.read(buffer)?;
            self.window
                .extend_from_slice(&buffer[count.saturating_sub(WINDOW)..count]);
            if self.window.len() > 2 * WINDOW || count > WINDOW {
                self.window.drain(..self.window.len().saturating_sub(WINDOW));
            }
            self.start = self.at + count as u64 - self.window.len() as u64;
            count
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Stream {
    /// Forward by reading, backward as far as the window goes.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        let Some(target) = target.filter(|&target| target >= self.start) else {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a pipe cannot be read twice",
            ));
        };
        self.at = target.min(self.start + self.window.len() as u64);
        let mut skipped = [0; WINDOW];
        while self.at < target {
            let left = usize::try_from(target - self.at).unwrap_or(usize::MAX);
            match self.read(&mut skipped[..left.min(WINDOW)]) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(7);
            self.0.read(&mut buffer[..most])
        }
    }

    fn stream(len: usize) -> (Input, Vec<u8>) {
        let bytes: Vec<u8> = (0..len)
            .map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
            .collect();
        (Input::stream(Box::new(Slow(Cursor::new(bytes.clone())))), bytes)
    }

    #[test]
    fn a_stream_is_read_in_pieces_and_a_little_back() {
        let (mut input, bytes) = stream(50_000);
        assert_eq!(input.peek().unwrap(), bytes[..512]);
        for (at, len) in [
            (0, 10),
            (100, 20),
            (90, 5),
            (30_000, 8_000),
            (36_000, 100),
            (49_990, 10),
        ] {
            let mut buffer = vec![0; len];
            assert_eq!(input.read_at(at as u64, &mut buffer).unwrap(), len, "at {at}");
            assert_eq!(buffer, bytes[at..at + len], "at {at}");
        }
        assert_eq!(input.read_at(60_000, &mut [0; 4]).unwrap(), 0);
        assert_eq!(input.read_at(5, &mut [0; 4]).unwrap_err().kind(), ErrorKind::Io);
    }

    /// Is interrupted before every byte.
    struct Interrupted(Cursor<Vec<u8>>, bool);

    impl Read for Interrupted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    impl Seek for Interrupted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_signal_is_no_failure() {
        let reader = || Interrupted(Cursor::new(vec![5, 6]), false);
        for mut input in [
            Input::stream(Box::new(reader())),
            Input::new(Box::new(reader())).unwrap(),
        ] {
            let mut buffer = [0; 2];
            assert_eq!(input.read(&mut buffer).unwrap(), 1);
            assert_eq!(input.read(&mut buffer[1..]).unwrap(), 1);
            assert_eq!(buffer, [5, 6]);
            assert_eq!(input.read(&mut buffer).unwrap(), 0);
        }
    }

    #[test]
    fn a_stream_becomes_memory_within_the_limit() {
        let (mut input, bytes) = stream(9_000);
        input.peek().unwrap();
        let mut all = Vec::new();
        input.into_seekable(9_000).unwrap().read_to_end(&mut all).unwrap();
        assert!(all == bytes);
        let error = stream(9_000).0.into_seekable(8_999).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }
}
