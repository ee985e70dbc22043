//! Rows of the fault matrix that need a network of their own: F01, F04 and F05 with the default deadlines where packets
//! are swallowed, F38, F39 and F48 where they are lost and late.
//!
//! `.ci/netns` runs this in network namespaces, as root. Anywhere else it says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program that tests"
)]

mod lossy;

use std::time::{Duration, Instant};

use rt_lowlevel::{Config, Connection, Credentials, Endpoint, Error, ErrorKind};
use tokio::net::TcpListener;

/// A network that answers nobody, a resolver in it, and a name with one dead and one live address.
struct Place {
    dead: String,
    unresolved: String,
    dual: String,
    live: String,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        lossy::serve_if_asked().await;
        holes().await;
        lossy::f48_loss_and_jitter_are_not_dead_f38_f39_a_dead_line_is_noticed().await;
    });
    // The lookup that hangs still does.
    runtime.shutdown_background();
}

/// The rows of the place that swallows packets.
async fn holes() {
    let Ok(place) = std::env::var("RT_NETNS") else {
        println!("skipped: needs root and a network namespace (.ci/netns)");
        return;
    };
    let mut parts = place.split(',').map(str::to_owned);
    let mut part = || parts.next().expect("dead,unresolved,dual,live");
    let place = Place {
        dead: part(),
        unresolved: part(),
        dual: part(),
        live: part(),
    };
    f04_a_black_hole_costs_ten_seconds_at_most(&place).await;
    f01_a_resolver_that_hangs_costs_five_seconds(&place).await;
    f05_a_dead_ipv6_costs_a_quarter_of_a_second(&place).await;
}

/// The error of one attempt, and how long it took.
async fn attempt(url: &str) -> (Error, Duration) {
    let mut config = Config::default();
    config.retry.max_attempts = 1;
    let endpoint = Endpoint::from_url(url).unwrap();
    let begin = Instant::now();
    let connecting = Connection::builder(endpoint, Credentials::api_key("sk-test").unwrap());
    let error = connecting.config(config).connect().await.unwrap_err();
    (error, begin.elapsed())
}

async fn f04_a_black_hole_costs_ten_seconds_at_most(place: &Place) {
    let (error, took) = attempt(&format!("wss://{}/", place.dead)).await;
    assert_eq!(error.kind(), ErrorKind::Tcp, "{error}");
    assert!(took <= Duration::from_millis(10_100), "{took:?}");
    println!("f04_a_black_hole_costs_ten_seconds_at_most: {took:?}, {error}");
}

async fn f01_a_resolver_that_hangs_costs_five_seconds(place: &Place) {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    let url = format!("wss://{}/", place.unresolved);
    for _ in 0..2 {
        let (error, took) = attempt(&url).await;
        assert_eq!(error.kind(), ErrorKind::Dns, "{error}");
        // The goal is 5.1 s; a busy machine gets some more.
        assert!(
            took >= Duration::from_millis(4900) && took <= Duration::from_secs(7),
            "{took:?}"
        );
        println!("f01_a_resolver_that_hangs_costs_five_seconds: {took:?}, {error}");
    }
    let stuck = threads().saturating_sub(before);
    assert!(stuck <= 1, "{stuck} threads are stuck");
}

async fn f05_a_dead_ipv6_costs_a_quarter_of_a_second(place: &Place) {
    let addresses: Vec<_> = tokio::net::lookup_host((place.dual.as_str(), 1))
        .await
        .unwrap()
        .collect();
    assert!(
        addresses.len() == 2 && addresses[0].is_ipv6(),
        "the dead address comes first: {addresses:?}"
    );
    let listener = TcpListener::bind((place.live.as_str(), 0)).await.unwrap();
    let url = format!("wss://{}:{}/", place.dual, listener.local_addr().unwrap().port());
    let begin = Instant::now();
    let connecting = tokio::spawn(async move { attempt(&url).await });
    listener.accept().await.unwrap();
    let took = begin.elapsed();
    connecting.abort();
    // The goal is 350 ms; the deadline of the dead address would be 3 s.
    assert!(
        took >= Duration::from_millis(240) && took <= Duration::from_millis(1500),
        "{took:?}"
    );
    println!("f05_a_dead_ipv6_costs_a_quarter_of_a_second: {took:?}");
}
