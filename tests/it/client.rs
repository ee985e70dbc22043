//! Sessions with callbacks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_client::protocol::ServerEvent;
use rt_client::protocol::session::{AudioFormat, Modality};
use rt_client::{Error, ErrorKind, Session, SessionBuilder, Speaker};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::{Emulator, Fault, Script};
use rt_protocol::{Pcm16, RealtimeSession};
use tokio::sync::mpsc;

use crate::support::{PATIENCE, Server, key, quick, speech};

fn builder(server: &Server) -> SessionBuilder {
    Session::builder(server.endpoint(), key()).config(quick())
}

/// A callback that hands over what it got, and where it arrives.
fn channel<T: Send + 'static>() -> (impl FnMut(T) + Send + 'static, mpsc::UnboundedReceiver<T>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (move |value| drop(sender.send(value)), receiver)
}

/// A callback for events that hands over their types.
fn types() -> (
    impl FnMut(&ServerEvent) + Send + 'static,
    mpsc::UnboundedReceiver<String>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (
        move |event: &ServerEvent| drop(sender.send(event.event_type().to_owned())),
        receiver,
    )
}

async fn wait_for(types: &mut mpsc::UnboundedReceiver<String>, event_type: &str) {
    let found = async { while types.recv().await.expect("the session lives") != event_type {} };
    tokio::time::timeout(PATIENCE, found)
        .await
        .unwrap_or_else(|_| panic!("no {event_type}"));
}

#[tokio::test]
async fn a_voice_turn_comes_back_through_callbacks() {
    let server =
        Server::start(Emulator::builder().script(Script::parrot().hear("What is the weather?"))).await;
    let (on_audio, mut audio) = channel::<Pcm16>();
    let (on_transcript, mut transcripts) = channel();
    let (on_event, mut events) = types();
    let session = builder(&server)
        .transcribe("gpt-4o-transcribe")
        .on_audio(on_audio)
        .on_transcript(on_transcript)
        .on_event(on_event)
        .connect()
        .await
        .unwrap();
    session.send_audio(speech("question.ogg")).await.unwrap();
    wait_for(&mut events, "response.done").await;
    session.close().await;
    drop(session);

    let mut pieces = Vec::new();
    while let Some(piece) = audio.recv().await {
        pieces.push(piece);
    }
    assert!(Pcm16::concat(&pieces).duration() > Duration::from_secs(2));
    let (mut pieces, mut finals) = (String::new(), Vec::new());
    while let Some(line) = transcripts.recv().await {
        match (line.speaker, line.is_final) {
            (Speaker::User, true) => finals.push(("user", line.text.to_string())),
            (Speaker::Assistant, true) => finals.push(("assistant", line.text.to_string())),
            (Speaker::Assistant, false) => pieces.push_str(&line.text),
            _ => {}
        }
    }
    finals.sort();
    assert_eq!(
        finals,
        [
            ("assistant", "What is the weather?".into()),
            ("user", "What is the weather?".into())
        ]
    );
    assert_eq!(pieces, "What is the weather?");
}

#[tokio::test]
async fn text_is_answered() {
    let server = Server::start(Emulator::builder()).await;
    let (on_transcript, mut transcripts) = channel();
    let settings = RealtimeSession {
        output_modalities: vec![Modality::Text].into(),
        ..Default::default()
    };
    let session = builder(&server)
        .settings(settings)
        .on_transcript(on_transcript)
        .connect()
        .await
        .unwrap();
    session.send_text("Hello!").await.unwrap();
    let line = loop {
        let line = tokio::time::timeout(PATIENCE, transcripts.recv())
            .await
            .unwrap()
            .unwrap();
        if line.is_final {
            break line;
        }
    };
    assert_eq!((line.speaker, line.text.as_ref()), (Speaker::Assistant, "Hello!"));
    session.close().await;
}

