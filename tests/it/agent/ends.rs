//! What is told when nobody waits for it any more, and when there is nothing more to tell.

use rt_client::protocol::Item;
use rt_client::{ErrorKind, Event};
use rt_emulator::Script;

use super::{builder, next, soon, start};

#[tokio::test]
async fn a_stream_of_a_session_that_is_over_ends() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).connect().await.unwrap();
    session.close().await;
    assert!(soon(session.events().next()).await.is_none());
}

#[tokio::test]
async fn what_is_refused_is_told_though_nobody_waits() {
    let server = start(Script::parrot()).await;
    let session = builder(&server).text_only().connect().await.unwrap();
    let mut events = session.events();
    let item = || Item::user_text("Hello").with_id("item_mine");
    soon(session.send_item(item()).await.unwrap().reply())
        .await
        .unwrap();
    // The handle is dropped at once.
    session.send_item(item()).await.unwrap();
    let error = |event| match event {
        Event::Error(error) => Some(error),
        _ => None,
    };
    assert_eq!(next(&mut events, error).await.kind(), ErrorKind::Refused);
    // Whoever waits is told himself, and nobody else is.
    let waited = soon(session.send_item(item()).await.unwrap().reply()).await;
    assert_eq!(waited.unwrap_err().kind(), ErrorKind::Refused);
    // What nobody waits for is no failure when the session ends.
    session.send_text("bye").await.unwrap();
    session.close().await;
    while let Some(event) = soon(events.next()).await {
        assert!(!matches!(event, Event::Error(_)), "{event:?}");
    }
}
