//! One voice turn, end to end, on real audio.

use rt_emulator::Emulator;
use rt_protocol::client_event::ConversationItemRetrieve;
use rt_protocol::{Item, Pcm16, ServerEvent};

use crate::support::{Server, audio_of, count, say, send, speech, until};

/// The audio the server committed for this item, asked back from it.
async fn committed(connection: &mut rt_lowlevel::Connection, item_id: &str) -> Pcm16 {
    send(
        connection,
        ConversationItemRetrieve {
            item_id: item_id.to_owned(),
            ..Default::default()
        },
    )
    .await;
    let events = until(connection, "conversation.item.retrieved").await;
    let Some(ServerEvent::ConversationItemRetrieved(event)) = events.last() else {
        unreachable!()
    };
    let Item::Message(message) = &event.item else {
        panic!("{:?}", event.item)
    };
    message.content[0]
        .audio
        .value()
        .expect("audio")
        .to_pcm16()
        .unwrap()
}

/// Where `part` stands in `whole`, in samples.
fn position(part: &Pcm16, whole: &Pcm16) -> Option<usize> {
    let (part, whole) = (part.to_samples(), whole.to_samples());
    whole.windows(part.len()).position(|window| window == part)
}

async fn one_turn_of(file: &str) {
    let server = Server::start(Emulator::builder()).await;
    let mut connection = server.connect().await.unwrap();
    let question = speech(file);
    say(&connection, &question).await;
    let events = until(&mut connection, "response.done").await;

    assert_eq!(count(&events, "input_audio_buffer.speech_started"), 1, "{file}");
    assert_eq!(count(&events, "input_audio_buffer.committed"), 1, "{file}");
    assert_eq!(count(&events, "response.done"), 1, "{file}");
    let item_id = events.iter().find_map(|event| match event {
        ServerEvent::InputAudioBufferCommitted(event) => Some(event.item_id.clone()),
        _ => None,
    });
    let committed = committed(&mut connection, &item_id.unwrap()).await;
    let reply = audio_of(&events);
    // Sample for sample: the reply is what was committed, and that is a piece of what was sent.
    assert_eq!(reply, committed, "{file}");
    assert!(position(&committed, &question).is_some(), "{file}");
    assert!(
        committed.len() * 2 > question.len(),
        "{file}: {committed:?} of {question:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reply.wav");
    rt_audio::wav::write_wav(&path, &reply).unwrap();
    assert_eq!(rt_audio::read(&path).unwrap(), reply, "{file}");
    connection.close().await;
}

#[tokio::test]
async fn wav() {
    one_turn_of("question.wav").await;
}

#[tokio::test]
async fn ogg() {
    one_turn_of("question.ogg").await;
}

#[tokio::test]
async fn flac() {
    one_turn_of("question.flac").await;
}

#[tokio::test]
async fn mp3() {
    one_turn_of("question.mp3").await;
}
