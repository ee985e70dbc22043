//! Speech in, speech out, with callbacks: the smallest voice session.
//!
//! ```text
//! cargo run --example voice_chat                                             (on the emulator)
//! cargo run --example voice_chat -- fixtures/audio/question.wav openai       (OPENAI_API_KEY)
//! ```
//!
//! Prints what was said and writes the reply to `reply.wav`:
//!
//! ```text
//! User: Speech of 2.5 seconds.
//! 2.5s of speech in reply.wav
//! Assistant: Speech of 2.5 seconds.
//! ```

#[path = "support/target.rs"]
mod target;

use std::time::Duration;

use anyhow::Context as _;
use rt_client::Session;
use rt_client::playback::FileSink;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .unwrap_or_else(|| "fixtures/audio/question.wav".to_owned());
    let target = target::Target::named(arguments.next().as_deref().unwrap_or("local"), None).await?;

    let session = Session::builder(target.endpoint, target.credentials)
        .instructions("Answer in one short sentence.")
        .transcribe("gpt-live-transcribe")
        .playback(FileSink::create("reply.wav")?)
        .on_line(|line| println!("{:?}: {}", line.speaker, line.text))
        .on_error(|error| eprintln!("{:#}", anyhow::Error::from(error)))
        .connect()
        .await?;
    let reply = session.next_reply().await?;
    session.send_audio(rt_audio::read(file)?).await?;
    // The service hears the end of the turn in a second of silence.
    session
        .send_audio(rt_audio::Pcm16::silence(Duration::from_secs(1)))
        .await?;
    let reply = tokio::time::timeout(Duration::from_secs(30), reply.reply())
        .await
        .context("no answer came")??;
    println!("{:.1}s of speech in reply.wav", reply.duration().as_secs_f64());
    session.close().await;
    Ok(())
}
