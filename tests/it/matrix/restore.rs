//! F57 to F59: what becomes of a conversation when its connection breaks.

use std::time::Duration;

use rt_emulator::fault::{Action, Trigger};
use rt_emulator::wire::Cut;
use rt_emulator::{Emulator, Fault, Pacing, Script, Step, Turn};
use rt_lowlevel::ConnectionEvent;
use rt_lowlevel::fate::Fate;
use rt_lowlevel::restore::{LostReason, SettledOutcome};
use rt_protocol::client_event::{ConversationItemCreate, ResponseCreate, SessionUpdate};
use rt_protocol::{Item, Pcm16, RealtimeSession, ServerEvent};

use super::bench::{Bench, Client, MS, patient, samples, server_events, text_item};
use crate::support::speech;

/// Settings and three items, all acknowledged.
async fn three_items(client: &Client) {
    let session = RealtimeSession::new().instructions("Be brief.").manual_turns();
    client.handle.send(SessionUpdate::new(session)).await.unwrap();
    for id in ["one", "two", "three"] {
        let receipt = client.handle.send_tracked(text_item(id)).await.unwrap();
        assert_eq!(receipt.await, Fate::Acknowledged);
    }
}

async fn is_restored_although(connection: u64, fault: Fault) {
    let emulator = Emulator::builder()
        .pacing(Pacing::instant())
        .fault(connection, fault.clone());
    let bench = Bench::start(emulator).await;
    let client = bench.client(patient()).await;
    three_items(&client).await;
    bench.line.cut(Cut::Fin);
    // The session whose restore breaks is number 2; the one that is whole comes after it.
    let report = client.restored(2).await;
    assert_eq!(
        (report.restored, report.lost.len()),
        (3, 0),
        "{fault:?}: {report:?}"
    );
    let last = bench.last_session();
    assert_eq!(last.item_ids(), ["one", "two", "three"], "{fault:?}");
    let refused: Vec<_> = last
        .commands()
        .into_iter()
        .filter(|command| command.refused.is_some())
        .collect();
    assert_eq!(refused, [], "{fault:?}");
    assert_eq!(last.commands()[0].event_type, "session.update", "{fault:?}");
    // And it can be used.
    let receipt = client.handle.send_tracked(text_item("four")).await.unwrap();
    assert_eq!(receipt.await, Fate::Acknowledged);
    assert_eq!(last.item_ids(), ["one", "two", "three", "four"]);
    let reports = client
        .close()
        .await
        .iter()
        .filter(|event| matches!(event, ConnectionEvent::Restored(_)))
        .count();
    assert_eq!(reports, 1, "{fault:?}");
}

#[tokio::test]
async fn f57_drop_at_each_step_of_the_restore() {
    // Received: session.update and three items. Sent: created, updated, and two for each item; the first of them already says that it is known.
    for step in 1..=4 {
        is_restored_although(2, Fault::at(Trigger::ReceivedMessages(step), Action::Reset)).await;
    }
    for step in 1..=6 {
        is_restored_although(2, Fault::at(Trigger::SentMessages(step), Action::HangUp)).await;
    }
    is_restored_although(2, Fault::status(503)).await;
}

#[tokio::test]
async fn f58_an_item_is_refused() {
    let emulator = Emulator::builder()
        .pacing(Pacing::instant())
        .fault(2, Fault::refuse_item("two"));
    let bench = Bench::start(emulator).await;
    let client = bench.client(patient()).await;
    three_items(&client).await;
    bench.line.cut(Cut::Reset);
    let report = client.restored(2).await;
    assert_eq!((report.restored, report.lost.len()), (2, 1), "{report:?}");
    assert_eq!(report.lost[0].id, "two");
    assert_eq!(
        report.lost[0].reason,
        LostReason::Rejected("invalid_value".to_owned())
    );
    assert_eq!(bench.last_session().item_ids(), ["one", "three"]);
    let receipt = client.handle.send_tracked(text_item("four")).await.unwrap();
    assert_eq!(receipt.await, Fate::Acknowledged);
    assert_eq!(bench.journal().connects(), 2, "no loop");
    client.close().await;
}

const SENTENCE: &str = "The quick brown fox jumps over the lazy dog while the band plays on and on and on.";

