//! Close codes and close frames.

use std::fmt;

/// The code of a WebSocket close frame.
///
/// The Realtime APIs use 1000 (answer to our own close), 1001 (the session reached its maximum duration, or the
/// server is going away), 3000 (authentication) and 4000 (parameters of the request).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: done.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the peer goes away, or the session is over.
    pub const AWAY: Self = Self(1001);
    /// 1002: protocol error.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: data of a kind the peer does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: the close frame had no code. Never on the wire.
    pub const NO_STATUS: Self = Self(1005);
    /// 1007: data that is not what its frame says.
    pub const INVALID: Self = Self(1007);
    /// 1008: against the peer's policy.
    pub const POLICY: Self = Self(1008);
    /// 1009: message too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: a missing extension.
    pub const EXTENSION: Self = Self(1010);
    /// 1011: internal error.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: restarting.
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const AGAIN: Self = Self(1013);
    /// 3000: authentication failed.
    pub const UNAUTHORIZED: Self = Self(3000);
    /// 4000: the request's parameters were refused.
    pub const BAD_REQUEST: Self = Self(4000);

    /// The code with this number.
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether a close frame may carry it: 1004 to 1006 and 1015 stand for what has no frame, and the rest of what is
    /// below 3000 is not assigned.
    pub(crate) fn is_for_the_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Code and reason of a close. `Debug` shows of the reason only how long it is: a reason about a key may repeat a part of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// The code; [`CloseCode::NO_STATUS`] if the frame had none.
    pub code: CloseCode,
    /// The reason, at most 123 bytes; often empty.
    pub reason: String,
}

impl CloseFrame {
    /// A close frame.
    #[must_use]
    pub fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }
}

impl fmt::Debug for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, bytes) = (self.code, self.reason.len());
        write!(f, "CloseFrame({code}, reason of {bytes} bytes)")
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.reason.as_str()) {
            (CloseCode::NO_STATUS, _) => f.write_str("close frame without a code"),
            (code, "") => write!(f, "close code {code}"),
            (code, reason) => write!(f, "close code {code} ({reason})"),
        }
    }
}
