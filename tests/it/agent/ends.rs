//! What is told when nobody waits for it any more, and when there is nothing more to tell.

use std::time::Duration;

use rt_client::playback::ChannelSink;
use rt_client::protocol::client_event::ResponseCreate;
use rt_client::protocol::{ClientEvent, Item};
use rt_client::{ErrorKind, Event};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::{Emulator, Fault, Script, Step, Turn as Scripted};

use super::{builder, next, soon, start};
use crate::support::{Server, quick, speech};

#[tokio::test]
async fn a_stream_of_a_session_that_is_over_ends() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).connect().await.unwrap();
    session.close().await;
    assert!(soon(session.events().next()).await.is_none());
}

#[tokio::test]
async fn what_is_refused_is_told_though_nobody_waits() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut events = session.events();
    let item = || Item::user_text("Hello").with_id("item_mine");
    soon(session.send_item(item()).await.unwrap().reply())
        .await
        .unwrap();
    // The handle is dropped at once.
    session.send_item(item()).await.unwrap();
    let error = |event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    };
    assert_eq!(next(&mut events, error).await.kind(), ErrorKind::Refused);
    // Whoever waits is told himself, and nobody else is.
    let waited = soon(session.send_item(item()).await.unwrap().reply()).await;
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::Refused);
    // What nobody waits for is no failure when the session ends.
    session.send_text("bye").await.unwrap();
    session.close().await;
    while let Some(event) = soon(events.next()).await {
        assert!(!matches!(event, Event::Error(_)), "{event:?}");
    }
}

#[tokio::test]
async fn a_commit_that_failed_can_be_asked_for_again() {
    let cut = Fault::at(
        Trigger::Received {
            event_type: "input_audio_buffer.commit".into(),
            count: 1,
        },
        Action::Reset,
    );
    let server = Server::start(Emulator::builder().script(Script::parrot()).fault(1, cut)).await;
    let mut config = quick();
    config.restore.enabled = false;
    let session = builder(&server)
        .config(config)
        .push_to_talk()
        .connect()
        .await
        .unwrap();
    session.send_audio(speech("question.wav")).await.unwrap();
    let lost = soon(session.commit_audio()).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Connection);
    // The audio was lost with the connection; that it was too short is not true.
    let again = soon(session.commit_audio()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Refused, "{again}");
    session.close().await;
}

#[tokio::test]
async fn events_of_the_applications_own_keep_their_ids() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let create = ClientEvent::from(ResponseCreate::default()).with_event_id("mine_1");
    let reply = session.next_reply().await.unwrap();
    session.send(create).await.unwrap();
    soon(reply.reply()).await.unwrap();
    session.close().await;
    let received = server.emulator.journal().received(1);
    let create = received
        .iter()
        .find(|message| message.event_type == "response.create");
    assert_eq!(create.unwrap().json["event_id"], "mine_1");
}

#[tokio::test]
async fn the_end_of_a_reply_can_be_waited_for() {
    let script = Script::default().turn(Scripted::default().step(Step::Say {
        text: "One two three.".into(),
        lasting: Some(Duration::from_secs(2)),
    }));
    let server = start(script).await;
    let (sink, mut speaker) = ChannelSink::new();
    let session = builder(&server).playback(sink).connect().await.unwrap();
    soon(session.playback_finished()).await.unwrap();
    soon(session.respond().await.unwrap().reply()).await.unwrap();
    // It is over, and nothing of it was heard.
    let finished = {
        let session = session.clone();
        tokio::spawn(async move { session.playback_finished().await })
    };
    tokio::task::yield_now().await;
    let mut played = Duration::ZERO;
    while played < Duration::from_secs(2) {
        assert!(!finished.is_finished());
        played += soon(speaker.next()).await.unwrap().duration();
    }
    // The last piece is played when the next one is asked for.
    let next = tokio::spawn(async move { speaker.next().await });
    soon(finished).await.unwrap().unwrap();
    let waits = {
        let session = session.clone();
        tokio::spawn(async move { session.playback_finished().await })
    };
    soon(waits).await.unwrap().unwrap();
    session.close().await;
    assert!(soon(next).await.unwrap().is_none());
    assert_eq!(
        session.playback_finished().await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}
