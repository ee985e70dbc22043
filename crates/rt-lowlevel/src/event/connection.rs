//! [`ConnectionEvent`]: what a connection tells its user.

use rt_protocol::dialect::Warning;
use rt_protocol::{DecodeError, ServerEvent};

use super::{AudioGap, Closed, Opened, Restored, Retrying, SlowConsumer};
use crate::fate::Settled;
use crate::mirror::SettledResponse;

/// What a connection tells its user, in the order in which it happened.
///
/// `Opened` comes before any event of its session, and nothing of a session comes after the `Retrying`, `Closed` or next
/// `Opened` that ends it. `Interrupted` and `Settled` tell, before that, what ended with it. `Restored` comes when a new session
/// knows the conversation; until then there is nothing of it but its `session.created` and `session.updated`, and, where it takes
/// over from one that still worked, what it said of itself while it was prepared (`mcp_list_tools.completed`, for one). An error
/// event of the server comes before the end it causes. `Closed` comes exactly once, and is the last.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// A session is open. Its `session.created` follows as [`Server`](Self::Server).
    Opened(Opened),
    /// An event of the server.
    Server(ServerEvent),
    /// A part of an event was not sent, because the dialect of the server cannot express it. Only on servers that speak
    /// beta.
    Warning(Warning),
    /// A message of the server that could not be understood; the session goes on.
    Malformed(DecodeError),
    /// A response that was under way, or requested, when its connection was lost, and what becomes of it. There is one for
    /// each such response, and no `response.done`.
    Interrupted(SettledResponse),
    /// A new session knows what the last one knew, as far as that was possible: the whole truth about it. What was waiting
    /// is sent next.
    Restored(Restored),
    /// Commands have a fate other than [`Fate::Acknowledged`](crate::fate::Fate::Acknowledged).
    Settled(Settled),
    /// No event was taken for a while although more are waiting: nothing is read from the server meanwhile.
    SlowConsumer(SlowConsumer),
    /// Audio of the model was dropped, because no events were taken: only with
    /// [`SlowConsumerPolicy::DropAudio`](crate::config::SlowConsumerPolicy::DropAudio).
    AudioGap(AudioGap),
    /// The connection failed and will be tried again.
    Retrying(Retrying),
    /// The end.
    Closed(Closed),
}
