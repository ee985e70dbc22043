//! What a session tells of itself: cost, memory, errors, times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rt_client::latency::Latency;
use rt_client::protocol::{Item, Pcm16, ResponseParams};
use rt_client::reply::ReplyStatus;
use rt_client::tool::Function;
use rt_client::usage::{Budget, BudgetState, Prices};
use rt_client::{ErrorKind, Event, Turn};
use rt_emulator::{Emulator, Pacing, Script, Step, Turn as Scripted};

use super::traces::Spans;
use super::{ask, builder, next, soon, start};
use crate::support::{Server, speech};

#[tokio::test]
async fn pain_13_nobody_knows_the_cost() {
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
    ask(&session, "Hello").await;
    let report = |event| match event {
        Event::Usage(report) => Some(report),
        _ => None,
    };
    let report = next(&mut events, report).await;
    let tokens = report.total.input.total() + report.total.output.total();
    assert!(
        tokens > 0 && (report.cost.unwrap() - tokens as f64).abs() < 1e-9,
        "{report:?}"
    );
    let budget = |event| match event {
        Event::Budget(state) => Some(state),
        _ => None,
    };
    assert!(matches!(
        next(&mut events, budget).await,
        BudgetState::Exhausted { .. }
    ));
    let refused = soon(session.send_text("More").await.unwrap().reply()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Budget);
    let asked = server.emulator.journal().received(1);
    let asked = asked
        .iter()
        .filter(|message| message.event_type == "response.create");
    assert_eq!(asked.count(), 1);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_14_memory_grows() {
    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let count = Arc::new(AtomicU32::new(0));
    let counter = count.clone();
    let session = builder(&server)
        .text_only()
        .on_event(move |_| {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                let _ = held.recv();
            }
        })
        .connect();
    let session = soon(session).await.unwrap();
    let text = "word ".repeat(2000);
    let reply = session.send_text(text.clone()).await.unwrap();
    // A bound is reached, it shows, and the server waits.
    soon(async {
        while !session.stats().is_held_back {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    release.send(()).unwrap();
    assert_eq!(soon(reply.reply()).await.unwrap().text, text);
    assert!(session.stats().held_back > Duration::ZERO);
    session.close().await;
    let sent = server.emulator.journal().sent(1).len();
    assert_eq!(usize::try_from(count.load(Ordering::SeqCst)).unwrap(), sent);
}

#[tokio::test]
async fn pain_15_errors_end_everything_or_nobody_hears_of_them() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut events = session.events();
    // Whoever asked is told.
    let mut params = ResponseParams::new();
    params.input = vec![Item::reference("item_unknown")].into();
    let refused = soon(session.respond_with(params).await.unwrap().reply()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    soon(session.insert_item(Item::user_text("one").with_id("item_mine"), None))
        .await
        .unwrap();
    let twice = session
        .send_item(Item::user_text("two").with_id("item_mine"))
        .await
        .unwrap();
    assert_eq!(soon(twice.reply()).await.unwrap_err().kind(), ErrorKind::Refused);
    // What nobody waits for is an event.
    let update = r#"{"type":"session.update","session":{"type":"realtime","output_modalities":["smell"]}}"#;
    session
        .send(rt_client::protocol::ClientEvent::from_json(update).unwrap())
        .await
        .unwrap();
    let error = |event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    };
    assert_eq!(next(&mut events, error).await.kind(), ErrorKind::Refused);
    // And the session lives.
    assert_eq!(ask(&session, "Hello").await.status, ReplyStatus::Completed);
    session.close().await;
}

#[tokio::test]
async fn pain_24_no_times_no_traces() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).connect().await.unwrap();
    let mut events = session.events();
    ask(&session, "Hello").await;
    let latency = |event| match event {
        Event::Latency(Latency::FirstOutput { response_id, timing }) => Some((response_id, timing)),
        _ => None,
    };
    let (response, timing) = next(&mut events, latency).await;
    assert!(timing.after_request >= timing.after_created && timing.after_created.is_some());
    assert_eq!(timing.after_speech, None);
    let ended = |event| match event {
        Event::Turn(Turn::ReplyEnded {
            response_id, timing, ..
        }) => Some((response_id, timing)),
        _ => None,
    };
    assert_eq!(next(&mut events, ended).await, (response, timing));
    session.close().await;
}

#[tokio::test]
async fn turns_responses_and_tools_have_spans() {
    let spans = Spans::default();
    // With one collector in a process, what other threads come by first is switched off for all; with two it is not.
    let _other = tracing::Dispatch::new(Spans::default());
    // For this thread, which runs the session's task too.
    let _collected = tracing::subscriber::set_default(spans.clone());
    let script = Script::default()
        .turn(Scripted::default().step(Step::call("price", r#"{"of":"canary"}"#)))
        .turn(Scripted::default().step(Step::say("A canary.")));
    let server = start(script.hear("A canary?")).await;
    let price = Function::new("price", |_: serde_json::Value| async {
        Ok::<_, String>("canary")
    });
    let session = builder(&server).function(price).connect().await.unwrap();
    let mut events = session.events();
    session.send_audio(speech("question.wav")).await.unwrap();
    session
        .send_audio(Pcm16::silence(Duration::from_secs(1)))
        .await
        .unwrap();
    for _ in 0..2 {
        let ended = |event| matches!(event, Event::Turn(Turn::ReplyEnded { .. })).then_some(());
        next(&mut events, ended).await;
    }
    session.close().await;
    assert_eq!(spans.named("rt.session").len(), 1);
    let turns = spans.named("rt.turn");
    assert!(turns.len() == 1 && turns[0].contains("item_id="), "{turns:?}");
    let responses = spans.named("rt.response");
    assert_eq!(responses.len(), 2, "{responses:?}");
    assert!(
        responses
            .iter()
            .all(|fields| fields.contains(r#"status="completed""#))
    );
    assert!(responses[1].contains("after_speech_ms="), "{responses:?}");
    let tools = spans.named("rt.tool");
    assert!(tools.len() == 1 && tools[0].contains("failed=false"), "{tools:?}");
    assert!(tools[0].contains(r#"name="price""#), "{tools:?}");
    // Nothing that was said, passed or returned.
    assert!(!spans.text().contains("canary"), "{}", spans.text());
}
