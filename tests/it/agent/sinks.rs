//! Sinks that fail, and requests that are refused before they are sent.

use std::io;

use rt_client::playback::PlaybackSink;
use rt_client::protocol::session::AudioFormat;
use rt_client::protocol::{Pcm16, RealtimeSession, ResponseParams};
use rt_client::reply::ReplyStatus;
use rt_client::{ErrorKind, Event};
use rt_emulator::Script;

use super::{builder, next, received, soon, start};

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
