//! A file to 24 kHz mono: what is compared, as a whole process, with `ffmpeg -i IN -ar 24000 -ac 1 OUT`.
//!
//!     to24k IN OUT.wav

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rt_audio::Source;
use rt_audio::wav::WavWriter;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1);
    let (from, to) = (args.next().context("to24k IN OUT.wav")?, args.next().context("to24k IN OUT.wav")?);
    let mut chunks = Source::open(from)?.chunks(Duration::from_millis(500));
    let mut writer = WavWriter::create(to)?;
    while let Some(chunk) = chunks.next() {
        writer.write(&chunk?)?;
    }
    writer.finish()?;
    ensure!(chunks.report().is_complete(), "{}", chunks.report());
    Ok(())
}
