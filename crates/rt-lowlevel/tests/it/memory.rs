//! Default timings, to the millisecond: pipes in memory and a clock that is paused.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_lowlevel::transport::{DialError, DialStage, Dialer, Io, Target};
use rt_lowlevel::{Builder, Config, Connection, ConnectionEvent, Endpoint, ErrorKind, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use crate::support::*;

type Script = Arc<dyn Fn(usize, DuplexStream) -> BoxFuture + Send + Sync>;

/// Dials a script.
struct Pipes {
    script: Script,
    dials: Arc<AtomicUsize>,
    targets: Arc<Mutex<Vec<Target>>>,
}

#[async_trait::async_trait]
impl Dialer for Pipes {
    async fn dial(&self, target: &Target) -> Result<Box<dyn Io>, DialError> {
        self.targets.lock().unwrap().push(target.clone());
        let number = self.dials.fetch_add(1, Ordering::SeqCst) + 1;
        if number > 100 {
            return Err(DialError::new(DialStage::Tcp, "enough"));
        }
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn((self.script)(number, theirs));
        Ok(Box::new(ours))
    }
}

fn pipes<F>(script: impl Fn(usize, DuplexStream) -> F + Send + Sync + 'static) -> (Builder, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let dials = Arc::new(AtomicUsize::new(0));
    let script: Script = Arc::new(move |number, stream| Box::pin(script(number, stream)));
    let dialer = Pipes {
        script,
        dials: Arc::clone(&dials),
        targets: Arc::default(),
    };
    let endpoint = Endpoint::openai("m").unwrap();
    (Connection::builder(endpoint, key()).dialer(dialer), dials)
}

async fn say(stream: &mut DuplexStream, text: &str) {
    let mut seen = vec![0; 8192];
    let _ = stream.read(&mut seen).await;
    let _ = stream.write_all(text.as_bytes()).await;
}

#[tokio::test(start_paused = true)]
async fn f16_retry_after_is_a_floor() {
    let (builder, dials) = pipes(|number, mut stream| async move {
        if number == 1 {
            return say(
                &mut stream,
                "HTTP/1.1 429 x\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
            )
            .await;
        }
        let mut ws = Ws::accept(stream).await;
        ws.created(number).await;
        ws.drain().await;
    });
    let begin = Instant::now();
    let connection = builder.connect().await.unwrap();
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_secs(3) && took < Duration::from_millis(3010),
        "{took:?}"
    );
    assert_eq!(dials.load(Ordering::SeqCst), 2);
    drop(connection);
}

