//! Sessions of an agent over lost connections: what holds there holds across them.

use std::sync::Arc;
use std::time::Duration;

use rt_client::protocol::Item;
use rt_client::reply::ReplyStatus;
use rt_client::tool::Function;
use rt_client::{Event, EventStream, Session};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::{Emulator, Fault, Script, Step, Turn as Scripted};
use tokio::sync::watch;

use crate::support::{PATIENCE, Server, key, quick};

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

async fn restored(events: &mut EventStream) -> Arc<rt_lowlevel::event::Restored> {
    soon(async {
        loop {
            if let Event::Restored(report) = events.next().await.expect("the session lives") {
                return report;
            }
        }
    })
    .await
}

/// The items a connection was given, as `type:text`.
fn given(server: &Server, connection: u64) -> Vec<String> {
    let received = server.emulator.journal().received(connection);
    let items = received
        .iter()
        .filter(|message| message.event_type == "conversation.item.create");
    items
        .map(|message| {
            let item = &message.json["item"];
            let text = ["text", "transcript"].map(|key| item["content"][0][key].as_str().unwrap_or_default());
            let output = item["output"].as_str().unwrap_or_default();
            format!("{}:{}{output}", item["type"].as_str().unwrap(), text.concat())
        })
        .collect()
}

fn count(server: &Server, connection: u64, event_type: &str) -> usize {
    let received = server.emulator.journal().received(connection);
    received
        .iter()
        .filter(|message| message.event_type == event_type)
        .count()
}

#[tokio::test]
async fn a_conversation_goes_on_after_a_lost_connection() {
    let server = Server::start(Emulator::builder()).await;
    let session = Session::builder(server.endpoint(), key())
        .config(quick())
        .instructions("Be brief.")
        .text_only()
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    let first = soon(session.send_text("one").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(first.status, ReplyStatus::Completed);
    server.emulator.act(1, Action::Reset);
    let report = restored(&mut events).await;
    assert_eq!(report.restored, 2);
    assert!(report.lost.is_empty(), "{report:?}");
    let second = soon(session.send_text("two").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(second.text, "two");
    assert_eq!(given(&server, 2), ["message:one", "message:one", "message:two"]);
    let texts: Vec<String> = session
        .history()
        .await
        .unwrap()
        .iter()
        .map(|item| item.text.to_string())
        .collect();
    assert_eq!(texts, ["one", "one", "two", "two"]);
    session.close().await;
}

#[tokio::test]
async fn a_tool_that_runs_across_a_lost_connection_answers_once() {
    let script = Script::default()
        .turn(Scripted::default().step(Step::call("report", "{}")))
        .turn(Scripted::default().step(Step::say("Here it is.")));
    let server = Server::start(Emulator::builder().script(script)).await;
    let (go, gone) = watch::channel(false);
    let report = Function::new("report", move |_: serde_json::Value| {
        let mut gone = gone.clone();
        async move {
            let _ = gone.wait_for(|gone| *gone).await;
            Ok::<_, String>("42")
        }
    });
    let session = Session::builder(server.endpoint(), key())
        .config(quick())
        .function(report)
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    let mut first = session.send_text("The report!").await.unwrap();
    let calls = soon(first.wait()).await.unwrap();
    let call_id = calls.calls[0].call_id.value().unwrap().clone();
    let follow_up = soon(first.follow_up()).await.expect("it called a function");
    server.emulator.act(1, Action::Reset);
    restored(&mut events).await;
    go.send(true).unwrap();
    let reply = soon(follow_up.reply()).await.unwrap();
    assert_eq!(reply.status, ReplyStatus::Completed);
    session.close().await;
    let answers = |connection| {
        let received = server.emulator.journal().received(connection);
        let answers = received.iter().filter(|message| {
            let item = &message.json["item"];
            item["type"] == "function_call_output" && item["call_id"] == call_id.as_str()
        });
        answers.count()
    };
    // Sent with its call, and followed up.
    assert_eq!((answers(1), answers(2)), (0, 1), "{:?}", given(&server, 2));
    assert!(count(&server, 2, "response.create") >= 1);
}

/// A session whose first connection is reset when the server receives the first event of this type.
async fn cut_at(event_type: &str) -> (Server, Session) {
    let cut = Fault::at(
        Trigger::Received {
            event_type: event_type.into(),
            count: 1,
        },
        Action::Reset,
    );
    let server = Server::start(Emulator::builder().fault(1, cut)).await;
    let session = Session::builder(server.endpoint(), key())
        .config(quick())
        .text_only()
        .connect()
        .await
        .unwrap();
    (server, session)
}

#[tokio::test]
async fn a_response_that_was_asked_for_is_asked_for_again_once() {
    let (server, session) = cut_at("response.create").await;
    let reply = soon(session.send_text("Hello").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(
        (reply.status, reply.text.as_ref()),
        (ReplyStatus::Completed, "Hello")
    );
    session.close().await;
    assert_eq!(count(&server, 2, "response.create"), 1);
}

#[tokio::test]
async fn an_edit_is_acknowledged_over_a_lost_connection() {
    let (_server, session) = cut_at("conversation.item.create").await;
    let id = soon(session.insert_item(Item::user_text("kept"), None))
        .await
        .unwrap();
    let known = soon(session.retrieve_item(&id)).await.unwrap();
    assert_eq!(known.id(), Some(&*id));
    session.close().await;
}

#[tokio::test]
async fn a_session_moves_to_a_new_connection_on_demand() {
    let server = Server::start(Emulator::builder()).await;
    let session = Session::builder(server.endpoint(), key())
        .config(quick())
        .text_only()
        .connect()
        .await
        .unwrap();
    let mut events = session.events();
    soon(session.send_text("one").await.unwrap().reply())
        .await
        .unwrap();
    session.restart().unwrap();
    let report = restored(&mut events).await;
    assert_eq!((report.restored, report.downtime), (2, Duration::ZERO));
    let reply = soon(session.send_text("two").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!(reply.text, "two");
    session.close().await;
    assert_eq!(server.connects(), 2);
}
