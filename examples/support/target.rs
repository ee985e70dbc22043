//! Where an example connects to: the emulator in this process, OpenAI or Azure.

#[path = "settings.rs"]
mod settings;

use anyhow::bail;
use rt_emulator::{Emulator, Script};
use rt_lowlevel::{Credentials, Endpoint};
use settings::{optional, required};

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
        settings::load()?;
        match name {
            "local" => {
                let script = heard
                    .into_iter()
                    .fold(Script::parrot(), |script, text| script.hear(text));
                let emulator = Emulator::builder().script(script).start().await?;
                let url = format!("{}?model=gpt-realtime-2.1", emulator.url());
                Ok(Self {
                    endpoint: Endpoint::from_url(&url)?,
                    credentials: Credentials::api_key("local")?,
                    _emulator: Some(emulator),
                })
            }
            "openai" => {
                let model = optional("OPENAI_MODEL").unwrap_or_else(|| "gpt-realtime-2.1".to_owned());
                Ok(Self {
                    endpoint: Endpoint::openai(&model)?,
                    credentials: Credentials::api_key(required("OPENAI_API_KEY")?)?,
                    _emulator: None,
                })
            }
            "azure" => {
                let resource = required("AZURE_OPENAI_ENDPOINT")?;
                let deployment = required("AZURE_OPENAI_DEPLOYMENT")?;
                let endpoint = match optional("AZURE_OPENAI_API_VERSION") {
                    Some(version) => Endpoint::azure_preview(&resource, &deployment, &version)?,
                    None => Endpoint::azure(&resource, &deployment)?,
                };
                let credentials = Credentials::api_key(required("AZURE_OPENAI_API_KEY")?)?;
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
