//! [`Fault`]: what goes wrong on a connection, on command.

mod frame;
mod parse;
mod watch;

use std::time::Duration;

pub use self::frame::BadFrame;
pub(crate) use self::frame::{claim, fragment};
pub use self::parse::FaultSpec;
pub(crate) use self::watch::{Faults, Watch};
use crate::wire::{Cut, Shape};

/// Something that goes wrong on a connection.
///
/// ```
/// use rt_emulator::{Fault, fault::{Action, Trigger}};
///
/// let throttled = Fault::status(429).header("Retry-After", "2");
/// let cut = Fault::at(Trigger::Sent { event_type: "response.output_audio.delta".into(), count: 3 }, Action::Reset);
/// assert_ne!(throttled, cut);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is reset before a byte is read.
    Refuse,
    /// The connection is accepted, and nothing is ever read from it or said on it.
    NoAnswer,
    /// The handshake is answered with these bytes, and the stream ends.
    Answer(Vec<u8>),
    /// The handshake is answered with a 101 whose `Sec-WebSocket-Accept` is of another key.
    BadAccept,
    /// The handshake is answered with an HTTP status instead of the 101.
    Http {
        /// The status.
        status: u16,
        /// Headers besides `Content-Type`, `Content-Length` and `Connection`.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
        /// If it is given, the body comes so much after the head, in a segment of its own.
        body_after: Option<Duration>,
    },
    /// After the 101 comes an `error` event and a close, as for a bad key.
    Error {
        /// `error.type`.
        error_type: String,
        /// `error.code`.
        code: Option<String>,
        /// `error.message`.
        message: String,
        /// The close code.
        close: u16,
        /// The close reason.
        reason: String,
    },
    /// `conversation.item.create` with this id is refused.
    RefuseItem {
        /// The id of the item.
        item_id: String,
    },
    /// The connection works until something happens.
    At {
        /// What happens.
        when: Trigger,
        /// What it leads to.
        then: Action,
    },
}

/// The moment of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// The handshake is done; `session.created` is not sent yet.
    Upgraded,
    /// So many messages were sent, whatever they are.
    SentMessages(u64),
    /// So many messages were received, whatever they are.
    ReceivedMessages(u64),
    /// So many events of a type were sent.
    Sent {
        /// The type.
        event_type: String,
        /// How many; 0 means 1.
        count: u64,
    },
    /// So many events of a type were received; the fault comes before the answer.
    Received {
        /// The type.
        event_type: String,
        /// How many; 0 means 1.
        count: u64,
    },
    /// So much time passed since the 101.
    After(Duration),
}

/// What goes wrong. Where nothing else is said, the connection goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// TCP reset. The connection is over.
    Reset,
    /// End of the stream without a Close frame; if it is encrypted, with `close_notify`. The connection is over.
    HangUp,
    /// A Close frame, with any code at all. The connection is over.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// A Close frame without a code. The connection is over.
    CloseWithoutCode,
    /// A text message, such as one that is not JSON.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// Bytes on the wire that need not be a WebSocket frame.
    Raw(Vec<u8>),
    /// A frame that breaks the rules.
    Frame(BadFrame),
    /// The header of a text message that claims so many bytes, none of which follow.
    Claim(u64),
    /// A text message of blanks, in fragments.
    Fragments {
        /// How many.
        count: u64,
        /// The bytes of each.
        size: usize,
    },
    /// So many Pings at once.
    Pings(u64),
    /// The session reaches its end: the `session_expired` error and close 1001.
    Expire,
    /// Nothing is read or sent any more, but the connection stays open.
    Stall,
    /// Nothing is read for so long; [`Duration::MAX`] is for ever. What the client sends fills the buffers.
    StallReading(Duration),
    /// Nothing is sent for so long, not even a Pong; [`Duration::MAX`] is for ever. It is sent afterwards.
    StallWriting(Duration),
    /// No event is sent any more; Pings are answered.
    Silence,
    /// No Ping is answered any more; events are sent.
    IgnorePings,
    /// What is sent travels so from now on. The default ends it.
    Shape(Shape),
    /// The connection is cut after so many more bytes were sent, be it within a frame; 0 cuts it now.
    CutSending {
        /// The bytes, of WebSocket frames.
        after: u64,
        /// How.
        how: Cut,
    },
    /// The connection is cut after so many more bytes were received, be it within a frame.
    CutReceiving {
        /// The bytes, of WebSocket frames.
        after: u64,
        /// How.
        how: Cut,
    },
    /// The last event is sent once more, with the same ids.
    Repeat,
    /// The next two events change places. If there is no second one, the first never comes.
    Swap,
}

