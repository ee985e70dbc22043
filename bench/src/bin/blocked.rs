//! A callback that blocks for ten seconds: which events are lost, and how long pongs take meanwhile.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml --locked --bin blocked
//! ```
//!
//! The server sends events at a steady pace, by default a hundred in a second: twice what speech in pieces of 20 ms is; and a
//! ping behind every tenth of them. It is in a process of its own.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use futures_util::{SinkExt as _, StreamExt as _};
use rt_bench::corpus;
use rt_client::{Credentials, Endpoint, Session};
use rt_protocol::ServerEvent;
use tokio_tungstenite::tungstenite::Message;

#[derive(Parser)]
#[command(about = "Measures pongs and events while a callback blocks")]
struct Arguments {
    /// Runs the server
    #[arg(long, hide = true)]
    serve: bool,
    /// For how long the callback blocks, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Events in a second
    #[arg(long, default_value_t = 100)]
    rate: u32,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let messages = arguments.seconds * u64::from(arguments.rate);
    if arguments.serve {
        return serve(messages, arguments.rate).await;
    }
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--serve", "--seconds", &arguments.seconds.to_string()])
        .args(["--rate", &arguments.rate.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = BufReader::new(child.stdout.take().context("no output")?).lines();
    let port = output.next().context("no port")??;
    let endpoint = Endpoint::openai("gpt-realtime")?.with_base_url(&format!("http://127.0.0.1:{port}/v1"))?;
    let seen = Arc::new(AtomicU64::new(0));
    let (counter, mut first) = (Arc::clone(&seen), true);
    let block = Duration::from_secs(arguments.seconds);
    let session = Session::builder(endpoint, Credentials::none())
        .on_event(move |event| {
            if matches!(event, ServerEvent::ResponseOutputAudioDelta(_)) {
                counter.fetch_add(1, Ordering::Relaxed);
                if std::mem::take(&mut first) {
                    std::thread::sleep(block);
                }
            }
        })
        .on_error(|error| eprintln!("{error}: {:?}", std::error::Error::source(&error)))
        .connect()
        .await?;
    // The server prints when it has sent everything and has the last pong.
    let pongs = tokio::task::spawn_blocking(move || output.next()).await?;
    let deadline = Instant::now() + Duration::from_secs(20);
    while seen.load(Ordering::Relaxed) < messages && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stats = session.stats();
    session.close().await;
    let seen = seen.load(Ordering::Relaxed);
    println!(
        "a callback blocked for {block:?}; {} events in a second",
        arguments.rate
    );
    println!("{}", pongs.context("the server ended")??);
    println!(
        "events: {seen} of {messages}; the server was not read for {:?}",
        stats.held_back
    );
    child.wait()?;
    ensure!(seen == messages, "events were lost");
    Ok(())
}

/// Sends events and pings to one client, and prints how long the pongs took.
async fn serve(messages: u64, rate: u32) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let socket = tokio_tungstenite::accept_async(stream).await?;
    let (mut writer, mut reader) = socket.split();
    writer
        .send(Message::text(corpus::recorded("session.created")?.remove(0)))
        .await?;
    let deltas = corpus::audio_deltas(20);
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut sent = 0;
    let mut pings = VecDeque::new();
    let mut took: Vec<Duration> = Vec::new();
    while sent < messages || !pings.is_empty() {
        tokio::select! {
            _ = pace.tick(), if sent < messages => {
                let delta = &deltas[usize::try_from(sent)? % deltas.len()];
                writer.send(Message::text(delta.as_str())).await?;
                sent += 1;
                if sent % 10 == 0 {
                    pings.push_back((sent, Instant::now()));
                    writer.send(Message::Ping(sent.to_be_bytes().to_vec().into())).await?;
                }
            }
            message = reader.next() => {
                if let Message::Pong(payload) = message.context("the client ended")??
                    && let Ok(number) = payload.as_ref().try_into().map(u64::from_be_bytes)
                {
                    // One pong may answer several pings.
                    while let Some((_, since)) = pings.pop_front_if(|(ping, _)| *ping <= number) {
                        took.push(since.elapsed());
                    }
                }
            }
        }
    }
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "pongs: p50 {:?}, p99 {:?}, longest {:?}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    // What is on its way is read before the end.
    while let Some(Ok(_)) = reader.next().await {}
    Ok(())
}
