//! A process that has no file descriptors left.

#![cfg(target_os = "linux")]

use std::time::{Duration, Instant};

use rt_lowlevel::ErrorKind;

use crate::support::*;

/// In a process of its own, since the limit is the process's.
#[test]
fn f67_without_descriptors_it_waits_and_does_not_spin() {
    const TEST: &str = "matrix::descriptors::f67_without_descriptors_it_waits_and_does_not_spin";
    match alone(TEST, "ulimit -n 64 && exec \"$0\" \"$@\"") {
        None => block_on(starved()),
        Some(text) => assert!(text.contains("starved and fed"), "{text}"),
    }
}

async fn starved() {
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
        assert!(files.len() < 1000, "there is no limit");
    }
    let mut config = quick();
    config.retry.base = Duration::from_millis(20);
    config.retry.cap = Duration::from_millis(20);
    let begin = Instant::now();
    let error = within(server.builder().config(config.clone()).connect())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Tcp, Some(8)),
        "{error}"
    );
    assert!(error.to_string().contains("ulimit"), "{error}");
    assert!(error.is_retryable());
    // Names need descriptors too.
    let url = format!("ws://localhost:{}/", server.address.port());
    let by_name = builder(rt_lowlevel::Endpoint::from_url(&url).unwrap()).config(config.clone());
    let error = within(by_name.connect()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Tcp | ErrorKind::Dns), "{error}");
    assert_eq!(server.connects(), 0);
    assert!(begin.elapsed() < Duration::from_secs(9));

    // Back as soon as there are some.
    config.retry.base = Duration::from_millis(200);
    config.retry.cap = Duration::from_millis(200);
    let connecting = tokio::spawn(server.builder().config(config).connect());
    tokio::time::sleep(Duration::from_millis(30)).await;
    files.clear();
    let connection = within(connecting).await.unwrap().unwrap();
    assert_eq!(server.connects(), 1);
    drop(connection);
    // The parent looks for this.
    std::io::Write::write_all(&mut std::io::stdout(), b"starved and fed\n").unwrap();
}