impl Fault {
    /// An HTTP status with a JSON error body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let body = crate::server::error_body(None, "The emulator was told to refuse this connection.");
        Self::Http {
            status,
            headers: Vec::new(),
            body,
            body_after: None,
        }
    }

    /// An HTTP status with a body as Azure writes it: `Fault::azure(429).header("Retry-After", "2")`.
    #[must_use]
    pub fn azure(status: u16) -> Self {
        Self::Http {
            status,
            headers: Vec::new(),
            body: crate::server::azure_body(status),
            body_after: None,
        }
    }

    /// Adds a header; only an HTTP answer has them.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Sets the body of an HTTP answer.
    #[must_use]
    pub fn body(mut self, text: impl Into<String>) -> Self {
        if let Self::Http { body, .. } = &mut self {
            *body = text.into();
        }
        self
    }

    /// The body of an HTTP answer comes so much after its head, in a segment of its own.
    #[must_use]
    pub fn body_after(mut self, pause: Duration) -> Self {
        if let Self::Http { body_after, .. } = &mut self {
            *body_after = Some(pause);
        }
        self
    }

    /// A 101 and nothing after it: no `session.created`, but Pings are answered.
    #[must_use]
    pub fn no_session() -> Self {
        Self::at(Trigger::Upgraded, Action::Silence)
    }

    /// `conversation.item.create` with this id is refused.
    #[must_use]
    pub fn refuse_item(item_id: impl Into<String>) -> Self {
        Self::RefuseItem {
            item_id: item_id.into(),
        }
    }

    /// An `error` event with this code after the 101, and a close with this code.
    #[must_use]
    pub fn error(code: impl Into<String>, close: u16) -> Self {
        let code = code.into();
        let error_type = "invalid_request_error".to_owned();
        Self::Error {
            reason: format!("{error_type}.{code}"),
            error_type,
            message: "The emulator was told to refuse this session.".to_owned(),
            code: Some(code),
            close,
        }
    }

    /// Something at some moment.
    #[must_use]
    pub fn at(when: Trigger, then: Action) -> Self {
        Self::At { when, then }
    }
}

impl Trigger {
    /// So many events of a type were sent.
    #[must_use]
    pub fn sent(event_type: impl Into<String>, count: u64) -> Self {
        Self::Sent {
            event_type: event_type.into(),
            count,
        }
    }

    /// So many events of a type were received.
    #[must_use]
    pub fn received(event_type: impl Into<String>, count: u64) -> Self {
        Self::Received {
            event_type: event_type.into(),
            count,
        }
    }
}

impl Action {
    /// A Close frame.
    #[must_use]
    pub fn close(code: u16, reason: impl Into<String>) -> Self {
        Self::Close {
            code,
            reason: reason.into(),
        }
    }

    /// An `error` event. The connection goes on.
    #[must_use]
    pub fn error(error_type: &str, code: &str, message: &str) -> Self {
        let error = serde_json::json!({"type": "error", "event_id": "event_of_a_fault", "error": {"type": error_type,
            "code": code, "message": message, "param": null, "event_id": null}});
        Self::Text(error.to_string())
    }
}
