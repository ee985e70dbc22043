//! Settings from the environment and from the file `.env`.

use anyhow::{Context as _, bail};

/// Takes in the file `.env`, if there is one. Variables that are set win over those of the file.
pub fn load() -> anyhow::Result<()> {
    match dotenvy::dotenv() {
        Err(error) if !error.not_found() => {
            // The error quotes the line, which may be the key.
            bail!("the file .env cannot be read: put values with spaces in quotes");
        }
        _ => Ok(()),
    }
}

/// The value of a variable; `None` if it is not set or blank.
pub fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The value of a variable that cannot be done without.
pub fn required(name: &str) -> anyhow::Result<String> {
    optional(name)
        .with_context(|| format!("the variable {name} is not set (see development.env for all of them)"))
}
