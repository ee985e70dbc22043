//! A consumer that takes its time.

use std::time::Duration;

use rt_lowlevel::State;
use socket2::SockRef;

use crate::support::*;

#[tokio::test]
async fn a_reconnect_waits_for_a_consumer_that_is_behind() {
    let server = Server::sessions(|number, mut ws| async move {
        if number > 1 {
            return ws.drain().await;
        }
        for _ in 0..20 {
            ws.send(NEWS).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        SockRef::from(ws.0.get_ref())
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    })
    .await;
    let mut config = quick();
    config.limits.events = 8;
    config.timeouts.session_created = Duration::from_millis(100);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let mut state = connection.state();
    // Takes one event at a time, and a long time for each: the queue is full when the second session is created.
    let mut seen = Vec::new();
    let news = |seen: &[String]| {
        seen.iter()
            .filter(|name| *name == "input_audio_buffer.cleared")
            .count()
    };
    while !seen.contains(&"opened 2".to_owned()) {
        if *state.borrow_and_update() == State::Reconnecting {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        seen.push(name(&next(&mut connection).await));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(news(&seen) >= 8, "{seen:?}");
    assert_eq!(server.connects(), 2, "{seen:?}");
    assert_eq!(name(&next(&mut connection).await), "session.created");
}
