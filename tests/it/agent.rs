//! Sessions as an agent uses them: handles, streams, handlers, tools, interruptions.

pub(crate) mod blocking;
mod builders;
mod calls;
mod ends;
mod kinds;
mod listen;
mod sinks;
mod tools;

use std::time::Duration;

use rt_client::history::HistoryState;
use rt_client::playback::ChannelSink;
use rt_client::protocol::{Item, Pcm16, ResponseParams};
use rt_client::reply::{ReplyChunk, ReplyStatus};
use rt_client::tool::Function;
use rt_client::{ErrorKind, Event, EventStream, Session, SessionBuilder, Turn};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::{Emulator, Fault, Pacing, Script, Step, Turn as Scripted};

use crate::support::{PATIENCE, Server, key, quick, speech};

pub(crate) fn builder(server: &Server) -> SessionBuilder {
    Session::builder(server.endpoint(), key()).config(quick())
}

pub(crate) async fn start(script: Script) -> Server {
    Server::start(Emulator::builder().script(script)).await
}

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

/// The next event that is wanted.
pub(crate) async fn next<T>(events: &mut EventStream, wanted: impl Fn(Event) -> Option<T>) -> T {
    soon(async {
        loop {
            let event = events.next().await.expect("the session lives");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    })
    .await
}

pub(crate) fn received(server: &Server, event_type: &str) -> usize {
    let received = server.emulator.journal().received(1);
    received
        .iter()
        .filter(|message| message.event_type == event_type)
        .count()
}

/// What the server refused.
pub(crate) fn errors(server: &Server) -> Vec<String> {
    let sent = server.emulator.journal().sent(1);
    let errors = sent.iter().filter(|message| message.event_type == "error");
    errors.map(|message| message.json["error"].to_string()).collect()
}

#[tokio::test]
async fn a_reply_comes_whole_or_in_pieces() {
    let script = Script::default().turn(Scripted::default().step(Step::say("Hello to you too.")));
    let server = start(script).await;
    let session = builder(&server).connect().await.unwrap();
    let mut handle = session.send_text("Hello!").await.unwrap();
    let (mut text, mut audio) = (String::new(), Vec::new());
    while let Some(mut item) = soon(handle.next_item()).await {
        while let Some(mut part) = soon(item.next_part()).await {
            while let Some(chunk) = soon(part.next_chunk()).await {
                match chunk {
                    ReplyChunk::Text(piece) => text.push_str(&piece),
                    ReplyChunk::Audio(piece) => audio.push(piece),
                    _ => unreachable!(),
                }
            }
        }
        assert!(matches!(item.item(), Item::Message(_)));
    }
    let reply = soon(handle.reply()).await.unwrap();
    assert_eq!(reply.status, ReplyStatus::Completed);
    assert_eq!(text, "Hello to you too.");
    assert_eq!(reply.text, "Hello to you too.");
    assert_eq!(reply.audio, Pcm16::concat(&audio));
    assert!(reply.duration() > Duration::from_millis(300));
    session.close().await;
}

#[tokio::test]
async fn many_requests_at_once_are_answered_one_by_one() {
    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut replies = Vec::new();
    for n in 0..12 {
        replies.push(session.send_text(format!("{n}")).await.unwrap());
    }
    for reply in replies {
        assert_eq!(soon(reply.reply()).await.unwrap().status, ReplyStatus::Completed);
    }
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
    session.close().await;
}

#[tokio::test]
async fn push_to_talk_guards_the_shortest_turn() {
    let server = start(Script::parrot().hear("Hello?")).await;
    let session = builder(&server)
        .push_to_talk()
        .transcribe("gpt-4o-transcribe")
        .connect()
        .await
        .unwrap();
    session.start_talking().await.unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_millis(99)))
        .await
        .unwrap();
    assert_eq!(
        session.stop_talking().await.unwrap_err().kind(),
        ErrorKind::TooShort
    );
    session
        .send_audio(Pcm16::silence(Duration::from_millis(1)))
        .await
        .unwrap();
    let handle = soon(session.stop_talking()).await.unwrap();
    let item = handle.user_item().unwrap().to_owned();
    let reply = soon(handle.reply()).await.unwrap();
    assert_eq!(reply.duration(), Duration::from_millis(100));
    // The next turn begins from nothing.
    assert_eq!(
        session.commit_audio().await.unwrap_err().kind(),
        ErrorKind::TooShort
    );
    let history = session.history().await.unwrap();
    assert_eq!(history[0].id, item);
    assert_eq!(history.len(), 2);
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
    session.close().await;
}

#[tokio::test]
async fn speech_cuts_the_reply_at_what_was_played() {
    let words = "One two three four five six seven eight nine ten eleven twelve.";
    let say = Step::Say {
        text: words.into(),
        lasting: Some(Duration::from_secs(6)),
    };
    let script = Script::default().turn(Scripted::default().step(say));
    let server = start(script.after(rt_emulator::After::Quiet)).await;
    let (sink, mut speaker) = ChannelSink::new();
    let session = builder(&server).playback(sink).connect().await.unwrap();
    let mut events = session.events();
    session.send_text("Count!").await.unwrap();
    // A second and a half is played; the rest waits in the sink.
    let mut played = 0;
    while played < 36_000 {
        played += soon(speaker.next()).await.unwrap().len();
    }
    session.send_audio(speech("question.wav")).await.unwrap();
    let (item, heard, text) = next(&mut events, |event| match event {
        Event::Turn(Turn::Interrupted { item_id, heard, text }) => Some((item_id.unwrap(), heard, text)),
        _ => None,
    })
    .await;
    // All but the piece that was in hand.
    assert_eq!(heard, Duration::from_millis(1480));
    assert!(
        words.starts_with(&*text) && text.len() < words.len() / 3,
        "{:?}",
        &*text
    );
    assert_eq!(speaker.waiting(), Duration::ZERO);
    let history = session.history().await.unwrap();
    let cut = history.iter().find(|known| known.id == item).unwrap();
    assert_eq!((cut.heard, &cut.text), (Some(heard), &text));
    session.close().await;
    let received = server.emulator.journal().received(1);
    let truncates: Vec<_> = received
        .iter()
        .filter(|message| message.event_type == "conversation.item.truncate")
        .collect();
    assert_eq!(truncates.len(), 1);
    assert_eq!(truncates[0].json["audio_end_ms"], 1480);
    // The server hears the user, and cancels by itself.
    assert!(
        !received
            .iter()
            .any(|message| message.event_type == "response.cancel")
    );
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
}

