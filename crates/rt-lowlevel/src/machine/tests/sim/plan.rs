//! [`Plan`]: what may happen in a world.

/// How likely, how often and how long.
#[derive(Debug, Clone)]
pub(in super::super) struct Plan {
    /// How long the user is there.
    pub(in super::super) seconds: u64,
    /// Milliseconds between cuts, at least and at most.
    pub(in super::super) cuts: Option<(u64, u64)>,
    /// The share of the cuts that nobody tells of: nothing passes any more.
    pub(in super::super) holes: f64,
    /// The share of the dials that fail.
    pub(in super::super) failing_dials: f64,
    /// Seconds after which the service ends a session.
    pub(in super::super) session_length: Option<u64>,
    /// Milliseconds of speech, at least and at most; then a pause.
    pub(in super::super) speech: Option<(u64, u64)>,
    /// The share of ticks in which the user does something else than speak.
    pub(in super::super) deeds: f64,
    pub(in super::super) calls: bool,
    pub(in super::super) playback: bool,
    /// What the service closes a session with when it is cut, if it does.
    pub(in super::super) close: Option<(u16, &'static str)>,
    /// The share of the items that the service refuses in a restore.
    pub(in super::super) refusals: f64,
    /// Milliseconds between the messages of audio.
    pub(in super::super) tick: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seconds: 30,
            cuts: Some((500, 9000)),
            holes: 0.2,
            failing_dials: 0.2,
            session_length: None,
            speech: Some((400, 3000)),
            deeds: 0.1,
            calls: false,
            playback: false,
            close: None,
            refusals: 0.0,
            tick: 200,
        }
    }
}
