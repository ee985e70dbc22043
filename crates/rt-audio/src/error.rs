//! [`Error`]: what failed, where, and what would help.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A cause from below, kept for [`source`](StdError::source).
type Cause = Box<dyn StdError + Send + Sync>;

/// Why audio could not be read, converted or written.
///
/// The message says what failed, in which file, and what to do; it does not repeat the
/// [`source`](StdError::source). [`kind`](Self::kind) is what a program decides on.
pub struct Error {
    /// Boxed, so that a `Result` stays small.
    inner: Box<Inner>,
}

/// The parts of an [`Error`].
struct Inner {
    /// What a program decides on.
    kind: ErrorKind,
    /// What a person reads.
    message: String,
    /// The file, if there is one.
    path: Option<PathBuf>,
    /// The error from below, if there is one.
    source: Option<Cause>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no such file. The path is wrong; trying again does not help.
    NotFound,
    /// Reading, seeking or writing failed. The cause is in the source of the error; trying again may help.
    Io,
    /// The content is no audio, or in a container that is not read. Convert it first.
    UnsupportedFormat,
    /// The container is read, but not the codec inside. Convert it first.
    UnsupportedCodec,
    /// The content is damaged: not a single block of audio could be decoded, or (for the functions that
    /// promise a whole file) a part is missing.
    Damaged,
    /// The input is longer, wider or faster than [`Limits`](crate::Limits) allow. Raise them if the input
    /// is trusted.
    Limit,
    /// The sample rate is outside what can be converted, 1 kHz to 768 kHz. Give another one.
    Resample,
}

impl Error {
    /// An error without a cause below it.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                path: None,
                source: None,
            }),
        }
    }

    /// An error of the operating system, or of the caller's reader or writer.
    pub(crate) fn io(action: &str, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Io,
        };
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("{action}: there is no such file; check the path"),
            io::ErrorKind::PermissionDenied => {
                format!("{action}: permission denied; check the file's rights")
            }
            io::ErrorKind::IsADirectory => format!("{action}: this is a directory; name a file in it"),
            other => format!("{action}: {other}"),
        };
        Self::new(kind, message).with_source(error)
    }

    /// Adds the cause.
    pub(crate) fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Adds the file, unless one is named already.
    pub(crate) fn with_path(mut self, path: Option<&Path>) -> Self {
        if self.inner.path.is_none() {
            self.inner.path = path.map(Path::to_path_buf);
        }
        self
    }

    /// What went wrong, for a program.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The file it went wrong in, if it was read or written by its path.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner.path.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.inner.path {
            write!(f, "{}: ", path.display())?;
        }
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("path", &self.inner.path)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_send_sync<T: Send + Sync + 'static>() {}

    #[test]
    fn is_small_and_crosses_threads() {
        assert!(size_of::<Error>() <= 32);
        assert_send_sync::<Error>();
    }

    #[test]
    fn message_names_the_file_and_leaves_the_source_out() {
        let io = io::Error::new(io::ErrorKind::PermissionDenied, "cause from below");
        let error = Error::io("opening failed", io).with_path(Some(Path::new("a/b.wav")));
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.path(), Some(Path::new("a/b.wav")));
        assert_eq!(
            error.to_string(),
            "a/b.wav: opening failed: permission denied; check the file's rights"
        );
        assert_eq!(error.source().unwrap().to_string(), "cause from below");
    }
}
