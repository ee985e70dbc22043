//! Any audio file to 24 kHz mono, as a WAV file or as raw samples, with progress and a level meter.
//!
//! ```text
//! cargo run --example convert -- fixtures/audio/question.mp3 question.wav
//! cargo run --example convert -- recording.flac speech.raw --trim-dbfs -50     (16-bit little-endian samples)
//! ```
//!
//! While it works (in a terminal; otherwise only the last lines):
//!
//! ```text
//! fixtures/audio/question.mp3: MP3, 44100 Hz, 1 channel, 3.3 s
//! [##############################              ]  68 %  -21 dBFS |#############       |
//! question.wav: 3.3 s decoded
//! peak -2.8 dBFS, RMS -23.0 dBFS, no sample clipped
//! ```

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use rt_audio::levels::{Levels, loud_range};
use rt_audio::wav::WavWriter;
use rt_audio::{Options, Pcm16};

#[derive(Parser)]
#[command(about = "Converts an audio file to 24 kHz mono PCM16")]
struct Arguments {
    /// What is read: the content decides what it is
    input: PathBuf,
    /// What is written: a WAV file if the name ends in .wav, otherwise raw samples
    output: PathBuf,
    /// Leave out what is quieter than this at both ends, but for 0.2 s
    #[arg(long, allow_hyphen_values = true)]
    trim_dbfs: Option<f64>,
    /// Add dither before rounding to 16 bits
    #[arg(long)]
    dither: bool,
}

/// Where the audio goes.
enum Output {
    Wav(WavWriter<BufWriter<File>>),
    Raw(BufWriter<File>),
}

impl Output {
    fn write(&mut self, audio: &Pcm16) -> anyhow::Result<()> {
        match self {
            Self::Wav(writer) => Ok(writer.write(audio)?),
            Self::Raw(writer) => Ok(writer.write_all(audio.as_bytes())?),
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let name = arguments.output.display();
    let mut options = Options::new();
    options.dither = arguments.dither.then_some(1);
    let source = options.open(&arguments.input)?;
    println!("{}: {}", arguments.input.display(), source.info());

    let mut output = if arguments.output.extension().is_some_and(|end| end == "wav") {
        Output::Wav(WavWriter::create(&arguments.output)?)
    } else {
        let file = File::create(&arguments.output).with_context(|| format!("{name} cannot be created"))?;
        Output::Raw(BufWriter::new(file))
    };
    let style = ProgressStyle::with_template("[{bar:44}] {percent:>3} % {msg}")?.progress_chars("##-");
    let bar = ProgressBar::new(1_000).with_style(style);

    let mut chunks = source.chunks(Duration::from_millis(100));
    let mut levels = Levels::default();
    // With trimming: what is quiet waits until something loud follows.
    let (mut quiet, mut begun) = (Vec::new(), false);
    while let Some(chunk) = chunks.next() {
        let chunk = chunk?;
        levels.add(&chunk);
        if let Some(done) = chunks.progress().fraction() {
            bar.set_position((done * 1_000.0) as u64);
        }
        bar.set_message(meter(&Levels::of(&chunk)));
        match arguments.trim_dbfs {
            Some(threshold) if loud_range(&chunk, threshold).is_none() => {
                quiet.push(chunk);
                if !begun && quiet.len() > 2 {
                    quiet.remove(0);
                }
            }
            _ => {
                begun = true;
                quiet.drain(..).try_for_each(|chunk| output.write(&chunk))?;
                output.write(&chunk)?;
            }
        }
    }
    quiet
        .iter()
        .take(if begun { 2 } else { 0 })
        .try_for_each(|chunk| output.write(chunk))?;
    match output {
        Output::Wav(writer) => drop(writer.finish()?),
        Output::Raw(mut writer) => writer.flush()?,
    }
    bar.finish_and_clear();

    println!("{name}: {}", chunks.report());
    let clipped = match levels.clipped() {
        0 => "no sample clipped".to_owned(),
        samples => format!("{samples} samples clipped"),
    };
    println!(
        "peak {:.1} dBFS, RMS {:.1} dBFS, {clipped}",
        levels.peak_dbfs(),
        levels.rms_dbfs()
    );
    Ok(())
}

/// A bar from -60 to 0 dBFS.
fn meter(levels: &Levels) -> String {
    let dbfs = levels.rms_dbfs().max(-60.0);
    let filled = "#".repeat(((dbfs + 60.0) / 3.0) as usize);
    format!("{dbfs:>4.0} dBFS |{filled:<20}|")
}
