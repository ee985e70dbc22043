//! Deadlines of the way to the server, as a connection tells them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_lowlevel::{Config, Connection, DialError, DialStage, Dialer, Endpoint, ErrorKind, Io, Target};
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
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("ws://{}/", socket.local_addr().unwrap());
    let mut all = Vec::new();
    for _ in 0..10 {
        let (log, writer) = logs();
        let _guard = tracing::subscriber::set_default(writer);
        let mut config = quick();
        config.retry.base = Duration::from_millis(4);
        config.retry.cap = Duration::from_millis(16);
        let builder = builder(Endpoint::from_url(&url).unwrap()).config(config);
        assert_eq!(within(builder.connect()).await.unwrap_err().attempts(), Some(8));
        let waits: Vec<u64> = log.lock().unwrap().clone();
        assert_eq!(waits.len(), 7);
        for (wait, ceiling) in waits.iter().zip([4, 8, 16, 16, 16, 16, 16]) {
            assert!(*wait <= ceiling, "{waits:?}");
        }
        all.push(waits);
    }
    all.sort();
    all.dedup();
    assert!(all.len() > 1, "always the same waits: {all:?}");
}

/// What a subscriber hears of waits, in milliseconds.
fn logs() -> (Arc<Mutex<Vec<u64>>>, impl tracing::Subscriber) {
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    struct Waits(Arc<Mutex<Vec<u64>>>);
    struct Field<'a>(&'a Mutex<Vec<u64>>);
    impl tracing::field::Visit for Field<'_> {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
            if field.name() == "delay_ms" {
                self.0.lock().unwrap().push(format!("{value:?}").parse().unwrap());
            }
        }
    }
    impl<S: tracing::Subscriber> Layer<S> for Waits {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            event.record(&mut Field(&self.0));
        }
    }
    let waits = Arc::default();
    let layer = Waits(Arc::clone(&waits));
    (waits, tracing_subscriber::registry().with(layer))
}
