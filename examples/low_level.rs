//! An audio file through a session, with every event printed, on the layer that shows everything.
//!
//! ```text
//! cargo run --example low_level -- fixtures/audio/question.wav                (on the emulator, no key needed)
//! cargo run --example low_level -- fixtures/audio/question.mp3 --fast
//! cargo run --example low_level -- question.ogg openai                        (OPENAI_API_KEY)
//! cargo run --example low_level -- question.flac azure --output answer.wav    (AZURE_OPENAI_...)
//! ```
//!
//! It prints one line per server event as it arrives, then what both sides said, and writes the reply to a file:
//!
//! ```text
//! question.wav: WAV, PCM, 24000 Hz, 1 channel, 3.3 s, to the target local
//!    0.003 s  session.created  sess_...
//!    0.561 s  input_audio_buffer.speech_started  at 0.000 s
//!    ...
//! user:      What is the weather like in London today?
//! assistant: What is the weather like in London today?
//! reply.wav: 2.4 s
//! ```

#[path = "support/describe.rs"]
mod describe;
#[path = "support/stream.rs"]
mod stream;
#[path = "support/target.rs"]
mod target;
#[path = "support/turns.rs"]
mod turns;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser;
use describe::{describe, describe_connection};
use rt_lowlevel::{Connection, ConnectionEvent};
use rt_protocol::ServerEvent;
use rt_protocol::session::Transcription;
use target::Target;
use turns::Turns;

/// How long to wait for a first sign of speech, and then for the rest.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Parser)]
#[command(about = "Streams an audio file to a Realtime API and writes the reply to a file")]
struct Arguments {
    /// The audio: .wav, .ogg, .flac or .mp3
    file: PathBuf,
    /// Where to: local (the emulator), openai or azure
    #[arg(default_value = "local")]
    target: String,
    /// Send as fast as it goes, not at the pace of speech
    #[arg(long)]
    fast: bool,
    /// What transcribes the user's speech; where it is not offered, such as on Azure, gpt-4o-transcribe may be
    #[arg(long, default_value = "gpt-live-transcribe")]
    transcription: String,
    /// Where the reply goes
    #[arg(long, default_value = "reply.wav")]
    output: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let source = rt_audio::Source::open(&arguments.file)?;
    let info = source.info().to_string();
    // What is said in a fixture stands beside it; the emulator cannot know it.
    let heard = std::fs::read_to_string(arguments.file.with_extension("txt")).ok();
    let target = Target::named(&arguments.target, heard.as_deref().map(str::trim)).await?;
    println!(
        "{}: {info}, to the target {}",
        arguments.file.display(),
        arguments.target
    );

    let started = Instant::now();
    let mut connection = Connection::builder(target.endpoint, target.credentials)
        .connect()
        .await?;
    let bar = stream::progress_bar(source.info().duration);
    let sender = tokio::spawn(stream::send(
        connection.handle().clone(),
        source,
        Transcription::new(&arguments.transcription),
        arguments.fast,
        bar.clone(),
    ));

    let mut turns = Turns::default();
    let mut sender = Some(sender);
    while !(sender.is_none() && turns.is_over()) {
        let event = tokio::select! {
            event = connection.recv() => event,
            sent = async { sender.as_mut().expect("guarded").await }, if sender.is_some() => {
                sender = None;
                sent??;
                continue;
            }
            () = tokio::time::sleep(PATIENCE), if sender.is_none() => {
                bail!("nothing came for {PATIENCE:?} after the audio; {}", turns.missing());
            }
        };
        match event.context("the connection ended before the reply")? {
            ConnectionEvent::Server(event) => {
                bar.suspend(|| println!("{:>8.3} s  {}", started.elapsed().as_secs_f64(), describe(&event)));
                if let ServerEvent::Error(error) = &event {
                    bail!("the server refused something: {}", error.error.message);
                }
                if let ServerEvent::ResponseDone(done) = &event
                    && let Some(why) = turns::failure(done)
                {
                    bail!(why);
                }
                turns.take(&event);
            }
            ConnectionEvent::Closed(closed) => match closed.error {
                Some(error) => return Err(error).context("the connection was lost"),
                None => bail!("the connection was closed before the reply"),
            },
            other => bar.suspend(|| {
                println!(
                    "{:>8.3} s  {}",
                    started.elapsed().as_secs_f64(),
                    describe_connection(&other)
                )
            }),
        }
    }
    bar.finish_and_clear();
    connection.close().await;

    for (speaker, text) in turns.transcript() {
        println!("{speaker:<10} {text}");
    }
    let reply = turns.reply();
    rt_audio::wav::write_wav(&arguments.output, &reply)?;
    println!(
        "{}: {:.1} s",
        arguments.output.display(),
        reply.duration().as_secs_f64()
    );
    Ok(())
}
