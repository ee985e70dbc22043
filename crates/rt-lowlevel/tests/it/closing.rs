//! How connections end when the user says so.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use rt_lowlevel::{ConnectionEvent, State, TrySendErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_messages_is_kept_and_close_loses_none() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let server = Server::sessions(move |_, mut ws| {
        let log = Arc::clone(&log);
        async move {
            // Talks all the time, so that there is unread data on the client's side when it closes.
            while let Some(text) = ws.text().await {
                log.lock().unwrap().push(tag(&text));
                let _ = ws.0.feed(Message::text(NEWS)).await;
            }
            let _ = ws.0.flush().await;
        }
    })
    .await;
    let connection = within(server.builder().connect()).await.unwrap();
    for index in 0..800 {
        connection.send(message(&index.to_string())).await.unwrap();
    }
    let begin = Instant::now();
    within(connection.close()).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let expected: Vec<String> = (0..800).map(|index| index.to_string()).collect();
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(*connection.state().borrow(), State::Closed);
}

#[tokio::test]
async fn closing_is_one_event_and_any_number_of_calls() {
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let handle = connection.handle().clone();
    within(async { tokio::join!(handle.close(), connection.close(), handle.close()) }).await;
    handle.close().await;
    let events = all(&mut connection).await;
    assert_eq!(names(&events), ["opened 1", "session.created", "closed"]);
    let Some(ConnectionEvent::Closed(closed)) = events.last() else {
        panic!()
    };
    assert!(closed.clean && closed.error.is_none(), "{closed:?}");
    assert_eq!(
        handle.try_send(message("x")).unwrap_err().kind(),
        TrySendErrorKind::Closed
    );
    assert!(connection.recv().await.is_none());
}

#[tokio::test]
async fn a_peer_that_does_not_answer_the_close_is_not_waited_for() {
    let server = Server::sessions(|_, ws| async move {
        std::future::pending::<()>().await;
        drop(ws);
    })
    .await;
    let mut config = quick();
    config.timeouts.close = Duration::from_millis(200);
    let mut connection = within(server.builder().config(config).connect()).await.unwrap();
    let begin = Instant::now();
    within(connection.close()).await;
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_millis(200) && took < Duration::from_secs(2),
        "{took:?}"
    );
    let events = all(&mut connection).await;
    let Some(ConnectionEvent::Closed(closed)) = events.last() else {
        panic!()
    };
    assert!(!closed.clean);
}

#[tokio::test]
async fn dropping_the_connection_says_goodbye() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let server = Server::sessions(move |_, mut ws| {
        let sender = sender.lock().unwrap().take();
        async move {
            let first = ws.text().await;
            let then = ws.0.next().await;
            let _ = sender
                .unwrap()
                .send((first, matches!(then, Some(Ok(Message::Close(_))))));
        }
    })
    .await;
    let connection = within(server.builder().connect()).await.unwrap();
    let mut state = connection.state();
    connection.send(message("last words")).await.unwrap();
    drop(connection);
    let (first, closes) = within(receiver).await.unwrap();
    assert_eq!(tag(&first.unwrap()), "last words");
    assert!(closes);
    within(state.wait_for(|state| state.is_closed())).await.unwrap();
}

#[tokio::test]
async fn dropping_connect_ends_what_it_began() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let server = Server::start(move |_, mut stream| {
        let sender = sender.lock().unwrap().take();
        async move {
            request(&mut stream).await;
            // Never answers; sees the end of it.
            let end = stream.read_to_end(&mut Vec::new()).await;
            let _ = stream.shutdown().await;
            let _ = sender.unwrap().send(end.is_ok());
        }
    })
    .await;
    let attempt = tokio::time::timeout(Duration::from_millis(100), server.builder().connect()).await;
    assert!(attempt.is_err());
    assert!(within(receiver).await.unwrap(), "an end, not a reset");
    assert_eq!(server.connects(), 1);
}

#[tokio::test]
async fn a_close_of_the_server_is_answered_and_nothing_is_reset() {
    for code in [1011, 1008] {
        let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
        let server = Server::sessions(move |number, mut ws| {
            let sender = sender.clone();
            async move {
                if number > 1 {
                    return ws.drain().await;
                }
                ws.close(code, "").await;
                let mut answered = false;
                loop {
                    match ws.0.next().await {
                        Some(Ok(Message::Close(_))) => answered = true,
                        Some(Ok(_)) => {}
                        Some(Err(_)) => break answered = false,
                        None => break,
                    }
                }
                sender.send(answered).unwrap();
            }
        })
        .await;
        let connection = within(server.builder().connect()).await.unwrap();
        assert_eq!(within(ends.recv()).await, Some(true), "{code}");
        drop(connection);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_to_close_an_expired_session_gets_a_close_and_no_reset() {
    let (sender, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::sessions(move |number, mut ws| {
        let sender = sender.clone();
        async move {
            if number > 1 {
                return ws.drain().await;
            }
            ws.send(&error("session_expired")).await;
            // Goes on talking, so that there is always something unread when the client gives up.
            let (mut sink, mut stream) = ws.0.split();
            let talk = tokio::spawn(async move {
                while sink.send(Message::text(NEWS)).await.is_ok() {
                    tokio::task::yield_now().await;
                }
            });
            let mut closes = 0;
            let is_reset = loop {
                match stream.next().await {
                    Some(Ok(Message::Close(_))) => closes += 1,
                    Some(Ok(_)) => {}
                    Some(Err(_)) => break true,
                    None => break false,
                }
            };
            talk.abort();
            sender.send((closes, is_reset)).unwrap();
        }
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    while name(&next(&mut connection).await) != "opened 2" {}
    assert_eq!(within(ends.recv()).await, Some((1, false)));
}

#[test]
fn a_runtime_that_is_shut_down_ends_its_connections() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (first, second) = (runtime(), runtime());
    let mut connection = first.block_on(async {
        let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
        within(server.builder().connect()).await.unwrap()
    });
    drop(first);
    let events = second.block_on(all(&mut connection));
    assert_eq!(names(&events), ["opened 1", "session.created", "closed"]);
    assert_eq!(cause(&events).kind(), rt_lowlevel::ErrorKind::Closed);
    second.block_on(within(connection.close()));
}
