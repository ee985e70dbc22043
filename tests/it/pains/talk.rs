//! Talking: turns, interruptions, transcripts.

use std::time::Duration;

use rt_client::playback::ChannelSink;
use rt_client::protocol::Pcm16;
use rt_client::protocol::client_event::ConversationItemTruncate;
use rt_client::protocol::session::ServerVad;
use rt_client::reply::ReplyStatus;
use rt_client::{Event, Session, Speaker, Turn};
use rt_emulator::{After, Emulator, Pacing, Script, Step, Turn as Scripted};

use super::{ask, builder, next, received, refused, soon, start};
use crate::support::{Server, key, quick, speech};

const WORDS: &str = "One two three four five six seven eight nine ten eleven twelve.";

/// Says the words in six seconds, and nothing after it.
fn story() -> Script {
    let say = Step::Say {
        text: WORDS.into(),
        lasting: Some(Duration::from_secs(6)),
    };
    Script::default()
        .turn(Scripted::default().step(say))
        .after(After::Quiet)
}

fn interrupted(event: Event) -> Option<(String, Duration, String)> {
    match event {
        Event::Turn(Turn::Interrupted { item_id, heard, text }) => Some((item_id?, heard, text.to_string())),
        _ => None,
    }
}

#[tokio::test]
async fn pain_02_the_conversation_already_has_an_active_response() {
    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut replies = Vec::new();
    for n in 0..8 {
        replies.push(session.send_text(n.to_string()).await.unwrap());
        replies.push(session.respond().await.unwrap());
    }
    for reply in replies {
        assert_eq!(soon(reply.reply()).await.unwrap().status, ReplyStatus::Completed);
    }
    assert!(refused(&server, 1).is_empty(), "{:?}", refused(&server, 1));
    session.close().await;
}

#[tokio::test]
async fn pain_03_audio_is_already_shorter_than() {
    let server = start(story()).await;
    let session = builder(&server).connect().await.unwrap();
    let mut handle = session.send_text("Count!").await.unwrap();
    let item = soon(handle.next_item()).await.unwrap().id();
    soon(handle.wait()).await.unwrap();
    let mut events = session.events();
    session
        .send(ConversationItemTruncate::new(item, 3_600_000))
        .await
        .unwrap();
    let truncated = |event| match event {
        Event::Server(event) => match &*event {
            rt_client::protocol::ServerEvent::ConversationItemTruncated(event) => Some(event.audio_end_ms),
            _ => None,
        },
        _ => None,
    };
    assert_eq!(next(&mut events, truncated).await, 6000);
    assert!(refused(&server, 1).is_empty(), "{:?}", refused(&server, 1));
    session.close().await;
}

#[tokio::test]
async fn pain_04_audio_goes_on_after_an_interruption() {
    let server = start(story()).await;
    let (sink, mut speaker) = ChannelSink::new();
    let session = builder(&server).playback(sink).connect().await.unwrap();
    let mut events = session.events();
    session.send_text("Count!").await.unwrap();
    let mut played = 0;
    while played < 24_000 {
        played += soon(speaker.next()).await.unwrap().len();
    }
    session.interrupt().await.unwrap();
    let (_, heard, _) = next(&mut events, interrupted).await;
    // All but the piece that was in hand; and nothing comes after it.
    assert_eq!(heard, Duration::from_millis(980));
    assert_eq!(speaker.waiting(), Duration::ZERO);
    let ended = |event| matches!(event, Event::Turn(Turn::ReplyEnded { .. })).then_some(());
    next(&mut events, ended).await;
    assert_eq!(speaker.waiting(), Duration::ZERO);
    session.close().await;
}

#[tokio::test]
async fn pain_08_transcripts_come_late_and_out_of_order() {
    let server = start(Script::parrot().hear("Hello?")).await;
    let session = builder(&server)
        .transcribe("gpt-4o-transcribe")
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    session.send_audio(speech("question.wav")).await.unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_secs(1)))
        .await
        .unwrap();
    for expected in [Speaker::User, Speaker::Assistant] {
        let line = |event| match event {
            Event::Line(line) => Some(line),
            _ => None,
        };
        let line = next(&mut events, line).await;
        assert_eq!(line.speaker, expected);
        assert!(!line.late && !line.text.is_empty());
    }
    session.close().await;
}

/// The bytes of audio that the journal shows as `<1280 characters>`, of whole samples in groups of three bytes.
fn base64_bytes(shown: &str) -> u64 {
    let characters: u64 = shown.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    characters / 4 * 3
}