#[tokio::test]
async fn history_can_be_edited() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let first = soon(session.insert_item(Item::user_text("one"), None))
        .await
        .unwrap();
    let third = soon(session.insert_item(Item::user_text("three"), None))
        .await
        .unwrap();
    let second = soon(session.insert_item(Item::user_text("two"), Some(&first)))
        .await
        .unwrap();
    let ids = |history: &[rt_client::history::HistoryItem]| {
        history.iter().map(|item| item.id.clone()).collect::<Vec<_>>()
    };
    let history = session.history().await.unwrap();
    assert_eq!(ids(&history), [first.clone(), second.clone(), third.clone()]);
    assert!(history.iter().all(|item| item.state == HistoryState::Final));
    soon(session.delete_item(&second)).await.unwrap();
    assert_eq!(ids(&session.history().await.unwrap()), [first.clone(), third]);
    assert_eq!(
        soon(session.retrieve_item(&first)).await.unwrap().id(),
        Some(&*first)
    );
    let error = soon(session.delete_item("item_unknown")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    session.close().await;
}

#[tokio::test]
async fn out_of_band_responses_run_beside_the_conversation() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let params = |text: &str| ResponseParams::new().out_of_band().input([Item::user_text(text)]);
    let main = session.send_text("main").await.unwrap();
    let one = session.respond_with(params("one")).await.unwrap();
    let two = session.respond_with(params("two")).await.unwrap();
    for (handle, text) in [(two, "two"), (one, "one"), (main, "main")] {
        assert_eq!(soon(handle.reply()).await.unwrap().text, text);
    }
    // Nothing of them is in the conversation.
    assert_eq!(session.history().await.unwrap().len(), 2);
    session.close().await;
}

#[tokio::test]
async fn what_is_refused_is_told_to_whoever_asked() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).connect().await.unwrap();
    let mut config = ResponseParams::new();
    config.input = vec![Item::reference("item_unknown")].into();
    let refused = soon(session.respond_with(config).await.unwrap().reply()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    // And the next one is answered.
    let reply = soon(session.send_text("Hello").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(reply.status, ReplyStatus::Completed);
    session.close().await;
}

#[tokio::test]
async fn no_handle_hangs_when_the_connection_goes() {
    let cut = Fault::at(
        Trigger::Sent {
            event_type: "response.output_audio.delta".into(),
            count: 1,
        },
        Action::Reset,
    );
    let server = Server::start(Emulator::builder().fault(1, cut)).await;
    let session = builder(&server).connect().await.unwrap();
    let first = session.send_text("Hello").await.unwrap();
    assert_eq!(
        soon(first.reply()).await.unwrap().status,
        ReplyStatus::ConnectionLost
    );
    // The next one is asked on the next connection.
    let next = soon(session.send_text("Again").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(next.status, ReplyStatus::Completed);
    let waiting = session.next_reply().await.unwrap();
    session.close().await;
    assert_eq!(soon(waiting.reply()).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn no_handle_hangs_when_the_connection_gives_up() {
    let script = Script::default().turn(Scripted::default().step(Step::call("wait", "{}")));
    let server = Server::start(Emulator::builder().script(script)).await;
    let mut config = quick();
    config.retry.max_attempts = 1;
    let (entered, mut called) = tokio::sync::mpsc::unbounded_channel();
    let wait = Function::new("wait", move |_: serde_json::Value| {
        let _ = entered.send(());
        std::future::pending::<Result<(), String>>()
    });
    let session = builder(&server)
        .config(config)
        .push_to_talk()
        .function(wait)
        .connect()
        .await
        .unwrap();
    let first = soon(session.send_text("Hello")).await.unwrap();
    // A function runs, whose answer would bring the next reply.
    soon(called.recv()).await.unwrap();
    assert_eq!(soon(first.reply()).await.unwrap().status, ReplyStatus::Completed);
    let next = soon(session.next_reply()).await.unwrap();
    // The server goes, and nobody takes its place.
    drop(server);
    let asked = [
        soon(session.respond()).await,
        soon(session.send_text("More")).await,
        soon(session.next_reply()).await,
    ];
    let edits = soon(async {
        tokio::join!(
            session.insert_item(Item::user_text("one"), None),
            session.delete_item("item")
        )
    });
    // What reached the server in its last moments may have been done; all of it comes to an end.
    let _ = edits.await;
    for handle in asked.into_iter().flatten().chain([next]) {
        let _ = soon(handle.reply()).await;
    }
    let mut state = session.state();
    soon(state.wait_for(|state| state.is_closed())).await.unwrap();
    assert_eq!(
        soon(session.respond()).await.unwrap_err().kind(),
        ErrorKind::Closed
    );
    assert!(soon(session.wait_for_reply()).await.is_err());
    soon(session.close()).await;
}
