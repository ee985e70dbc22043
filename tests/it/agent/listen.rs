//! What a session tells: handlers, closures, streams, and callbacks that are slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rt_client::latency::Latency;
use rt_client::protocol::Pcm16;
use rt_client::usage::{Budget, BudgetState, Prices};
use rt_client::{ErrorKind, Event, EventHandler, Line, Session, Speaker, Turn, async_trait};
use rt_emulator::{Emulator, Pacing, Script};
use tokio::sync::mpsc;

use super::{builder, next, received, soon, start};
use crate::support::{Server, speech};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_callback_loses_nothing_and_is_counted() {
    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    let mut first = true;
    let session = builder(&server)
        .text_only()
        .on_event(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            if std::mem::take(&mut first) {
                let _ = held.recv();
            }
        })
        .connect();
    // The callback holds up even the first event, so the settings are answered while it blocks.
    let session = soon(session).await.unwrap();
    let text = "word ".repeat(400);
    let waiting = session.send_text(text.clone()).await.unwrap();
    // Wait until the queue is full, however long that takes here.
    soon(async {
        while !session.stats().is_held_back {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    release.send(()).unwrap();
    let reply = soon(waiting.reply()).await.unwrap();
    assert_eq!(reply.text, text);
    assert!(session.stats().held_back > Duration::ZERO);
    session.close().await;
    let sent = server.emulator.journal().sent(1).len();
    assert_eq!(usize::try_from(count.load(Ordering::SeqCst)).unwrap(), sent);
}

#[tokio::test]
async fn a_budget_warns_and_stops() {
    let server = start(Script::parrot()).await;
    let prices = Prices {
        text_in: 1e6,
        text_out: 1e6,
        ..Prices::default()
    };
    let session = builder(&server)
        .text_only()
        .prices(prices)
        .budget(Budget::new(1.0).warn_at(0.0))
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    soon(session.send_text("Hello").await.unwrap().reply())
        .await
        .unwrap();
    let state = next(&mut events, |event| match event {
        Event::Budget(state) => Some(state),
        _ => None,
    });
    assert!(matches!(state.await, BudgetState::Exhausted { .. }));
    let refused = soon(session.send_text("More").await.unwrap().reply()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Budget);
    assert_eq!(received(&server, "response.create"), 1);
    session.close().await;

    let server = start(Script::parrot()).await;
    let unpriced = builder(&server).budget(Budget::new(1.0)).connect().await;
    assert_eq!(unpriced.unwrap_err().kind(), ErrorKind::Settings);
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
