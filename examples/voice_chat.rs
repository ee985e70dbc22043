//! Speech in, speech out, with callbacks: the smallest voice session.
//!
//! ```text
//! cargo run --example voice_chat                                             (on the emulator)
//! cargo run --example voice_chat -- fixtures/audio/question.wav openai       (OPENAI_API_KEY)
//! ```
//!
//! Prints what was said and writes the reply to `reply.wav`.

#[path = "support/target.rs"]
mod target;

use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;
use rt_client::Session;
use rt_client::protocol::ServerEvent;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .unwrap_or_else(|| "fixtures/audio/question.wav".to_owned());
    let target = target::Target::named(arguments.next().as_deref().unwrap_or("local"), None).await?;

    let (speaker, reply) = mpsc::channel();
    let done = std::sync::Arc::new(tokio::sync::Notify::new());
    let (answered, failed) = (done.clone(), done.clone());
    let session = Session::builder(target.endpoint, target.credentials)
        .instructions("Answer in one short sentence.")
        .transcribe("gpt-4o-transcribe")
        .on_audio(move |audio| drop(speaker.send(audio)))
        .on_transcript(|line| {
            if line.is_final {
                println!("{:?}: {}", line.speaker, line.text)
            }
        })
        .on_event(move |event| {
            if matches!(event, ServerEvent::ResponseDone(_)) {
                answered.notify_one()
            }
        })
        .on_error(move |error| {
            eprintln!("{:#}", anyhow::Error::from(error));
            failed.notify_one();
        })
        .connect()
        .await?;
    session.send_audio(rt_audio::read(file)?).await?;
    // The service hears the end of the turn in a second of silence.
    session
        .send_audio(rt_audio::Pcm16::silence(Duration::from_secs(1)))
        .await?;
    tokio::time::timeout(Duration::from_secs(30), done.notified())
        .await
        .context("no answer came")?;
    session.close().await;

    let reply: Vec<_> = reply.try_iter().collect();
    rt_audio::write_wav("reply.wav", &rt_audio::Pcm16::concat(&reply))?;
    Ok(())
}
