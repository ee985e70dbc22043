//! What a session tells: handlers, closures, streams, and callbacks that are slow.

use std::time::Duration;

use rt_client::latency::Latency;
use rt_client::protocol::Pcm16;
use rt_client::usage::Budget;
use rt_client::{ErrorKind, Event, EventHandler, Line, Session, Speaker, Turn, async_trait};
use rt_emulator::Script;
use tokio::sync::mpsc;

use super::{builder, next, soon, start};
use crate::support::speech;

struct Recorder(mpsc::UnboundedSender<String>);

#[async_trait]
impl EventHandler for Recorder {
    async fn on_line(&mut self, session: &Session, line: Line) {
        let _ = self.0.send(format!("{:?}: {}", line.speaker, line.text));
        if line.text == "one" && line.speaker == Speaker::Assistant {
            // A handler may send; only waiting for the reply has to be done elsewhere.
            session.send_text("two").await.unwrap();
        }
    }

    async fn on_turn(&mut self, _: &Session, turn: Turn) {
        assert!(!matches!(turn, Turn::ReplyEnded { .. }), "the handler's fault");
    }
}

#[tokio::test]
async fn a_handler_and_closures_hear_the_same() {
    let server = start(Script::parrot()).await;
    let (sender, mut lines) = mpsc::unbounded_channel();
    let (errors, mut failed) = mpsc::unbounded_channel();
    let session = builder(&server)
        .text_only()
        .handler(Recorder(sender.clone()))
        .on_line(move |line| drop(sender.send(format!("{:?}: {}", line.speaker, line.text))))
        .on_error(move |error| drop(errors.send(error)))
        .connect()
        .await
        .unwrap();
    session.send_text("one").await.unwrap();
    for expected in ["User: one", "Assistant: one", "User: two", "Assistant: two"] {
        for _ in 0..2 {
            assert_eq!(soon(lines.recv()).await.unwrap(), expected);
        }
    }
    assert_eq!(soon(failed.recv()).await.unwrap().kind(), ErrorKind::Callback);
    session.close().await;
}

#[tokio::test]
async fn a_budget_needs_prices() {
    let server = start(Script::parrot()).await;
    let unpriced = builder(&server).budget(Budget::new(1.0)).connect().await;
    assert_eq!(unpriced.unwrap_err().kind(), ErrorKind::Settings);
    assert_eq!(server.connects(), 0);
}

#[tokio::test]
async fn answers_to_speech_are_timed() {
    let server = start(Script::parrot().hear("Hello?")).await;
    let session = builder(&server)
        .transcribe("gpt-4o-transcribe")
        .connect()
        .await
        .unwrap();
    let (mut events, mut lines) = (session.events(), session.events());
    session.send_audio(speech("question.wav")).await.unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_secs(1)))
        .await
        .unwrap();
    let (speech, request) = next(&mut events, |event| match event {
        Event::Latency(Latency::FirstOutput { timing, .. }) => {
            Some((timing.after_speech, timing.after_request))
        }
        _ => None,
    })
    .await;
    assert!(speech.is_some());
    assert!(request.is_none());
    for speaker in [Speaker::User, Speaker::Assistant] {
        let line = next(&mut lines, |event| match event {
            Event::Line(line) => Some(line),
            _ => None,
        });
        assert_eq!(line.await.speaker, speaker);
    }
    session.close().await;
}
