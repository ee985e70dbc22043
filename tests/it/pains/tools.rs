//! Functions: slow ones, interrupted ones.

use rt_client::history::HistoryKind;
use rt_client::tool::Function;
use rt_emulator::{Script, Step, Turn as Scripted};

use super::{ask, builder, received, refused, soon, start};

/// A function that returns when it is told to.
fn waiting(name: &str) -> (Function, tokio::sync::watch::Sender<bool>) {
    let (go, gone) = tokio::sync::watch::channel(false);
    let function = Function::new(name, move |_: serde_json::Value| {
        let mut gone = gone.clone();
        async move {
            let _ = gone.wait_for(|gone| *gone).await;
            Ok::<_, String>("42")
        }
    });
    (function, go)
}

#[tokio::test]
async fn pain_11_dead_air_while_a_tool_runs() {
    let script = Script::default()
        .turn(Scripted::default().step(Step::call("report", "{}")))
        .turn(Scripted::default().step(Step::say("I am on it.")))
        .turn(Scripted::default().step(Step::say("It is 42.")));
    let server = start(script).await;
    let (report, go) = waiting("report");
    let session = builder(&server)
        .function(report.background("It is being made."))
        .connect()
        .await
        .unwrap();
    let first = soon(session.send_text("The report!")).await.unwrap();
    // The model speaks while the function runs.
    assert_eq!(soon(first.final_reply()).await.unwrap().text, "I am on it.");
    let next = soon(session.next_reply()).await.unwrap();
    go.send(true).unwrap();
    assert_eq!(soon(next.reply()).await.unwrap().text, "It is 42.");
    session.close().await;
    assert!(refused(&server, 1).is_empty(), "{:?}", refused(&server, 1));
}

#[tokio::test]
async fn pain_12_calls_without_an_output_or_with_two() {
    let script = Script::default()
        .turn(
            Scripted::default()
                .step(Step::call("one", "{}"))
                .step(Step::call("two", "{}")),
        )
        .turn(Scripted::default().step(Step::say("Well.")))
        .turn(Scripted::default().step(Step::say("Well, well.")));
    let server = start(script).await;
    let ((one, go_one), (two, go_two)) = (waiting("one"), waiting("two"));
    let session = builder(&server)
        .function(one)
        .function(two)
        .connect()
        .await
        .unwrap();
    ask(&session, "Do it.").await;
    // The user interrupts while both run.
    session.interrupt().await.unwrap();
    let next = soon(session.next_reply()).await.unwrap();
    go_one.send(true).unwrap();
    go_two.send(true).unwrap();
    soon(next.reply()).await.unwrap();
    let outputs = |history: &[rt_client::history::HistoryItem]| {
        let is_output =
            |item: &&rt_client::history::HistoryItem| matches!(item.kind, HistoryKind::CallOutput { .. });
        history.iter().filter(is_output).count()
    };
    assert_eq!(outputs(&session.history().await.unwrap()), 2);
    assert_eq!(received(&server, 1, "response.create").len(), 2);
    session.close().await;
    let created = received(&server, 1, "conversation.item.create");
    let calls: std::collections::BTreeSet<_> = created
        .iter()
        .filter_map(|event| event["item"]["call_id"].as_str())
        .collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(
        created
            .iter()
            .filter(|event| event["item"]["type"] == "function_call_output")
            .count(),
        2
    );
    assert!(refused(&server, 1).is_empty(), "{:?}", refused(&server, 1));
}
