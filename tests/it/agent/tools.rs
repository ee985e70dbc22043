//! Functions of an agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rt_client::history::HistoryKind;
use rt_client::protocol::session::FunctionTool;
use rt_client::tool::Function;
use rt_client::{ErrorKind, Event, Line, Speaker};
use rt_emulator::{Script, Step, Turn as Scripted};
use tokio::sync::mpsc;

use super::{builder, errors, next, received, soon, start};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct City {
    city: String,
}

#[tokio::test]
async fn functions_run_side_by_side_and_are_followed_once() {
    let script = Script::default()
        .turn(
            Scripted::default()
                .step(Step::call("weather", r#"{"city":"London"}"#))
                .step(Step::call("weather", r#"{"city":"Paris"}"#))
                .step(Step::call("weather", r#"{"town":"Rome"}"#))
                .step(Step::call("breaks", "{}")),
        )
        .turn(Scripted::default().step(Step::say("Fog and sun.")));
    let server = start(script).await;
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let (counter, seen) = (running.clone(), most.clone());
    let weather = Function::new("weather", move |city: City| {
        let (counter, seen) = (counter.clone(), seen.clone());
        async move {
            seen.fetch_max(counter.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Until the other one runs as well.
            while seen.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            Ok::<_, String>(format!("fog in {}", city.city))
        }
    });
    let breaks = Function::sync("breaks", |_: serde_json::Value| -> Result<(), String> {
        panic!("its own fault")
    });
    let session = builder(&server)
        .function(weather)
        .function(breaks)
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    let mut first = session.send_text("How is it?").await.unwrap();
    let reply = soon(first.wait()).await.unwrap();
    assert_eq!(reply.calls.len(), 4);
    let mut follow_up = soon(first.follow_up()).await.expect("it called functions");
    assert_eq!(soon(follow_up.wait()).await.unwrap().text, "Fog and sun.");
    assert!(soon(follow_up.follow_up()).await.is_none(), "it called none");
    assert!(soon(first.follow_up()).await.is_none(), "it was given away");
    assert_eq!(most.load(Ordering::SeqCst), 2);
    // Two of the four failed, and the application was told.
    for _ in 0..2 {
        let error = next(&mut events, |event| match event {
            Event::Error(error) => Some(error),
            _ => None,
        });
        assert_eq!(error.await.kind(), ErrorKind::Tool);
    }
    assert_eq!(received(&server, "response.create"), 2);
    let history = session.history().await.unwrap();
    let outputs = history
        .iter()
        .filter(|item| matches!(item.kind, HistoryKind::CallOutput { .. }));
    let outputs: Vec<String> = outputs.map(|item| item.text.to_string()).collect();
    assert_eq!(outputs.len(), 4);
    assert!(outputs.contains(&r#""fog in Paris""#.to_owned()), "{outputs:?}");
    assert!(
        outputs
            .iter()
            .any(|output| output.contains("missing field `city`")),
        "{outputs:?}"
    );
    assert!(
        outputs.iter().any(|output| output.contains("panicked")),
        "{outputs:?}"
    );
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
    session.close().await;
}

#[tokio::test]
async fn a_background_function_answers_twice() {
    let script = Script::default()
        .turn(Scripted::default().step(Step::call("report", "{}")))
        .turn(Scripted::default().step(Step::say("I am on it.")))
        .turn(Scripted::default().step(Step::say("It is done.")));
    let server = start(script).await;
    let (go, gone) = tokio::sync::watch::channel(false);
    let report = Function::new("report", move |_: serde_json::Value| {
        let mut gone = gone.clone();
        async move {
            let _ = gone.wait_for(|gone| *gone).await;
            Ok::<_, String>("42")
        }
    });
    let report = report.background("It is being made.");
    let session = builder(&server).function(report).connect().await.unwrap();
    let first = session.send_text("The report!").await.unwrap();
    assert_eq!(soon(first.final_reply()).await.unwrap().text, "I am on it.");
    let next = session.next_reply().await.unwrap();
    go.send(true).unwrap();
    assert_eq!(soon(next.reply()).await.unwrap().text, "It is done.");
    let history = session.history().await.unwrap();
    let told = history
        .iter()
        .find(|item| matches!(item.kind, HistoryKind::CallOutput { .. }) && item.text.contains("42"));
    let told = told.expect("the result is there");
    let received = server.emulator.journal().received(1);
    let item = received
        .iter()
        .find(|message| message.json["item"]["id"] == told.id.as_str());
    // What a tool returns is nobody's instruction.
    assert_eq!(item.unwrap().json["item"]["role"], "user");
    session.close().await;
}

#[tokio::test]
async fn the_application_answers_and_approves() {
    let script = Script::default()
        .turn(
            Scripted::default()
                .step(Step::call("mine", "{}"))
                .step(Step::call("careful", "{}")),
        )
        .turn(Scripted::default().step(Step::say("Well.")));
    let server = start(script).await;
    let careful = Function::sync("careful", |_: serde_json::Value| Ok::<_, String>("done"));
    let session = builder(&server)
        .tool(FunctionTool::new("mine"))
        .function(careful.needs_approval())
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    session.send_text("Do it.").await.unwrap();
    let (mut answered, mut refused) = (false, false);
    while !(answered && refused) {
        match soon(events.next()).await.unwrap() {
            Event::ToolCall(call) => {
                assert_eq!(call.name, "mine");
                session.answer_tool(call.call_id, "7").await.unwrap();
                answered = true;
            }
            Event::ApprovalWanted(call) => {
                session.approve_tool(call.call_id, false).await.unwrap();
                refused = true;
            }
            _ => {}
        }
    }
    let text = next(&mut events, |event| match event {
        Event::Line(Line {
            speaker: Speaker::Assistant,
            text,
            ..
        }) => Some(text),
        _ => None,
    });
    assert_eq!(text.await, "Well.");
    assert_eq!(received(&server, "response.create"), 2);
    session.close().await;
}

#[tokio::test]
async fn approvals_have_a_closure_of_their_own() {
    let script = Script::default()
        .turn(
            Scripted::default()
                .step(Step::call("mine", "{}"))
                .step(Step::call("careful", "{}")),
        )
        .turn(Scripted::default().step(Step::say("Well.")));
    let server = start(script).await;
    let careful = Function::sync("careful", |_: serde_json::Value| Ok::<_, String>("done"));
    let (calls, mut called) = mpsc::unbounded_channel();
    let (approvals, mut wanted) = mpsc::unbounded_channel();
    let session = builder(&server)
        .tool(FunctionTool::new("mine"))
        .function(careful.needs_approval())
        .on_tool_call(move |call| drop(calls.send(call)))
        .on_approval_wanted(move |call| drop(approvals.send(call)))
        .connect()
        .await
        .unwrap();
    let reply = session.send_text("Do it.").await.unwrap();
    let call = soon(called.recv()).await.unwrap();
    let approval = soon(wanted.recv()).await.unwrap();
    assert_eq!((call.name.as_str(), approval.name.as_str()), ("mine", "careful"));
    session.answer_tool(call.call_id, "7").await.unwrap();
    session.approve_tool(approval.call_id, true).await.unwrap();
    assert_eq!(soon(reply.final_reply()).await.unwrap().text, "Well.");
    session.close().await;
    assert!(called.recv().await.is_none() && wanted.recv().await.is_none());
    assert!(errors(&server).is_empty(), "{:?}", errors(&server));
}