#[tokio::test]
async fn refused_settings_are_an_error_that_names_them() {
    let mut lenient = quick();
    lenient.strict = false;
    let server = Server::start(Emulator::builder()).await;
    let mut settings = RealtimeSession::default();
    let mut format = AudioFormat::pcm();
    format.rate = 16_000.into();
    settings.audio.or_default().input.or_default().format = format.into();
    // Here, before it is sent, and by the server.
    for config in [quick(), lenient] {
        let error = builder(&server)
            .settings(settings.clone())
            .config(config)
            .connect()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(
            error.to_string().contains("session.audio.input.format.rate"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_callback_that_panics_is_an_error_and_the_session_lives() {
    let server = Server::start(Emulator::builder()).await;
    let (on_error, mut errors) = channel::<Error>();
    let (on_event, mut events) = types();
    let session = builder(&server)
        .on_audio(|_| panic!("the application's fault"))
        .on_event(on_event)
        .on_error(on_error)
        .connect()
        .await
        .unwrap();
    session.send_text("one").await.unwrap();
    wait_for(&mut events, "response.done").await;
    session.send_text("two").await.unwrap();
    wait_for(&mut events, "response.done").await;
    assert_eq!(errors.recv().await.unwrap().kind(), ErrorKind::Callback);
    session.close().await;
}

#[tokio::test]
async fn settings_are_sent_again_after_a_reconnect() {
    let cut = Fault::at(
        Trigger::Sent {
            event_type: "response.done".into(),
            count: 1,
        },
        Action::HangUp,
    );
    let server = Server::start(Emulator::builder().fault(1, cut)).await;
    let updated = Arc::new(Mutex::new(Vec::new()));
    let seen = updated.clone();
    let (on_event, mut events) = types();
    let mut on_event = on_event;
    let session = builder(&server)
        .instructions("Be brief.")
        .on_event(move |event| {
            if let ServerEvent::SessionUpdated(event) = event
                && let rt_client::protocol::Session::Realtime(session) = &event.session
            {
                seen.lock()
                    .unwrap()
                    .push(session.instructions.as_deref().unwrap_or_default().to_owned());
            }
            on_event(event);
        })
        .connect()
        .await
        .unwrap();
    session.send_text("Hello!").await.unwrap();
    wait_for(&mut events, "response.done").await;
    wait_for(&mut events, "session.updated").await;
    session.close().await;
    assert_eq!(*updated.lock().unwrap(), ["Be brief.", "Be brief."]);
    assert_eq!(server.connects(), 2);
}

#[tokio::test]
async fn a_closed_session_says_so() {
    let server = Server::start(Emulator::builder()).await;
    let session = builder(&server).connect().await.unwrap();
    session.close().await;
    session.close().await;
    assert_eq!(
        session.send_text("too late").await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

#[tokio::test]
async fn audio_that_is_not_pcm16_is_not_played_as_such() {
    let server = Server::start(Emulator::builder()).await;
    let (on_audio, mut audio) = channel::<Pcm16>();
    let (on_event, mut events) = types();
    let mut settings = RealtimeSession::default();
    settings.audio.or_default().output.or_default().format = AudioFormat::pcmu().into();
    let session = builder(&server)
        .settings(settings)
        .on_audio(on_audio)
        .on_event(on_event)
        .connect()
        .await
        .unwrap();
    session.send_text("Hello!").await.unwrap();
    wait_for(&mut events, "response.output_audio.delta").await;
    wait_for(&mut events, "response.done").await;
    session.close().await;
    drop(session);
    assert!(audio.recv().await.is_none());
}

#[tokio::test]
async fn connect_tells_what_ended_the_connection() {
    let quota = r#"{"type":"error","event_id":"e","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"You exceeded your current quota.","param":null,"event_id":null}}"#;
    let fault = Fault::at(Trigger::SentMessages(1), Action::Text(quota.to_owned()));
    let close = Fault::at(
        Trigger::Received {
            event_type: "session.update".into(),
            count: 1,
        },
        Action::Close {
            code: 1011,
            reason: String::new(),
        },
    );
    let server = Server::start(Emulator::builder().fault(1, fault).fault(1, close)).await;
    let error = builder(&server)
        .instructions("Be brief.")
        .connect()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert!(!error.is_retryable());
    let source = std::error::Error::source(&error).unwrap();
    let source = source.downcast_ref::<rt_lowlevel::Error>().unwrap();
    assert_eq!(source.kind(), rt_lowlevel::ErrorKind::Quota);
    assert_eq!(server.connects(), 1);
}
