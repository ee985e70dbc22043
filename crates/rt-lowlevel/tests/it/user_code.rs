//! Token providers and dialers that misbehave.

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use rt_lowlevel::transport::{DialError, Dialer, Io, Target};
use rt_lowlevel::{Connection, Credentials, ErrorKind, Token, TokenProvider};

use crate::support::*;

#[tokio::test]
async fn a_panic_is_a_final_error() {
    struct Panics;
    #[async_trait::async_trait]
    impl TokenProvider for Panics {
        async fn token(&self, _: bool) -> Result<Token, Box<dyn StdError + Send + Sync>> {
            panic!("a provider that panics, as the test wants it to")
        }
    }
    #[async_trait::async_trait]
    impl Dialer for Panics {
        async fn dial(&self, _: &Target) -> Result<Box<dyn Io>, DialError> {
            panic!("a dialer that panics, as the test wants it to")
        }
    }
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let provider = Connection::builder(server.endpoint(), Credentials::provider(Panics)).config(quick());
    let dialer = server.builder().dialer(Panics);
    for builder in [provider, dialer] {
        let error = within(builder.connect()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(error.attempts(), Some(1));
    }
    assert_eq!(server.connects(), 0);
}

/// Blocks its thread.
struct Blocks;

#[async_trait::async_trait]
impl TokenProvider for Blocks {
    async fn token(&self, _: bool) -> Result<Token, Box<dyn StdError + Send + Sync>> {
        std::thread::sleep(Duration::from_secs(2));
        Ok(Token::new("late"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_provider_that_blocks_does_not_hold_up_the_deadline() {
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let mut config = quick();
    config.timeouts.attempt = Duration::from_millis(100);
    config.retry.max_attempts = 1;
    let begin = Instant::now();
    let builder = Connection::builder(server.endpoint(), Credentials::provider(Blocks)).config(config);
    let error = within(builder.connect()).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!((error.kind(), server.connects()), (ErrorKind::Handshake, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_provider_that_blocks_does_not_hold_up_close() {
    struct SecondBlocks(std::sync::atomic::AtomicUsize);
    #[async_trait::async_trait]
    impl TokenProvider for SecondBlocks {
        async fn token(&self, refresh: bool) -> Result<Token, Box<dyn StdError + Send + Sync>> {
            if self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
                return Ok(Token::new("first"));
            }
            Blocks.token(refresh).await
        }
    }
    let server = Server::sessions(|_, mut ws| async move { ws.close(1011, "").await }).await;
    let credentials = Credentials::provider(SecondBlocks(0.into()));
    let builder = Connection::builder(server.endpoint(), credentials).config(quick());
    let mut connection = within(builder.connect()).await.unwrap();
    while name(&next(&mut connection).await) != "retrying 2" {}
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begin = Instant::now();
    within(connection.close()).await;
    let events = all(&mut connection).await;
    assert_eq!(names(&events), ["closed"]);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}