#[tokio::test(start_paused = true)]
async fn f10_f23_an_upgrade_that_hangs_costs_five_seconds_and_a_session_that_hangs_ten() {
    let (builder, _) = pipes(|number, stream| async move {
        match number {
            1 => {
                let _keep = stream;
                std::future::pending::<()>().await;
            }
            2 => Ws::accept(stream).await.drain().await,
            _ => {
                let mut ws = Ws::accept(stream).await;
                ws.created(number).await;
                ws.drain().await;
            }
        }
    });
    let begin = Instant::now();
    let mut connection = builder.connect().await.unwrap();
    let took = begin.elapsed();
    // 5 s, a wait of at most 250 ms, 10 s, a wait of at most 500 ms.
    assert!(
        took >= Duration::from_secs(15) && took < Duration::from_millis(15_800),
        "{took:?}"
    );
    for _ in 0..2 {
        let ConnectionEvent::Retrying(retrying) = connection.recv().await.unwrap() else {
            panic!()
        };
        assert_eq!(retrying.cause.kind(), ErrorKind::Handshake);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_session_stays_and_a_dead_one_is_noticed() {
    let (builder, dials) = pipes(|number, stream| async move {
        let mut ws = Ws::accept(stream).await;
        ws.created(number).await;
        if number == 1 {
            // Answers pings for ten minutes, and then nothing ever.
            let _ = tokio::time::timeout(Duration::from_secs(600), ws.drain()).await;
            std::future::pending::<()>().await;
        }
        ws.drain().await;
    });
    let mut connection = builder.connect().await.unwrap();
    let begin = Instant::now();
    connection.recv().await;
    connection.recv().await;
    let ConnectionEvent::Retrying(retrying) = connection.recv().await.unwrap() else {
        panic!()
    };
    let took = begin.elapsed().saturating_sub(Duration::from_secs(600));
    assert_eq!(retrying.cause.kind(), ErrorKind::PingTimeout);
    assert!(
        took > Duration::from_secs(9) && took <= Duration::from_millis(15_100),
        "{took:?}"
    );
    let ConnectionEvent::Opened(opened) = connection.recv().await.unwrap() else {
        panic!()
    };
    assert_eq!(opened.epoch, 2);
    assert_eq!(dials.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_takes_two_seconds() {
    let (builder, _) = pipes(|number, stream| async move {
        let mut ws = Ws::accept(stream).await;
        ws.created(number).await;
        std::future::pending::<()>().await;
    });
    let connection = builder.connect().await.unwrap();
    let begin = Instant::now();
    connection.close().await;
    assert_eq!(begin.elapsed().as_millis() / 10, 200);
}

#[tokio::test(start_paused = true)]
async fn a_close_while_connecting_or_waiting_is_immediate() {
    // The dial hangs; then every dial fails and waits get long.
    for hangs in [true, false] {
        let (builder, _) = pipes(move |number, mut stream| async move {
            if number == 1 {
                let mut ws = Ws::accept(stream).await;
                ws.created(number).await;
                return;
            }
            if hangs {
                std::future::pending::<()>().await;
            }
            say(
                &mut stream,
                "HTTP/1.1 503 x\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n",
            )
            .await;
        });
        let mut connection = builder.connect().await.unwrap();
        connection
            .state()
            .wait_for(|state| *state == State::Reconnecting)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begin = Instant::now();
        connection.close().await;
        assert!(
            begin.elapsed() < Duration::from_millis(50),
            "{:?}",
            begin.elapsed()
        );
        let events = all(&mut connection).await;
        assert_eq!(events.iter().filter(|event| name(event) == "closed").count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn f26_a_flapping_server_sees_no_more_than_the_budget_with_default_settings() {
    let (builder, dials) = pipes(|number, stream| async move {
        let mut ws = Ws::accept(stream).await;
        ws.created(number).await;
        ws.close(1011, "").await;
        ws.drain().await;
    });
    let mut connection = builder.config(Config::default()).connect().await.unwrap();
    let mut last = None;
    while let Some(event) = connection.recv().await {
        last = Some(event);
    }
    assert!(matches!(last, Some(ConnectionEvent::Closed(_))), "{last:?}");
    let dials = dials.load(Ordering::SeqCst);
    assert!((2..=8).contains(&dials), "{dials}");
}

#[tokio::test(start_paused = true)]
async fn a_dialer_is_told_where_and_how() {
    let targets = Arc::new(Mutex::new(Vec::new()));
    let script: Script = Arc::new(|_, stream| Box::pin(async move { drop(stream) }));
    for (url, tls, port, loopback) in [
        ("wss://h.test/x", true, 443, false),
        ("ws://h.test:81/x", false, 81, true),
        ("ws://[::1]/x", false, 80, true),
    ] {
        let dialer = Pipes {
            script: Arc::clone(&script),
            dials: Arc::default(),
            targets: Arc::clone(&targets),
        };
        let mut config = quick();
        config.retry.max_attempts = 1;
        let builder = Connection::builder(Endpoint::from_url(url).unwrap(), key()).config(config);
        assert!(builder.dialer(dialer).connect().await.is_err());
        let target = targets.lock().unwrap().pop().unwrap();
        assert_eq!(
            (target.is_tls, target.port, target.loopback_only),
            (tls, port, loopback)
        );
        assert!(!target.host.contains('['), "{}", target.host);
    }
}
