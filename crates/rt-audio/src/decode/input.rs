//! [`Input`]: any seekable reader, as the decoders want it.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use crate::error::Error;

/// What can be read from.
pub(crate) trait Media: Read + Seek + Send + Sync {}

impl<T: Read + Seek + Send + Sync> Media for T {}

/// A reader whose length is known.
pub(crate) struct Input {
    /// The reader.
    inner: Box<dyn Media>,
    /// Its length in bytes.
    len: u64,
}

impl Input {
    /// Measures the reader and goes to its start.
    pub(crate) fn new(mut inner: Box<dyn Media>) -> Result<Self, Error> {
        let len = inner
            .seek(SeekFrom::End(0))
            .and_then(|len| inner.rewind().map(|()| len))
            .map_err(|error| Error::io("seeking failed (pipes must be read into memory first)", error))?;
        Ok(Self { inner, len })
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The first bytes; the position is the start again afterwards.
    pub(crate) fn peek(&mut self) -> Result<Vec<u8>, Error> {
        let mut start = Vec::new();
        self.inner
            .by_ref()
            .take(512)
            .read_to_end(&mut start)
            .and_then(|_| self.inner.rewind())
            .map_err(|error| Error::io("reading failed", error))?;
        Ok(start)
    }

    /// Reads until the buffer is full or the input ends; returns how many bytes there were.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl MediaSource for Input {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}
