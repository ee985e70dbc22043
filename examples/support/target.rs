//! Where an example connects to: the emulator in this process, OpenAI or Azure.

use anyhow::{Context as _, bail};
use rt_emulator::{Emulator, Script};
use rt_lowlevel::{Credentials, Endpoint};

/// An address, a key, and the emulator behind them if there is one.
pub struct Target {
    pub endpoint: Endpoint,
    pub credentials: Credentials,
    /// The emulator runs as long as this is held.
    _emulator: Option<Emulator>,
}

impl Target {
    /// `local`, `openai` or `azure`. The local one hears what `heard` says, if that is known.
    pub async fn named(name: &str, heard: Option<&str>) -> anyhow::Result<Self> {
        // Variables that are set win over those of the file.
        match dotenvy::dotenv() {
            Err(error) if !error.not_found() => {
                // The error quotes the line, which may be the key.
                bail!("the file .env cannot be read: put values with spaces in quotes");
            }
            _ => {}
        }
        match name {
            "local" => {
                let script = heard
                    .into_iter()
                    .fold(Script::parrot(), |script, text| script.hear(text));
                let emulator = Emulator::builder().script(script).start().await?;
                let url = format!("{}?model=gpt-realtime", emulator.url());
                Ok(Self {
                    endpoint: Endpoint::from_url(&url)?,
                    credentials: Credentials::api_key("local")?,
                    _emulator: Some(emulator),
                })
            }
            "openai" => {
                let model = optional("OPENAI_MODEL").unwrap_or_else(|| "gpt-realtime".to_owned());
                Ok(Self {
                    endpoint: Endpoint::openai(&model)?,
                    credentials: Credentials::api_key(required("OPENAI_API_KEY", "openai")?)?,
                    _emulator: None,
                })
            }
            "azure" => {
                let resource = required("AZURE_OPENAI_ENDPOINT", "azure")?;
                let deployment = required("AZURE_OPENAI_DEPLOYMENT", "azure")?;
                let endpoint = match optional("AZURE_OPENAI_API_VERSION") {
                    Some(version) => Endpoint::azure_preview(&resource, &deployment, &version)?,
                    None => Endpoint::azure(&resource, &deployment)?,
                };
                let credentials = Credentials::api_key(required("AZURE_OPENAI_API_KEY", "azure")?)?;
                Ok(Self {
                    endpoint,
                    credentials,
                    _emulator: None,
                })
            }
            other => bail!("unknown target {other:?}: choose local, openai or azure"),
        }
    }
}

fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn required(name: &str, target: &str) -> anyhow::Result<String> {
    optional(name).with_context(|| {
        format!("the variable {name} is not set: the target {target} needs it (see development.env for all of them)")
    })
}