#[tokio::test]
async fn f59_drop_in_mid_response() {
    let mut say = Turn::default();
    say.reply.push(Step::say(SENTENCE));
    let mut pacing = Pacing::real_time();
    pacing.audio_speed = 4.0;
    let emulator = Emulator::builder()
        .script(Script::default().turn(say))
        .pacing(pacing);
    let bench = Bench::start(emulator).await;
    let client = bench.client(patient()).await;
    three_items(&client).await;
    client.handle.send(ResponseCreate::default()).await.unwrap();
    let ServerEvent::ResponseOutputAudioDelta(delta) = client.server("response.output_audio.delta", 30).await
    else {
        unreachable!()
    };
    // 2 s were played, of the 3 s that have arrived.
    client
        .handle
        .mark_played(&delta.item_id, delta.content_index, 48_000);
    bench.line.cut(Cut::Fin);
    client.restored(2).await;
    let interrupted = client.look(|events| {
        let found: Vec<_> = events
            .iter()
            .enumerate()
            .filter_map(|(n, event)| match event {
                ConnectionEvent::Interrupted(settled) => Some((n, settled.clone())),
                _ => None,
            })
            .collect();
        let retrying = events
            .iter()
            .position(|event| matches!(event, ConnectionEvent::Retrying(_)));
        assert_eq!(found.len(), 1);
        assert!(found[0].0 < retrying.unwrap(), "it is told before the retry");
        found[0].1.clone()
    });
    assert_eq!(
        interrupted.response_id.as_deref(),
        Some(delta.response_id.as_str())
    );
    assert_eq!(interrupted.outcome, SettledOutcome::Interrupted);
    assert_eq!(interrupted.played_ms, 2000);
    assert!(interrupted.received_ms >= 3000, "{interrupted:?}");
    assert!(SENTENCE.starts_with(&*interrupted.heard), "{}", interrupted.heard);
    // What the new session was told is what was heard, and no word more.
    let items = bench.last_session().items();
    let Some(Item::Message(answer)) = items.get(3) else {
        panic!("{:?}", bench.last_session().item_ids())
    };
    let told = answer.content[0].text.value().unwrap().to_string();
    assert!(
        SENTENCE.starts_with(&told) && told.len() < SENTENCE.len() * 2 / 3,
        "{told}"
    );
    assert_eq!(told, *interrupted.heard);
    client.close().await;
}

/// Sends audio with turn detection, `cut` at a third of it; what the server committed, and the audio itself.
async fn say_and(cut: Option<Cut>) -> (Vec<i16>, Vec<i16>) {
    let bench = Bench::start(Emulator::builder().pacing(Pacing::instant())).await;
    let client = bench.client(patient()).await;
    let audio = Pcm16::concat(&[speech("question.wav"), Pcm16::silence(Duration::from_secs(1))]);
    let chunks: Vec<Pcm16> = audio.chunks(20 * MS).collect();
    for (n, chunk) in chunks.iter().enumerate() {
        client.append(chunk.clone()).await;
        if n == chunks.len() / 3 {
            client.server("input_audio_buffer.speech_started", 1).await;
            if let Some(cut) = cut {
                bench.line.cut(cut);
            }
        }
        tokio::time::sleep(MS).await;
    }
    client.server("response.done", 1).await;
    let spoken = samples(&bench.journal().speech());
    client.close().await;
    (spoken, audio.to_samples())
}

#[tokio::test]
async fn f59_drop_in_mid_speech() {
    let (undisturbed, _) = say_and(None).await;
    for cut in [Cut::Fin, Cut::Reset] {
        let (spoken, sent) = say_and(Some(cut)).await;
        // No gap and nothing twice: it is one piece of what was sent …
        let found = sent.windows(spoken.len()).any(|window| window == spoken);
        assert!(found, "{} samples of {}", spoken.len(), sent.len());
        // … and as much as without the cut, but for what silence is worth at its edges.
        assert!(
            spoken.len() + 12_000 >= undisturbed.len(),
            "{} samples instead of {}",
            spoken.len(),
            undisturbed.len()
        );
    }
}

#[tokio::test]
async fn f59_drop_in_mid_tool_call() {
    let mut call = Turn::default();
    call.reply.push(Step::call("get_weather", r#"{"city":"London"}"#));
    let emulator = Emulator::builder()
        .script(Script::default().turn(call))
        .pacing(Pacing::instant());
    let bench = Bench::start(emulator).await;
    let client = bench.client(patient()).await;
    three_items(&client).await;
    client.handle.send(ResponseCreate::default()).await.unwrap();
    let ServerEvent::ResponseFunctionCallArgumentsDone(call) =
        client.server("response.function_call_arguments.done", 1).await
    else {
        unreachable!()
    };
    client.server("response.done", 1).await;
    bench.line.cut(Cut::Fin);
    client.restored(2).await;
    let call_id = call.call_id.clone();
    // Neither without the other: as long as the tool runs, the new session does not know of the call.
    let kinds = |bench: &Bench| -> Vec<&'static str> {
        let items = bench.last_session().items();
        items
            .iter()
            .filter_map(|item| match item {
                Item::FunctionCall(_) => Some("call"),
                Item::FunctionCallOutput(_) => Some("output"),
                _ => None,
            })
            .collect()
    };
    assert_eq!(kinds(&bench), [] as [&str; 0]);
    let output = ConversationItemCreate::new(Item::function_call_output(call_id, "foggy"));
    let receipt = client.handle.send_tracked(output).await.unwrap();
    assert_eq!(receipt.await, Fate::Acknowledged);
    assert_eq!(kinds(&bench), ["call", "output"]);
    let errors = client.look(|events| {
        server_events(events)
            .filter(|event| event.event_type() == "error")
            .count()
    });
    assert_eq!(errors, 0);
    client.close().await;
}
