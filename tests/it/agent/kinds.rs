//! Sessions that transcribe and sessions that translate.

use rt_client::protocol::Pcm16;
use rt_client::{ErrorKind, Session, Speaker};
use rt_emulator::{Script, Turn as Scripted};
use tokio::sync::mpsc;

use super::{soon, start};
use crate::support::{PATIENCE, key, quick, speech};

#[tokio::test]
async fn a_transcription_gives_lines_in_order() {
    let script = Script::default()
        .turn(Scripted::default().hear("First."))
        .turn(Scripted::default().hear("Second."))
        .hear("Another.");
    let server = start(script).await;
    let url = format!("{}?intent=transcription", server.emulator.url());
    let endpoint = rt_client::Endpoint::from_url(&url).unwrap();
    let (sender, mut lines) = mpsc::unbounded_channel();
    let transcriber = Session::transcription(endpoint, key(), "gpt-4o-transcribe")
        .config(quick())
        .manual_turns()
        .on_line(move |line| drop(sender.send(line)))
        .connect()
        .await
        .unwrap();
    assert_eq!(
        transcriber.commit_audio().await.unwrap_err().kind(),
        ErrorKind::TooShort
    );
    let mut items = Vec::new();
    for _ in 0..2 {
        transcriber.send_audio(speech("question.wav")).await.unwrap();
        items.push(soon(transcriber.commit_audio()).await.unwrap());
    }
    for item in items {
        let line = soon(lines.recv()).await.unwrap();
        assert_eq!(line.item_id, item);
        assert!(!line.text.is_empty() && line.speaker == Speaker::User);
    }
    transcriber.close().await;
}

#[tokio::test]
async fn a_translation_comes_back_whole() {
    let server = start(Script::parrot().hear("Guten Tag.")).await;
    let url = format!(
        "{}/translations?model=gpt-realtime-translate",
        server.emulator.url()
    );
    let endpoint = rt_client::Endpoint::from_url(&url).unwrap();
    let (sender, mut audio) = mpsc::unbounded_channel();
    let translator = Session::translation(endpoint, key(), "es")
        .config(quick())
        .on_audio(move |audio| drop(sender.send(audio)))
        .connect()
        .await
        .unwrap();
    let question = speech("question.wav");
    translator.send_audio(question.clone()).await.unwrap();
    translator.finish(PATIENCE).await.unwrap();
    drop(translator);
    let mut back = Vec::new();
    while let Some(piece) = audio.recv().await {
        back.push(piece);
    }
    assert!(Pcm16::concat(&back).duration() >= question.duration());
}
