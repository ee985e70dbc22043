//! A file in, its text and subtitles out.
//!
//! ```text
//! cargo run --example transcribe -- fixtures/audio/question.wav                   (on the emulator)
//! cargo run --example transcribe -- talk.mp3 --openai gpt-transcribe              (OPENAI_API_KEY)
//! ```
//!
//! Prints a progress bar and the lines, and writes `transcript.srt` and `transcript.vtt`:
//!
//! ```text
//! 00:00:00.000 --> 00:00:02.500  What is the weather like today?
//! ```

#[path = "support/local.rs"]
mod local;
#[path = "support/settings.rs"]
mod settings;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use rt_client::{Credentials, Endpoint, Event, Pcm16, Session, Turn};
use rt_emulator::Script;

/// `01:02:03.456`, or with another mark.
fn clock(at: Duration, mark: char) -> String {
    let (seconds, ms) = (at.as_secs(), at.subsec_millis());
    format!(
        "{:02}:{:02}:{:02}{mark}{ms:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or("fixtures/audio/question.wav".into());
    let audio = rt_audio::read(&file).with_context(|| format!("cannot read {file}"))?;
    let (mut _emulator, mut model) = (None, "gpt-transcribe".to_owned());
    let (endpoint, credentials) = if arguments.next().as_deref() == Some("--openai") {
        model = arguments.next().unwrap_or(model);
        settings::load()?;
        let key = settings::required("OPENAI_API_KEY")?;
        (Endpoint::openai_transcription()?, Credentials::api_key(key)?)
    } else {
        let script = Script::parrot().hear("What is the weather like today?");
        let (emulator, endpoint, credentials) = local::emulator(script, "?intent=transcription").await?;
        _emulator = Some(emulator);
        (endpoint, credentials)
    };

    let transcriber = Session::transcription(endpoint, credentials, model)
        .server_vad(Default::default())
        .connect()
        .await?;
    let mut events = transcriber.events();
    let style = ProgressStyle::with_template("{wide_bar} {percent}%")?;
    let bar = ProgressBar::new(audio.len() as u64).with_style(style);
    let sender = transcriber.clone();
    let sending = tokio::spawn(async move {
        for piece in audio.chunks(Duration::from_millis(200)) {
            bar.inc(piece.len() as u64);
            sender.send_audio(piece).await?;
        }
        bar.finish_and_clear();
        // The last turn ends in silence.
        sender.send_audio(Pcm16::silence(Duration::from_secs(1))).await
    });

    let mut spoken: HashMap<String, (Duration, Duration)> = HashMap::new();
    let (mut srt, mut vtt) = (String::new(), "WEBVTT\n".to_owned());
    let (mut open, mut count) = (0, 0);
    loop {
        // When the file is sent, it is over when its turns are.
        let patience = Duration::from_secs(if sending.is_finished() && open == 0 { 1 } else { 20 });
        let Ok(Some(event)) = tokio::time::timeout(patience, events.next()).await else {
            break;
        };
        match event {
            Event::Turn(Turn::UserStarted { item_id, at }) => {
                open += 1;
                spoken.insert(item_id, (at, at));
            }
            Event::Turn(Turn::UserStopped { item_id, at }) => {
                spoken.entry(item_id).and_modify(|(_, end)| *end = at);
            }
            Event::Line(line) => {
                open -= 1;
                count += 1;
                let (from, to) = spoken.remove(&line.item_id).unwrap_or_default();
                println!("{} --> {}  {}", clock(from, '.'), clock(to, '.'), line.text);
                write!(
                    srt,
                    "{count}\n{} --> {}\n{}\n\n",
                    clock(from, ','),
                    clock(to, ','),
                    line.text
                )?;
                write!(
                    vtt,
                    "\n{} --> {}\n{}\n",
                    clock(from, '.'),
                    clock(to, '.'),
                    line.text
                )?;
            }
            Event::Error(error) => anyhow::bail!(error),
            _ => {}
        }
    }
    sending.await??;
    transcriber.close().await;
    anyhow::ensure!(count > 0, "no speech was found");
    std::fs::write("transcript.srt", srt)?;
    std::fs::write("transcript.vtt", vtt)?;
    Ok(())
}
