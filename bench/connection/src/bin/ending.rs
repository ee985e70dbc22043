//! How long it takes to close, and what is lost by it.
//!
//! ```text
//! cargo run --release --manifest-path bench/connection/Cargo.toml --locked --bin ending
//! ```
//!
//! Over TLS on the loopback address, with the default deadlines.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use rt_connection_bench::{Place, Samples, emulator};
use rt_emulator::fault::{Action, Trigger};
use rt_emulator::Fault;
use rt_lowlevel::{Config, Connection};
use rt_protocol::client_event::{ConversationItemCreate, InputAudioBufferAppend};
use rt_protocol::{Item, Pcm16};

#[derive(Parser)]
#[command(about = "Measures how connections end")]
struct Arguments {
    /// Sessions that are closed, for each kind
    #[arg(long, default_value_t = 100)]
    sessions: u32,
    /// Sessions whose peer does nothing any more when they are closed, for each kind
    #[arg(long, default_value_t = 10)]
    stalled: u32,
    /// Messages before the close, whose echoes nobody reads
    #[arg(long, default_value_t = 200)]
    messages: usize,
}

async fn connect(place: &Place) -> anyhow::Result<Connection> {
    place.connect(&Config::default()).await
}

async fn close(connection: &Connection) -> Duration {
    let start = Instant::now();
    connection.close().await;
    start.elapsed()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let emulator_ = emulator().start().await?;
    let place = Place::of(&emulator_)?;
    let mut samples = Samples::default();
    for _ in 0..arguments.sessions {
        samples.push(close(&connect(&place).await?).await);
    }
    println!("close, idle: {samples}");

    let mut samples = Samples::default();
    let (mut sent, mut arrived) = (0, 0);
    for _ in 0..arguments.sessions {
        let connection = connect(&place).await?;
        for n in 0..arguments.messages {
            let item = Item::user_text(format!("This is message {n}.")).with_id(format!("item_{n}"));
            connection.send(ConversationItemCreate::new(item)).await?;
            sent += 1;
        }
        samples.push(close(&connection).await);
        let (_, session) = emulator_.journal().sessions().pop().context("no session")?;
        arrived += session.item_ids().len();
    }
    println!(
        "close, {} messages just sent: {samples}; {} of {sent} lost",
        arguments.messages,
        sent - arrived
    );

    for (name, action) in [
        ("nothing is read", Action::StallReading(Duration::MAX)),
        ("nothing is sent", Action::StallWriting(Duration::MAX)),
        ("neither", Action::Stall),
    ] {
        let fault = Fault::at(Trigger::SentMessages(1), action);
        let emulator = emulator().fault_always(fault).start().await?;
        let place = Place::of(&emulator)?;
        let mut samples = Samples::default();
        for n in 0..arguments.stalled {
            let connection = connect(&place).await?;
            // Half of them with more under way than a socket takes.
            for _ in 0..(n % 2) * 20 {
                let audio = Pcm16::silence(Duration::from_secs(1));
                connection.send(InputAudioBufferAppend::new(audio)).await?;
            }
            samples.push(close(&connection).await);
        }
        println!("close, stalled ({name}): {samples}");
    }
    Ok(())
}
