//! Checks of what the model says, before it is heard or as it is.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use rt_protocol::Text;

/// How long an asynchronous check may take unless it says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Characters of a second of speech that nobody exceeds, also at the greatest speed the service offers.
const FASTEST_SPEECH: u32 = 30;

type SyncCheck = Box<dyn FnMut(&str) -> Result<(), String> + Send>;
type Checking = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A check that takes its time.
#[derive(Clone)]
pub(crate) struct AsyncCheck(Arc<dyn Fn(Text) -> Checking + Send + Sync>);

enum Check {
    Sync(SyncCheck),
    Async(AsyncCheck),
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Block(String),
    /// There is no verdict, because it panicked or took too long.
    Failed(&'static str),
}

/// A check of the model's words.
///
/// It is given all text of a part of a reply so far, each time there is more. `Err` blocks the reply: the model is
/// interrupted, what was not heard is taken out of the conversation, and [`Event::Blocked`](crate::Event::Blocked) tells.
///
/// Without [`hold`](Self::hold), audio plays on while it is checked. With it, no audio, text or transcript comes out before
/// the words that belong to it have passed. The service does not say which words those are: audio waits until as much text
/// has passed as can be spoken in its time ([30 characters per second](Self::fastest_speech) unless set), or all text of its part. That costs as much delay as
/// the text is behind that, and the time of the check. Raw server events are never held.
///
/// A check that panics, or an asynchronous one that takes longer than its [`timeout`](Self::timeout), blocks, unless it is
/// said to [`fail_open`](Self::fail_open).
///
/// ```
/// use rt_client::guardrail::Guardrail;
/// let guardrail = Guardrail::new("no prices", |text| {
///     if text.contains('€') { Err("it names a price".to_owned()) } else { Ok(()) }
/// })
/// .hold();
/// ```
pub struct Guardrail {
    name: String,
    check: Check,
    pub(crate) hold: bool,
    pub(crate) fastest_speech: u32,
    timeout: Duration,
    fail_open: bool,
}

/// A reply that was blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocked {
    /// The guardrail.
    pub guardrail: String,
    /// What it says.
    pub reason: String,
    /// The response.
    pub response_id: String,
    /// The item.
    pub item_id: String,
}

impl Guardrail {
    /// A check, with a name for the event. It runs on the session's task, a task of the runtime, between two events:
    /// it has to return within microseconds and may not block. One that waits for something is
    /// [`new_async`](Self::new_async)'s.
    pub fn new(
        name: impl Into<String>,
        check: impl FnMut(&str) -> Result<(), String> + Send + 'static,
    ) -> Self {
        Self::of(name.into(), Check::Sync(Box::new(check)))
    }

    /// A check that takes its time, such as a question to another model.
    ///
    /// One check of a part runs at a time; the text that comes meanwhile is checked after it, all at once. Several
    /// guardrails check side by side, and a reply is over for its handle when it has passed them all.
    ///
    /// ```
    /// use std::time::Duration;
    /// use rt_client::guardrail::Guardrail;
    /// # async fn is_harmless(_: &str) -> bool { true }
    /// let guardrail = Guardrail::new_async("moderation", |text| async move {
    ///     if is_harmless(&text).await { Ok(()) } else { Err("it may do harm".to_owned()) }
    /// })
    /// .timeout(Duration::from_secs(2))
    /// .hold();
    /// ```
    pub fn new_async<F, Fut>(name: impl Into<String>, check: F) -> Self
    where
        F: Fn(Text) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check = AsyncCheck(Arc::new(move |text| Box::pin(check(text))));
        Self::of(name.into(), Check::Async(check))
    }

    fn of(name: String, check: Check) -> Self {
        Self {
            name,
            check,
            hold: false,
            fastest_speech: FASTEST_SPEECH,
            timeout: TIMEOUT,
            fail_open: false,
        }
    }

    /// Holds audio and text back until they have passed.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    /// How many characters (Unicode scalar values) a second of speech has at most, for [`hold`](Self::hold): 30 unless set, at
    /// least 1. Of several guardrails that hold, the largest number counts.
    ///
    /// 30 is what nobody exceeds in a language that is written with letters, also at the service's greatest speed. Where a
    /// character is a syllable or a word, as in Chinese, Japanese or Korean, 15 to 20 lets audio out earlier, if replies have
    /// no names or numbers in other letters. A number that is too small, a language's average for one, lets words be heard
    /// before they were checked.
    #[must_use]
    pub fn fastest_speech(mut self, characters: u32) -> Self {
        self.fastest_speech = characters.max(1);
        self
    }

    /// How long each asynchronous check may take; 5 s unless set. After that it is stopped.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Lets text pass when the check panics or takes too long. Otherwise that blocks.
    #[must_use]
    pub fn fail_open(mut self) -> Self {
        self.fail_open = true;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Checks at once, if it can.
    pub(crate) fn check(&mut self, text: &str) -> Result<(), String> {
        let Check::Sync(check) = &mut self.check else {
            return Ok(());
        };
        let verdict = match catch_unwind(AssertUnwindSafe(|| check(text))) {
            Ok(Ok(())) => Verdict::Pass,
            Ok(Err(reason)) => Verdict::Block(reason),
            Err(_) => Verdict::Failed("it panicked"),
        };
        self.judge(verdict)
    }

    /// The check and how long it may take, if it takes time.
    pub(crate) fn check_async(&self) -> Option<(AsyncCheck, Duration)> {
        match &self.check {
            Check::Sync(_) => None,
            Check::Async(check) => Some((check.clone(), self.timeout)),
        }
    }

    /// What follows from a verdict, or from the want of one.
    pub(crate) fn judge(&self, verdict: Verdict) -> Result<(), String> {
        match verdict {
            Verdict::Pass => Ok(()),
            Verdict::Block(reason) => Err(reason),
            Verdict::Failed(why) if self.fail_open => {
                tracing::warn!(
                    guardrail = self.name,
                    why,
                    "a check failed: what it checked passes"
                );
                Ok(())
            }
            Verdict::Failed(why) => Err(why.to_owned()),
        }
    }
}

impl AsyncCheck {
    /// Runs it; its panic is a verdict too.
    pub(crate) async fn run(self, text: Text) -> Verdict {
        let checking = AssertUnwindSafe(async move { (self.0)(text).await });
        match checking.catch_unwind().await {
            Ok(Ok(())) => Verdict::Pass,
            Ok(Err(reason)) => Verdict::Block(reason),
            Err(_) => Verdict::Failed("it panicked"),
        }
    }
}

impl fmt::Debug for AsyncCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncCheck")
    }
}

impl fmt::Debug for Guardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guardrail")
            .field("name", &self.name)
            .field("is_async", &matches!(self.check, Check::Async(_)))
            .field("hold", &self.hold)
            .field("fastest_speech", &self.fastest_speech)
            .field("timeout", &self.timeout)
            .field("fail_open", &self.fail_open)
            .finish()
    }
}
