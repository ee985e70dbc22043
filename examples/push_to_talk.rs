//! Push to talk: turns begin and end when the user says so, and every reply goes to a file.
//!
//! ```text
//! cargo run --example push_to_talk
//! ```
//!
//! Runs on the emulator in this process, which gives back what it hears; a file is the microphone. Prints, and writes `reply.wav`:
//!
//! ```text
//! [pressed] talking …
//! [released] 3.3s of speech
//! User: What is the weather like today?
//! Assistant: What is the weather like today?
//! [pressed and released at once] TooShort: 0 ms of audio are no turn, the service takes 100 ms and more: send more first
//! ```

#[path = "support/local.rs"]
mod local;

use std::time::Duration;

use rt_client::playback::FileSink;
use rt_client::{ErrorKind, Session};
use rt_emulator::Script;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Script::parrot().hear("What is the weather like today?");
    let (_emulator, endpoint, credentials) = local::emulator(script, "?model=gpt-realtime").await?;
    let (lines, mut said) = tokio::sync::mpsc::unbounded_channel();
    let session = Session::builder(endpoint, credentials)
        .push_to_talk()
        .transcribe("gpt-4o-transcribe")
        .playback(FileSink::create("reply.wav")?)
        .on_line(move |line| drop(lines.send(line)))
        .on_error(|error| eprintln!("{error}"))
        .connect()
        .await?;

    println!("[pressed] talking …");
    session.start_talking().await?;
    let speech = rt_audio::read("fixtures/audio/question.wav")?;
    for piece in speech.chunks(Duration::from_millis(100)) {
        session.send_audio(piece).await?;
    }
    println!("[released] {:.1}s of speech", speech.duration().as_secs_f64());
    let reply = session.stop_talking().await?.reply().await?;
    anyhow::ensure!(
        reply.duration() == speech.duration(),
        "the emulator gives back what it hears"
    );
    for _ in 0..2 {
        if let Some(line) = said.recv().await {
            println!("{:?}: {}", line.speaker, line.text);
        }
    }

    // A finger that slips sends nothing, and nothing is refused by the service.
    session.start_talking().await?;
    match session.stop_talking().await {
        Err(error) if error.kind() == ErrorKind::TooShort => {
            println!("[pressed and released at once] {:?}: {error}", error.kind());
        }
        other => anyhow::bail!("this should have been too short: {:?}", other.err()),
    }
    session.close().await;
    Ok(())
}
