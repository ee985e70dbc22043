//! Checks of what the model says, before it is heard or as it is.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Check = Box<dyn FnMut(&str) -> Result<(), String> + Send>;

/// A check of the model's words.
///
/// It is given all text of a part of a reply so far, each time there is more. `Err` blocks the reply: the model is
/// interrupted, what was not heard is taken out of the conversation, and [`Event::Blocked`](crate::Event::Blocked) tells.
///
/// Without [`hold`](Self::hold), audio plays on while it is checked. With it, no audio, text or transcript comes out before
/// the words that belong to it have passed, which costs as much delay as the text is behind the audio. Raw server events
/// are never held.
///
/// The check runs on the session's task: it must be quick. One that panics blocks.
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
    /// A check, with a name for the event.
    pub fn new(
        name: impl Into<String>,
        check: impl FnMut(&str) -> Result<(), String> + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            check: Box::new(check),
            hold: false,
        }
    }

    /// Holds audio and text back until they have passed.
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn check(&mut self, text: &str) -> Result<(), String> {
        let check = AssertUnwindSafe(|| (self.check)(text));
        catch_unwind(check).unwrap_or_else(|_| Err("it panicked".to_owned()))
    }
}

impl fmt::Debug for Guardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guardrail")
            .field("name", &self.name)
            .field("hold", &self.hold)
            .finish_non_exhaustive()
    }
}
