//! [`Script`]: what the emulator hears, says and calls.

mod parse;
mod player;
mod step;

use std::fmt;
use std::path::Path;

use serde::Deserialize;

pub(crate) use parse::duration;
pub(crate) use player::{Player, Reply};
pub use step::{Failure, Step};

use crate::error::{Error, ErrorKind};
use crate::faults::FaultSpec;

/// What the emulator hears, says and calls, turn by turn. See the [crate page](crate) for the YAML form.
///
/// Each response in the conversation takes the next turn. Each connection starts at the first one.
///
/// ```
/// use rt_emulator::{Script, Step, Turn};
///
/// let script = Script::default()
///     .turn(Turn::default().hear("What is the weather in London?").step(Step::call("get_weather", "{}")))
///     .turn(Turn::default().step(Step::say("It is foggy.")));
/// assert_eq!(script.turns.len(), 2);
/// ```
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Script {
    /// What is heard in audio for which no turn says it. Without it a neutral sentence is made up.
    #[serde(default)]
    pub hear: Option<String>,
    /// One entry for each response.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// What happens when the turns are used up.
    #[serde(default)]
    pub after: After,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<FaultSpec>,
}

/// One turn: what the user is heard to say, and the response to it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Turn {
    /// The transcript of the user's audio in this turn.
    #[serde(default)]
    pub hear: Option<String>,
    /// The steps of the response. Without any, the parrot answers.
    #[serde(default)]
    pub reply: Vec<Step>,
}

/// What happens when a script's turns are used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum After {
    /// What the user said comes back.
    #[default]
    Parrot,
    /// The turns start over.
    Repeat,
    /// Responses complete without any output.
    Quiet,
}

impl fmt::Debug for Script {
    /// Without the texts, which may end up in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (turns, faults) = (self.turns.len(), self.faults.len());
        write!(f, "Script({turns} turns, then {:?}, {faults} faults)", self.after)
    }
}

impl Script {
    /// No turns: what the user said comes back.
    #[must_use]
    pub fn parrot() -> Self {
        Self::default()
    }

    /// Sets what is heard in audio for which no turn says it.
    #[must_use]
    pub fn hear(mut self, text: impl Into<String>) -> Self {
        self.hear = Some(text.into());
        self
    }

    /// Adds a turn.
    #[must_use]
    pub fn turn(mut self, turn: Turn) -> Self {
        self.turns.push(turn);
        self
    }

    /// Sets what happens when the turns are used up.
    #[must_use]
    pub fn after(mut self, after: After) -> Self {
        self.after = after;
        self
    }

    /// Reads a script from YAML.
    ///
    /// # Errors
    /// [`ErrorKind::Script`], with the line and the field, if the text is not YAML, a field is unknown, or a value
    /// makes no sense.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        yaml_serde::from_str(text)
            .map_err(|error| Error::new(ErrorKind::Script, format!("the script is not valid: {error}")))
    }

    /// Reads a script from a YAML file.
    ///
    /// # Errors
    /// [`ErrorKind::ReadScript`] if the file cannot be read; otherwise as [`from_yaml`](Self::from_yaml).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(
                ErrorKind::ReadScript,
                format!("cannot read the script {}", path.display()),
            )
            .because(error)
        })?;
        Self::from_yaml(&text)
            .map_err(|error| Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

impl Turn {
    /// Sets the transcript of the user's audio.
    #[must_use]
    pub fn hear(mut self, text: impl Into<String>) -> Self {
        self.hear = Some(text.into());
        self
    }

    /// Adds a step to the response.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.reply.push(step);
        self
    }
}
