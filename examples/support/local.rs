//! An emulator in this process, and the way to it.

use rt_client::{Credentials, Endpoint};
use rt_emulator::{Emulator, Pacing, Script};

/// An emulator that says what the script says, and where it is. It runs as long as it is held.
pub async fn emulator(script: Script, path: &str) -> anyhow::Result<(Emulator, Endpoint, Credentials)> {
    let emulator = Emulator::builder()
        .script(script)
        .pacing(Pacing::server())
        .start()
        .await?;
    let endpoint = Endpoint::from_url(&format!("{}{path}", emulator.url()))?;
    Ok((emulator, endpoint, Credentials::api_key("local")?))
}
