//! Settings that belong together, in whatever order they are given.

use std::time::Duration;

use rt_client::ErrorKind;
use rt_client::protocol::session::ServerVad;
use rt_client::tool::Function;
use rt_client::usage::{Budget, Prices};
use rt_client::{Session, SessionBuilder};
use rt_emulator::Script;
use serde_json::json;

use super::{builder, start};
use crate::support::{Server, key};

const AFTER: Duration = Duration::from_millis(300);

/// The turn detection the server was told.
async fn told(set_up: impl FnOnce(SessionBuilder) -> SessionBuilder) -> serde_json::Value {
    let server = start(Script::parrot()).await;
    let session = set_up(builder(&server)).connect().await.unwrap();
    session.close().await;
    let received = server.emulator.journal().received(1);
    let update = received
        .iter()
        .find(|message| message.event_type == "session.update");
    update.unwrap().json["session"]["audio"]["input"]["turn_detection"].clone()
}

#[tokio::test]
async fn interruptions_are_confirmed_in_whatever_order_it_is_said() {
    let vad = || ServerVad::new().threshold(0.7);
    let before = told(|builder| builder.confirm_interruptions(AFTER).server_vad(vad())).await;
    let after = told(|builder| builder.server_vad(vad()).confirm_interruptions(AFTER)).await;
    assert_eq!(before, after);
    assert_eq!(before["create_response"], json!(false));
    assert_eq!(before["interrupt_response"], json!(false));
    let alone = told(|builder| builder.confirm_interruptions(AFTER)).await;
    assert_eq!(alone["type"], "server_vad");
    assert_eq!(alone["interrupt_response"], json!(false));
}

async fn refused(server: &Server, set_up: impl FnOnce(SessionBuilder) -> SessionBuilder) -> String {
    let error = set_up(builder(server)).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Settings);
    assert_eq!(server.connects(), 0);
    error.to_string()
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let server = start(Script::parrot()).await;
    let held = |builder: SessionBuilder| builder.push_to_talk().confirm_interruptions(AFTER);
    assert!(refused(&server, held).await.contains("push to talk"));
    let held = |builder: SessionBuilder| builder.confirm_interruptions(AFTER).push_to_talk();
    assert!(refused(&server, held).await.contains("push to talk"));
    let price = || Function::sync("price", |_: serde_json::Value| Ok::<_, String>(3));
    let twice = |builder: SessionBuilder| builder.function(price()).function(price());
    assert!(
        refused(&server, twice)
            .await
            .contains("two tools are called price")
    );
}

#[tokio::test]
async fn a_transcription_has_prices_and_a_budget() {
    let server = start(Script::parrot()).await;
    let build = || Session::transcription(server.endpoint(), key(), "gpt-4o-transcribe");
    let unpriced = build().budget(Budget::new(1.0)).connect().await;
    assert_eq!(unpriced.unwrap_err().kind(), ErrorKind::Settings);
    assert_eq!(server.connects(), 0);
    let prices = Prices::default();
    drop(build().prices(prices).budget(Budget::new(1.0)).on_budget(|_| ()));
}
