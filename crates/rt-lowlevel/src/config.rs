//! The parts of a [`Config`]: deadlines, limits, and how long to keep trying. Its part about restoring is in
//! [`restore`](crate::restore).

pub(crate) mod connection;

use std::time::Duration;

pub(crate) use self::connection::Config;

/// How long each step may take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Timeouts {
    /// Resolving the host name. 5 s.
    pub dns: Duration,
    /// Each address of the host. 3 s.
    pub tcp: Duration,
    /// Head start of an address over the next one. 250 ms, as RFC 8305 has it.
    pub stagger: Duration,
    /// The tunnel through a proxy, from the request to the end of the answer's headers. 5 s.
    pub proxy: Duration,
    /// The TLS handshake. 5 s.
    pub tls: Duration,
    /// The HTTP upgrade, up to the end of the response's headers. 5 s.
    pub upgrade: Duration,
    /// The body of a refusal. 2 s, or until shortly before the attempt's end; what has arrived by then is used.
    pub refusal_body: Duration,
    /// One whole attempt: token, DNS, TCP, proxy, TLS and upgrade. 10 s.
    pub attempt: Duration,
    /// From the upgrade to `session.created`. 10 s.
    pub session_created: Duration,
    /// While a session is told what the last one knew: from `session.created`, or from the last item that it has taken,
    /// to the next. 10 s. All of it takes no longer than [`RetryPolicy::max_downtime`], if that is longer.
    pub restore: Duration,
    /// From `close` to the end of it: flush, closing handshake, drain. 2 s.
    pub close: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(5),
            tcp: Duration::from_secs(3),
            stagger: Duration::from_millis(250),
            proxy: Duration::from_secs(5),
            tls: Duration::from_secs(5),
            upgrade: Duration::from_secs(5),
            refusal_body: Duration::from_secs(2),
            attempt: Duration::from_secs(10),
            session_created: Duration::from_secs(10),
            restore: Duration::from_secs(10),
            close: Duration::from_secs(2),
        }
    }
}

/// How much may be held, and how large a message may be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// The largest message, in bytes, in either direction. 16 MiB, which holds the API's largest append.
    pub message: usize,
    /// Accepted but unwritten messages other than audio: how many. 256.
    pub control_messages: usize,
    /// Accepted but unwritten messages other than audio: their bytes. 256 KiB. A single larger message is still
    /// taken when nothing else waits.
    pub control_bytes: usize,
    /// Accepted but unwritten audio.
    pub audio: AudioPolicy,
    /// Events that were received and not yet taken by the consumer: how many. 1024. Reading stops beyond it.
    /// Less than 4 means 4: a session must be able to open before anybody takes its events.
    pub events: usize,
    /// Events that were received and not yet taken by the consumer: the bytes of their messages. 8 MiB.
    pub event_bytes: usize,
    /// How long no event may be taken while more are waiting, before [`slow_consumer`](Self::slow_consumer) applies.
    /// 10 s.
    pub slow_after: Duration,
    /// What happens then.
    pub slow_consumer: SlowConsumerPolicy,
    /// The read buffer of a socket. 8 KiB: larger ones cost memory and time and gain nothing here.
    pub read_buffer: usize,
    /// Pings the server may send in ten seconds. 1000; beyond it the connection is replaced.
    pub pings: u32,
}

impl Limits {
    /// The least that [`events`](Self::events) means.
    pub(crate) const MIN_EVENTS: u32 = 4;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 16 << 20,
            control_messages: 256,
            control_bytes: 256 << 10,
            audio: AudioPolicy::default(),
            events: 1024,
            event_bytes: 8 << 20,
            slow_after: Duration::from_secs(10),
            slow_consumer: SlowConsumerPolicy::default(),
            read_buffer: 8 << 10,
            pings: 1000,
        }
    }
}

/// What happens when the consumer takes no events. In any case there is a
/// [`ConnectionEvent::SlowConsumer`](crate::ConnectionEvent::SlowConsumer), for which there is always room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SlowConsumerPolicy {
    /// Nothing more: the server waits, and nothing is lost. The default.
    #[default]
    Wait,
    /// Events with audio of the model are dropped until there is room; a
    /// [`ConnectionEvent::AudioGap`](crate::ConnectionEvent::AudioGap) tells how much. Others wait.
    DropAudio,
    /// The connection ends.
    Fail,
}

/// When a new session takes over from one that is about to end.
///
/// A second connection is made and restored while the first goes on. It takes over when nobody speaks, no response is
/// under way and nothing is unanswered; nothing is lost then, and nothing is sent twice. Needs
/// [`RestorePolicy::enabled`](crate::restore::RestorePolicy::enabled).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RolloverPolicy {
    /// Whether to do so. On. Off: the session is used until the server ends it.
    pub enabled: bool,
    /// How long before the end the second connection is made. 2 min.
    pub margin: Duration,
    /// How long before the end it takes over although it is not quiet: what is under way is cut off, and the turn that is
    /// being spoken is sent again. 20 s.
    pub deadline: Duration,
    /// The end of a session of which the server does not say when it ends. 55 min.
    pub max_age: Duration,
    /// How long a [`restart`](crate::Handle::restart) waits for a quiet moment. 10 s.
    pub patience: Duration,
}

impl Default for RolloverPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            margin: Duration::from_secs(120),
            deadline: Duration::from_secs(20),
            max_age: Duration::from_secs(55 * 60),
            patience: Duration::from_secs(10),
        }
    }
}

