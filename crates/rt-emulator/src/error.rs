//! [`Error`]: why the emulator could not start or read its script.

use std::fmt;

/// Why the emulator could not do what was asked of it.
#[derive(Debug)]
pub struct Error {
    /// The class.
    kind: ErrorKind,
    /// What was being done, in words.
    message: String,
    /// What lay beneath.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The class of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address could not be listened on: taken, or not on this machine. Another one may do.
    Listen,
    /// The script file could not be read.
    ReadScript,
    /// The script is not valid; the message names line and field.
    Script,
    /// A certificate for TLS could not be made.
    Certificate,
    /// Something was waited for and did not happen in time.
    Timeout,
}

impl Error {
    /// An error without a cause.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Adds the cause.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_and_can_go_anywhere() {
        fn goes_anywhere<T: Send + Sync + 'static>() {}
        goes_anywhere::<Error>();
        assert!(size_of::<Error>() <= 48);
        let error = Error::new(ErrorKind::Listen, "cannot").because(std::io::Error::other("taken"));
        assert_eq!(error.to_string(), "cannot");
        assert_eq!(
            std::error::Error::source(&error)
                .map(ToString::to_string)
                .as_deref(),
            Some("taken")
        );
    }
}
