//! Sinks that fail, and requests that are refused before they are sent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rt_client::playback::PlaybackSink;
use rt_client::protocol::session::AudioFormat;
use rt_client::protocol::{Pcm16, RealtimeSession, ResponseParams};
use rt_client::reply::ReplyStatus;
use rt_client::{ErrorKind, Event, Turn};
use rt_emulator::Script;

use super::{builder, errors, next, received, soon, start};

/// Fails at the first audio: with an error, or with a panic.
struct Broken {
    panics: bool,
}

impl PlaybackSink for Broken {
    fn play(&mut self, _: Pcm16) -> io::Result<()> {
        assert!(!self.panics, "the sink's own fault");
        Err(io::Error::other("the device is gone"))
    }

    fn clear(&mut self) {
        panic!("it is not called again");
    }

    fn played(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn a_sink_that_fails_or_panics_is_an_error_and_the_session_lives() {
    for panics in [false, true] {
        let server = start(Script::parrot()).await;
        let session = builder(&server)
            .playback(Broken { panics })
            .connect()
            .await
            .unwrap();
        let mut events = session.events();
        for text in ["one", "two"] {
            let reply = soon(session.send_text(text).await.unwrap().reply())
                .await
                .unwrap();
            assert_eq!(reply.status, ReplyStatus::Completed);
        }
        session.interrupt().await.unwrap();
        session.close().await;
        let mut errors = Vec::new();
        while let Some(event) = soon(events.next()).await {
            if let Event::Error(error) = event {
                errors.push(error);
            }
        }
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].kind(), ErrorKind::Playback);
    }
}

/// A speaker that is unplugged when it has been given some audio.
struct Unplugged {
    gone: Arc<AtomicBool>,
    plays: Arc<AtomicU32>,
}

impl PlaybackSink for Unplugged {
    fn play(&mut self, _: Pcm16) -> io::Result<()> {
        self.plays.fetch_add(1, Ordering::SeqCst);
        self.gone.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn clear(&mut self) {
        panic!("it is not called again");
    }

    fn played(&self) -> u64 {
        // Its count stands still.
        0
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_sink_that_is_gone_is_an_error_once_and_the_clock_plays_on() {
    let server = start(Script::parrot()).await;
    let (gone, plays) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
    let sink = Unplugged {
        gone: gone.clone(),
        plays: plays.clone(),
    };
    let session = builder(&server).playback(sink).connect().await.unwrap();
    let mut events = session.events();
    let ask = async |text: &str| {
        soon(session.send_text(text).await.unwrap().reply())
            .await
            .unwrap()
    };
    assert_eq!(ask("one").await.status, ReplyStatus::Completed);
    let error = next(&mut events, |event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Playback);
    assert!(error.to_string().contains("gone"), "{error}");
    let given = plays.load(Ordering::SeqCst);
    let reply = ask("two").await;
    assert!(reply.status == ReplyStatus::Completed && !reply.audio.is_empty());
    // What comes plays by the clock, so there is something to interrupt.
    session.interrupt().await.unwrap();
    let heard = next(&mut events, |event| match event {
        Event::Error(error) => panic!("told twice: {error}"),
        Event::Turn(Turn::Interrupted { heard, .. }) => Some(heard),
        _ => None,
    });
    assert!(heard.await < reply.duration());
    assert_eq!(plays.load(Ordering::SeqCst), given, "it is not called again");
    session.close().await;
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
}

#[tokio::test]
async fn a_sink_and_g711_do_not_go_together() {
    let server = start(Script::parrot()).await;
    for format in [AudioFormat::pcmu(), AudioFormat::pcma()] {
        let mut settings = RealtimeSession::default();
        settings.audio.or_default().output.or_default().format = format.into();
        let connecting = builder(&server)
            .settings(settings)
            .playback(Broken { panics: false })
            .connect();
        let error = soon(connecting).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(error.to_string().contains("audio/pcm"), "{error}");
    }
    assert_eq!(server.connects(), 0);
}

#[tokio::test]
async fn too_much_metadata_is_refused_before_it_is_sent() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut events = session.events();
    let params =
        |count: usize| ResponseParams::new().metadata((0..count).map(|n| (format!("key{n}"), "value")));
    let error = session.respond_with(params(16)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidEvent);
    let reply = session.respond_with(params(15)).await.unwrap();
    assert_eq!(soon(reply.reply()).await.unwrap().status, ReplyStatus::Completed);
    let created = |event| matches!(event, Event::Turn(_)).then_some(());
    next(&mut events, created).await;
    assert_eq!(received(&server, "response.create"), 1);
    session.close().await;
}
