//! What sessions hold: resident memory of a thousand of them, idle and in use, and the peak with a server that means no good.
//!
//! ```text
//! cargo run --release --manifest-path bench/connection/Cargo.toml --locked --bin memory
//! ```
//!
//! The server is this program again, in a process of its own: what is counted is the client alone. Linux only.

use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use rt_connection_bench::{Memory, Server, cpu, emulator, serve};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::Fault;
use rt_lowlevel::{Config, Connection, ConnectionEvent, Handle};
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, SessionUpdate};
use rt_protocol::{Pcm16, RealtimeSession};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

/// Connections that were lost while they were measured: the figures are worth nothing then.
static LOST: AtomicU64 = AtomicU64::new(0);

const MS: Duration = Duration::from_millis(1);

#[derive(Parser)]
#[command(about = "Measures what connections hold")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Role>,
    /// How many sessions
    #[arg(long, default_value_t = 1000)]
    sessions: u32,
    /// How long they are idle, and then in use, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// From one chunk of 20 ms to the next of the same session, in milliseconds: 20 is as fast as people speak, which two
    /// cores do not carry for a thousand sessions with the server beside them
    #[arg(long, default_value_t = 100)]
    every: u64,
    /// Chunks in a turn, after which it is committed. The speech of a turn is held until then, 960 bytes per chunk
    #[arg(long, default_value_t = 50)]
    turn: u64,
    /// Sessions with an open turn of 30 s
    #[arg(long, default_value_t = 50)]
    turns: u32,
    /// Without the server that means no good
    #[arg(long)]
    no_attacks: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Runs the server of the sessions
    Serve,
    /// Runs a server that means no good, in one way
    Hostile { way: usize },
    /// Connects to one, in a process that has held nothing before
    Attacked { way: usize },
}

/// What a server that means no good does after its greeting, and with which message of the client it begins.
fn attacks() -> Vec<(&'static str, Action)> {
    let megabytes = |n: usize| " ".repeat(n << 20);
    let deep = format!("{{\"type\":\"deep\",\"x\":{}", "[".repeat(15 << 20));
    let many = format!("{{\"type\":\"many\",\"x\":[{}1]}}", "1,".repeat(7 << 20));
    let audio = format!(
        r#"{{"type":"response.output_audio.delta","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"{}"}}"#,
        "A".repeat(15 << 20)
    );
    vec![
        ("a message of 15 MiB that is no JSON", Action::Text(megabytes(15))),
        ("15 million levels", Action::Text(deep)),
        ("7 million numbers in an unknown event", Action::Text(many)),
        ("15 MiB of audio in one event", Action::Text(audio)),
        (
            "64 MiB in fragments of 1 MiB",
            Action::Fragments {
                count: 64,
                size: 1 << 20,
            },
        ),
        (
            "200,000 fragments of one byte",
            Action::Fragments {
                count: 200_000,
                size: 1,
            },
        ),
        ("a claim of 2^62 bytes", Action::Claim(1 << 62)),
        ("a claim of 16 MiB that never comes", Action::Claim(16 << 20)),
        ("100,000 pings", Action::Pings(100_000)),
    ]
}

fn hostile(way: usize) -> anyhow::Result<rt_emulator::Builder> {
    let (_, action) = attacks().into_iter().nth(way).context("no such way")?;
    let builder = emulator().keep_audio(false).keep_records(false);
    Ok(builder.fault(1, Fault::at(Trigger::SentMessages(1), action)))
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Role::Serve) => serve(emulator().keep_audio(false).keep_records(false)).await,
        Some(Role::Hostile { way }) => serve(hostile(way)?).await,
        Some(Role::Attacked { way }) => attacked(way).await,
        None => {
            sessions(&arguments).await?;
            if arguments.no_attacks {
                return Ok(());
            }
            for (way, (name, _)) in attacks().into_iter().enumerate() {
                print!("{name}: ");
                std::io::stdout().flush()?;
                let mut attacked = Command::new(std::env::current_exe()?);
                let status = attacked.args(["attacked", &way.to_string()]).status()?;
                anyhow::ensure!(status.success(), "it was not measured");
            }
            Ok(())
        }
    }
}

