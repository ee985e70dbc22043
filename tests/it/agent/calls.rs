//! Sessions of running calls, which outlive the connection to them.

use rt_client::lowlevel::http::HttpClient;
use rt_client::protocol::RealtimeSession;
use rt_client::reply::ReplyStatus;
use rt_client::{Event, Session};
use rt_emulator::fault::Action;
use rt_emulator::{Emulator, Script};
use rt_lowlevel::State;

use super::{next, soon};
use crate::support::{Server, key, quick};

/// A server with a call that was taken, and the session of that.
async fn call() -> (Server, Session) {
    let server = Server::start(Emulator::builder().script(Script::parrot())).await;
    let call_id = server.emulator.ring();
    let client = HttpClient::new(server.endpoint(), key()).unwrap();
    let settings = RealtimeSession::new().model("gpt-realtime");
    client.accept_call(&call_id, &settings.into()).await.unwrap();
    let builder = Session::builder(server.endpoint(), key()).config(quick());
    let session = builder
        .instructions("Be brief.")
        .call(&call_id)
        .unwrap()
        .connect()
        .await
        .unwrap();
    (server, session)
}

#[tokio::test]
async fn a_call_goes_on_after_a_lost_connection() {
    let (server, session) = call().await;
    let mut events = session.events();
    let first = soon(session.send_text("one").await.unwrap().reply()).await;
    assert_eq!(first.unwrap().text, "one");
    // What went before it over HTTP counts too.
    server.emulator.act(server.connects(), Action::Reset);
    for expected in [State::Reconnecting, State::Connected] {
        let state = |event| match event {
            Event::State(state) if state == expected => Some(()),
            _ => None,
        };
        next(&mut events, state).await;
    }
    let second = soon(session.send_text("two").await.unwrap().reply())
        .await
        .unwrap();
    assert_eq!((second.status, &*second.text), (ReplyStatus::Completed, "two"));
    soon(session.retrieve_item("item_unknown")).await.unwrap_err();
    session.close().await;
    // The settings are the call's, which has them since the first connection.
    let received = server.emulator.journal().received(server.connects());
    let updates = received
        .iter()
        .filter(|message| message.event_type == "session.update");
    assert_eq!(updates.count(), 0);
}