#[tokio::test]
async fn pain_09_the_agent_hears_itself() {
    for half_duplex in [true, false] {
        let server = start(story()).await;
        let (sink, mut speaker) = ChannelSink::new();
        let mut builder = builder(&server).playback(sink);
        if half_duplex {
            builder = builder.half_duplex(Duration::from_secs(600));
        }
        let session = builder.connect().await.unwrap();
        session.send_text("Count!").await.unwrap();
        soon(speaker.next()).await.unwrap();
        // Loud speech out of the loudspeaker, into the microphone.
        let echo = speech("question.wav");
        session.send_audio(echo.clone()).await.unwrap();
        session.close().await;
        let sent = server.emulator.journal().sent(1);
        let heard = sent
            .iter()
            .any(|message| message.event_type == "input_audio_buffer.speech_started");
        assert_eq!(heard, !half_duplex);
        // As much is sent, so that the service's clock goes on.
        let bytes: u64 = received(&server, 1, "input_audio_buffer.append")
            .iter()
            .map(|append| base64_bytes(append["audio"].as_str().unwrap()))
            .sum();
        assert_eq!(bytes, echo.as_bytes().len() as u64);
    }
}

#[tokio::test]
async fn pain_10_a_cough_interrupts() {
    let server = start(story()).await;
    let (sink, mut speaker) = ChannelSink::new();
    let session = builder(&server)
        .server_vad(ServerVad::new())
        .confirm_interruptions(Duration::from_secs(600))
        .playback(sink)
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    let reply = session.send_text("Count!").await.unwrap();
    soon(speaker.next()).await.unwrap();
    session
        .send_audio(
            speech("question.wav")
                .chunks(Duration::from_millis(400))
                .next()
                .unwrap(),
        )
        .await
        .unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_secs(1)))
        .await
        .unwrap();
    let committed = |event| matches!(event, Event::Turn(Turn::UserCommitted { .. })).then_some(());
    next(&mut events, committed).await;
    assert_eq!(soon(reply.reply()).await.unwrap().status, ReplyStatus::Completed);
    // All of it is there to be heard, and nothing was cut or asked for.
    let mut played = 480;
    while played < 6 * 24_000 {
        played += soon(speaker.next()).await.unwrap().len();
    }
    session.close().await;
    assert!(received(&server, 1, "conversation.item.truncate").is_empty());
    assert_eq!(received(&server, 1, "response.create").len(), 1);
}

#[tokio::test]
async fn pain_18_the_history_keeps_words_nobody_heard() {
    let server = start(story()).await;
    let (sink, mut speaker) = ChannelSink::new();
    let session = builder(&server).playback(sink).connect().await.unwrap();
    let mut events = session.events();
    let reply = session.send_text("Count!").await.unwrap();
    soon(reply.reply()).await.unwrap();
    // The reply is over, and a second of it was heard.
    let mut played = 0;
    while played < 24_000 {
        played += soon(speaker.next()).await.unwrap().len();
    }
    session.interrupt().await.unwrap();
    let (item, heard, text) = next(&mut events, interrupted).await;
    assert!(
        WORDS.starts_with(&text) && text.len() <= WORDS.len() / 6,
        "{text:?}"
    );
    let history = session.history().await.unwrap();
    let known = history.iter().find(|known| known.id == item).unwrap();
    assert_eq!((&*known.text, known.heard), (&*text, Some(heard)));
    session.close().await;
    let cut = &received(&server, 1, "conversation.item.truncate")[0];
    assert_eq!(cut["audio_end_ms"], 980);
    assert!(refused(&server, 1).is_empty(), "{:?}", refused(&server, 1));
}

#[tokio::test]
async fn pain_22_transcription_only_sessions() {
    let server = start(
        Script::default()
            .turn(Scripted::default().hear("First."))
            .hear("Another."),
    )
    .await;
    let url = format!("{}?intent=transcription", server.emulator.url());
    let endpoint = rt_client::Endpoint::from_url(&url).unwrap();
    let transcriber = Session::transcription(endpoint, key(), "gpt-4o-transcribe")
        .config(quick())
        .manual_turns()
        .connect()
        .await
        .unwrap();
    let mut events = transcriber.events();
    transcriber.send_audio(speech("question.wav")).await.unwrap();
    let item = soon(transcriber.commit_audio()).await.unwrap();
    let line = |event| match event {
        Event::Line(line) => Some(line),
        _ => None,
    };
    let line = next(&mut events, line).await;
    assert_eq!((line.item_id, &*line.text), (item, "First."));
    transcriber.close().await;
}

#[tokio::test]
async fn pain_23_tests_cost_money() {
    // A script, no key, no network: the answers are the same each time.
    let script = || Script::default().turn(Scripted::default().step(Step::say("Always the same.")));
    let mut audio = Vec::new();
    for _ in 0..2 {
        let server = start(script()).await;
        let session = builder(&server).connect().await.unwrap();
        let reply = ask(&session, "Hello").await;
        assert_eq!(reply.text, "Always the same.");
        audio.push(reply.audio);
        session.close().await;
    }
    assert_eq!(audio[0], audio[1]);
}
