//! Deadlines of the way to the server, as a connection tells them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_lowlevel::transport::{DialError, DialStage, Dialer, Io, Target};
use rt_lowlevel::{Config, Connection, ConnectionEvent, Endpoint, ErrorKind};
use tokio::time::Instant;

use crate::support::*;

/// Fails each dial at this stage, after a while; `is_final` as the default dialer says of a name that does not exist.
struct Fails {
    stage: DialStage,
    takes: Duration,
    is_final: bool,
    dials: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl Dialer for Fails {
    async fn dial(&self, _: &Target) -> Result<Box<dyn Io>, DialError> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        let error = DialError::new(self.stage, "failed, as the test wants it to");
        Err(if self.is_final { error.into_final() } else { error })
    }
}

/// The kind of the end, how many dials there were, and how long it took.
async fn dialed(dialer: Fails, config: Config) -> (ErrorKind, usize, Duration) {
    let dials = Arc::clone(&dialer.dials);
    let begin = Instant::now();
    let builder = Connection::builder(Endpoint::openai("m").unwrap(), key());
    let error = builder.config(config).dialer(dialer).connect().await.unwrap_err();
    (error.kind(), dials.load(Ordering::SeqCst), begin.elapsed())
}

fn fails(stage: DialStage, takes: Duration, is_final: bool) -> Fails {
    Fails {
        stage,
        takes,
        is_final,
        dials: Arc::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn f02_a_name_that_does_not_exist_is_asked_for_again_unless_told_otherwise() {
    let mut config = quick();
    let missing = || fails(DialStage::Dns, Duration::ZERO, true);
    let (kind, dials, _) = dialed(missing(), config.clone()).await;
    assert_eq!((kind, dials), (ErrorKind::Dns, 8));
    config.retry.fail_fast = true;
    let (kind, dials, _) = dialed(missing(), config).await;
    assert_eq!((kind, dials), (ErrorKind::Dns, 1));
}

#[tokio::test(start_paused = true)]
async fn f04_an_attempt_that_hangs_wherever_it_is_costs_ten_seconds() {
    let mut config = Config::default();
    config.retry.max_attempts = 1;
    let hangs = fails(DialStage::Tcp, Duration::from_secs(3600), false);
    let (kind, dials, took) = dialed(hangs, config).await;
    assert_eq!((kind, dials), (ErrorKind::Handshake, 1));
    assert_eq!(took, Duration::from_secs(10));
}

#[tokio::test]
async fn f03_waits_between_connects_are_random_and_below_a_ceiling_that_doubles() {
    let mut all = Vec::new();
    for _ in 0..10 {
        let (go, gone) = tokio::sync::oneshot::channel();
        let gone = Mutex::new(Some(gone));
        let server = Server::sessions(move |_, mut ws| {
            let gone = gone.lock().unwrap().take();
            async move {
                if let Some(gone) = gone {
                    let _ = gone.await;
                }
                ws.close(1011, "").await;
                ws.drain().await;
            }
        })
        .await;
        let mut config = quick();
        config.retry.base = Duration::from_millis(4);
        config.retry.cap = Duration::from_millis(16);
        let mut connection = within(server.builder().config(config).connect()).await.unwrap();
        // Nobody listens there any more when the session ends.
        drop(server);
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        let mut waits = Vec::new();
        while let Some(event) = within(connection.recv()).await {
            if let ConnectionEvent::Retrying(retrying) = event {
                waits.push(retrying.delay);
            }
        }
        assert_eq!(waits.len(), 7);
        for (wait, ceiling) in waits.iter().zip([4, 8, 16, 16, 16, 16, 16]) {
            assert!(*wait <= Duration::from_millis(ceiling), "{waits:?}");
        }
        all.push(waits);
    }
    all.sort();
    all.dedup();
    assert!(all.len() > 1, "always the same waits: {all:?}");
}
