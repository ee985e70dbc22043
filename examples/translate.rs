//! Speech in one language in, speech in another out.
//!
//! ```text
//! cargo run --example translate
//! ```
//!
//! Runs on the emulator in this process, which gives the sound back as it is. Prints both transcripts as they come, and
//! writes `translation.wav`:
//!
//! ```text
//! heard: Guten Tag.
//! said:  Guten Tag.
//! 3.8s of speech in translation.wav
//! ```

#[path = "support/local.rs"]
mod local;

use std::time::Duration;

use rt_client::playback::FileSink;
use rt_client::{Event, Pcm16, Session, Speaker};
use rt_emulator::Script;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Script::parrot().hear("Guten Tag.");
    let path = "/translations?model=gpt-realtime-translate";
    let (_emulator, endpoint, credentials) = local::emulator(script, path).await?;
    let translator = Session::translation(endpoint, credentials, "es")
        .playback(FileSink::create("translation.wav")?)
        .on_error(|error| eprintln!("{error}"))
        .connect()
        .await?;
    let mut events = translator.events();

    let speech = rt_audio::read("fixtures/audio/question.wav")?;
    translator.send_audio(speech.clone()).await?;
    // Time goes by for the service only with audio.
    translator
        .send_audio(Pcm16::silence(Duration::from_millis(500)))
        .await?;
    let listening = tokio::spawn(async move {
        let (mut heard, mut said, mut lasted) = (String::new(), String::new(), Duration::ZERO);
        while let Some(event) = events.next().await {
            match event {
                Event::Transcript(piece) if piece.speaker == Speaker::User => heard.push_str(&piece.text),
                Event::Transcript(piece) => said.push_str(&piece.text),
                Event::Audio(piece) => lasted += piece.audio.duration(),
                _ => {}
            }
        }
        (heard, said, lasted)
    });
    translator.finish(Duration::from_secs(20)).await?;
    let (heard, said, lasted) = listening.await?;
    println!("heard: {heard}\nsaid:  {said}");
    anyhow::ensure!(lasted >= speech.duration(), "some of the translation is missing");
    println!("{:.1}s of speech in translation.wav", lasted.as_secs_f64());
    Ok(())
}