/// Takes the events of a connection as they come.
fn listen(mut connection: Connection) {
    tokio::spawn(async move {
        while let Some(event) = connection.recv().await {
            if let ConnectionEvent::Retrying(_) = event {
                LOST.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
}

/// Audio in memory of its own, all of it written to, as a microphone gives it.
fn noise(duration: Duration) -> Pcm16 {
    let bytes = vec![0x55; duration.as_millis() as usize * 48];
    Pcm16::from_le_bytes(bytes).expect("whole samples")
}

async fn connect(server: &Server, count: u32) -> anyhow::Result<Vec<Handle>> {
    let mut handles = Vec::new();
    for _ in 0..count {
        let connection = server.place.connect(&Config::default()).await?;
        handles.push(connection.handle().clone());
        let session = RealtimeSession::new().manual_turns().transcription("whisper-1");
        connection.send(SessionUpdate::new(session)).await?;
        listen(connection);
    }
    Ok(handles)
}

async fn sessions(arguments: &Arguments) -> anyhow::Result<()> {
    let server = Server::start(&["serve"])?;
    // What a process has once: the runtime, the roots, the code.
    let first = connect(&server, 1).await?;
    sleep(500 * MS).await;
    let base = Memory::now()?.resident;
    let per_session = |count: u32| -> anyhow::Result<f64> {
        Ok((Memory::now()?.resident.saturating_sub(base)) as f64 / f64::from(count))
    };
    let count = arguments.sessions;
    let handles = connect(&server, count).await?;
    sleep(Duration::from_secs(2)).await;
    let before = cpu()?;
    sleep(Duration::from_secs(arguments.seconds)).await;
    println!(
        "idle wss session: {:.1} KiB each, {count} sessions; {:.2} ms of CPU each in a minute",
        per_session(count)?,
        (cpu()? - before).as_secs_f64() * 60e3 / (arguments.seconds * u64::from(count)) as f64
    );

    // In use: one turn after the other, each committed.
    let mut talking = JoinSet::new();
    let start = tokio::time::Instant::now();
    let every = Duration::from_millis(arguments.every);
    let turn = arguments.turn.max(5);
    let end = start + Duration::from_secs(arguments.seconds);
    for (n, handle) in (0_u32..).zip(handles.clone()) {
        // They do not all speak at the same moment.
        let mut next = start + every * n / count;
        talking.spawn(async move {
            // They do not all begin a turn at the same moment either.
            let mut chunks = u64::from(n) % turn;
            while next < end {
                sleep_until(next).await;
                next += every;
                handle.send(InputAudioBufferAppend::new(noise(20 * MS))).await?;
                chunks += 1;
                if chunks % turn == 0 {
                    handle.send(InputAudioBufferCommit::default()).await?;
                }
            }
            Ok::<_, rt_lowlevel::Error>(())
        });
    }
    sleep_until(end - 100 * MS).await;
    println!(
        "active wss session: {:.1} KiB each, {count} sessions that send 20 ms each {} ms and commit each {} ms of audio",
        per_session(count)?,
        arguments.every,
        turn * 20
    );
    while let Some(done) = talking.join_next().await {
        done??;
    }
    for handle in &handles {
        handle.close().await;
    }
    drop(handles);
    sleep(Duration::from_secs(1)).await;

    let handles = connect(&server, arguments.turns).await?;
    let before = Memory::now()?.resident;
    for handle in &handles {
        for _ in 0..300 {
            handle
                .send(InputAudioBufferAppend::new(noise(100 * MS)))
                .await?;
        }
    }
    sleep(Duration::from_secs(3)).await;
    println!(
        "with an open turn of 30 s (1,406 KiB of PCM16): {:.0} KiB more each, {} sessions",
        Memory::now()?.resident.saturating_sub(before) as f64 / f64::from(arguments.turns),
        arguments.turns
    );
    for handle in first.iter().chain(&handles) {
        handle.close().await;
    }
    anyhow::ensure!(LOST.load(Ordering::Relaxed) == 0, "connections were lost");
    Ok(())
}

async fn attacked(way: usize) -> anyhow::Result<()> {
    let server = Server::start(&["hostile", &way.to_string()])?;
    let mut config = Config::default();
    config.retry.max_attempts = 1;
    config.liveness.ping_interval = Duration::from_secs(1);
    config.liveness.ping_timeout = Duration::from_secs(1);
    let before = Memory::now()?;
    let (start, busy) = (Instant::now(), cpu()?);
    let mut connection = server.place.connect(&config).await?;
    let ending = async {
        while let Some(event) = connection.recv().await {
            if matches!(event, ConnectionEvent::Malformed(_)) {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(4), ending).await;
    let (peak, busy) = (Memory::now()?.peak, cpu()? - busy);
    drop(connection);
    sleep(200 * MS).await;
    println!(
        "peak {:.1} MiB more, {:.1} MiB after it, {:.0} ms of CPU, {:.1} s",
        peak.saturating_sub(before.resident) as f64 / 1024.0,
        Memory::now()?.resident.saturating_sub(before.resident) as f64 / 1024.0,
        busy.as_secs_f64() * 1000.0,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