/// What happens to input audio that cannot be written, because the network is slow or down.
///
/// Durations are of 24 kHz PCM16; other formats are counted by their bytes, so that 1 s here holds 6 s of G.711.
/// An event counts as 100 bytes at least, however little audio is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudioPolicy {
    /// Holds this much and delivers it in order; when it is full, sending waits. The default, with 30 s.
    Keep(Duration),
    /// Holds this much; when it is full, the oldest is dropped and counted in [`Stats`](crate::Stats).
    Live(Duration),
}

impl Default for AudioPolicy {
    fn default() -> Self {
        Self::Keep(Duration::from_secs(30))
    }
}

impl AudioPolicy {
    /// Bytes of PCM16 at 24 kHz in a second.
    pub(crate) const BYTES_PER_SECOND: u64 = 48_000;

    /// How long so much raw audio lasts.
    pub(crate) fn duration(bytes: u64) -> Duration {
        Duration::from_micros(bytes.saturating_mul(1_000_000) / Self::BYTES_PER_SECOND)
    }

    pub(crate) fn limit_bytes(self) -> usize {
        let (Self::Keep(limit) | Self::Live(limit)) = self;
        let bytes = limit.as_millis() * u128::from(Self::BYTES_PER_SECOND) / 1000;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// When to try again, and when to stop.
///
/// The waits are random between zero and a ceiling that doubles (full jitter), so that many clients cut off at once do
/// not come back at once. What is used up comes back only after a connection proves itself: [`healthy_after`] open
/// and one server event that is more than a greeting or an error. A session that reached its maximum duration needs no such
/// event.
///
/// [`healthy_after`]: Self::healthy_after
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Ceiling of the first wait. 250 ms.
    pub base: Duration,
    /// Ceiling of any wait. 8 s.
    pub cap: Duration,
    /// Connects per outage; for a new connection the first one counts. 8. With 1 there are no retries; 0 means 1.
    pub max_attempts: u32,
    /// Time without a session per outage. 60 s. Waits that are not of our choice do not count, only
    /// [`max_attempts`](Self::max_attempts) bounds them: those for `Retry-After`, [`throttle_floor`](Self::throttle_floor)
    /// and [`max_connects`](Self::max_connects).
    pub max_downtime: Duration,
    /// Connects in any [`window`](Self::window). 6: some servers count them. The next one waits until it fits in.
    pub max_connects: usize,
    /// What [`max_connects`](Self::max_connects) is counted over. 60 s.
    pub window: Duration,
    /// How long a connection must be open to count as good. 10 s.
    pub healthy_after: Duration,
    /// Shortest wait after a 429, whatever it asks for, and after close code 1013. 1 s.
    pub throttle_floor: Duration,
    /// Stops at once if the host name does not exist when first connecting. Off: it may be the network that is down.
    pub fail_fast: bool,
    /// Close codes that are retried although the table says they are final, such as 4008 of a gateway of your own.
    /// Only codes from 3000 to 4999 are looked up here. Empty.
    pub retry_close_codes: Vec<u16>,
    /// Reconnects after the server closed with 1000, which it does not do unasked. Off.
    pub reopen_after_normal_close: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(250),
            cap: Duration::from_secs(8),
            max_attempts: 8,
            max_downtime: Duration::from_secs(60),
            max_connects: 6,
            window: Duration::from_secs(60),
            healthy_after: Duration::from_secs(10),
            throttle_floor: Duration::from_secs(1),
            fail_fast: false,
            retry_close_codes: Vec::new(),
            reopen_after_normal_close: false,
        }
    }
}

/// How a dead peer is noticed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Liveness {
    /// Between pings. 5 s.
    pub ping_interval: Duration,
    /// Between pings while there are commands that the peer is not known to have read: what a broken connection leaves
    /// unconfirmed is not older than this and a round trip. 1 s.
    pub barrier_interval: Duration,
    /// Silence after an unanswered ping that means dead. 10 s. Any byte from the peer counts as life; what we send
    /// does not. The clock stands while we are not reading because the consumer is slow.
    pub ping_timeout: Duration,
    /// A write without progress that means dead. 10 s.
    pub write_stall: Duration,
    /// Unacknowledged data that makes the kernel give up (`TCP_USER_TIMEOUT`, Linux only): a second net. 15 s.
    pub tcp_user_timeout: Duration,
}

impl Liveness {
    /// A dead peer is noticed within about 3 s in place of 15 s: pings each 0.4 s, dead after 2.6 s without an answer. For calls
    /// in which a new session is better than a pause: a peer that is late by more than 2.6 s is taken for dead, which a
    /// line on which TCP has to send a segment four times can make it.
    ///
    /// ```
    /// use rt_lowlevel::{Config, config::Liveness};
    ///
    /// let mut config = Config::default();
    /// config.liveness = Liveness::fast();
    /// ```
    #[must_use]
    pub fn fast() -> Self {
        Self {
            // Of the 3 s, as much as possible is for the answer: TCP may need it to send again what was lost.
            ping_interval: Duration::from_millis(400),
            barrier_interval: Duration::from_millis(400),
            ping_timeout: Duration::from_millis(2600),
            write_stall: Duration::from_millis(2600),
            tcp_user_timeout: Duration::from_secs(3),
        }
    }
}

impl Default for Liveness {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(5),
            barrier_interval: Duration::from_secs(1),
            ping_timeout: Duration::from_secs(10),
            write_stall: Duration::from_secs(10),
            tcp_user_timeout: Duration::from_secs(15),
        }
    }
}
