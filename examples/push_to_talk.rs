//! Push to talk: turns begin and end when the user says so, and every reply goes to a file.
//!
//! ```text
//! cargo run --example push_to_talk
//! cargo run --example push_to_talk --features device   (a microphone and a speaker: Enter begins and ends a turn)
//! ```
//!
//! The second needs ALSA's headers on Linux (libasound2-dev). The first runs on the emulator in this process, which gives back what it hears; a file is the microphone. Prints, and writes `reply.wav`:
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
use rt_client::{Credentials, Endpoint, ErrorKind, Session};
use rt_emulator::Script;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Script::parrot().hear("What is the weather like today?");
    let (_emulator, endpoint, credentials) = local::emulator(script, "?model=gpt-realtime-2.1").await?;
    if cfg!(feature = "device") {
        with_devices(endpoint, credentials).await
    } else {
        with_files(endpoint, credentials).await
    }
}

#[cfg(not(feature = "device"))]
async fn with_devices(_: Endpoint, _: Credentials) -> anyhow::Result<()> {
    anyhow::bail!("this was built without the feature `device`")
}

/// Enter begins a turn, Enter ends it, the end of the input ends the program.
#[cfg(feature = "device")]
async fn with_devices(endpoint: Endpoint, credentials: Credentials) -> anyhow::Result<()> {
    let (speaker, _monitor) = rt_client::device::Speaker::open()?;
    let mut microphone = rt_client::device::Microphone::open()?;
    let session = Session::builder(endpoint, credentials)
        .push_to_talk()
        .playback(speaker)
        .on_error(|error| eprintln!("{error}"))
        .connect()
        .await?;
    let (keys, mut pressed) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().try_for_each(|_| keys.send(())));
    println!("Enter to talk, Enter when done, Ctrl-D to end");
    let mut is_talking = false;
    loop {
        tokio::select! {
            // Taken all the time, so that a turn does not begin with old sound; nobody hears an echo in this one.
            chunk = microphone.next() => match chunk {
                Some(Ok(audio)) if is_talking => session.send_audio(audio).await?,
                Some(Ok(_)) => {}
                Some(Err(error)) => eprintln!("{error}"),
                None => anyhow::bail!("there is no microphone any more"),
            },
            key = pressed.recv() => match (key, is_talking) {
                (None, _) => break,
                (Some(()), false) => {
                    session.start_talking().await?;
                    is_talking = true;
                    println!("[pressed] talking …");
                }
                (Some(()), true) => {
                    is_talking = false;
                    match session.stop_talking().await {
                        Ok(_) => println!("[released]"),
                        Err(error) => println!("[released] {error}"),
                    }
                }
            },
        }
    }
    // The last reply is heard to its end, unless that takes too long.
    let _ = tokio::time::timeout(Duration::from_secs(30), session.playback_finished()).await;
    session.close().await;
    Ok(())
}

async fn with_files(endpoint: Endpoint, credentials: Credentials) -> anyhow::Result<()> {
    let (lines, mut said) = tokio::sync::mpsc::unbounded_channel();
    let session = Session::builder(endpoint, credentials)
        .push_to_talk()
        .transcribe("gpt-live-transcribe")
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
