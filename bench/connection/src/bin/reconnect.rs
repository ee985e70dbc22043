//! How fast a connection comes back, how fast it is restored, and how fast a dead peer is noticed.
//!
//! ```text
//! cargo run --release --manifest-path bench/connection/Cargo.toml --locked --bin reconnect
//! ```
//!
//! Over TLS on the loopback address, with the default waits; client, server and the line between them are in one process.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use rt_connection_bench::{Place, Samples, config, emulator, until};
use rt_emulator::fault::Action;
use rt_emulator::wire::{Cut, Shape};
use rt_emulator::proxy::{Direction, FaultProxy};
use rt_emulator::Emulator;
use rt_lowlevel::{Config, Connection, ConnectionEvent, ErrorKind};
use rt_lowlevel::config::Liveness;
use rt_protocol::client_event::{ConversationItemCreate, InputAudioBufferAppend};
use rt_protocol::{Item, Pcm16, ServerEvent};
use tokio::task::JoinSet;
use tokio::time::sleep;

const MS: Duration = Duration::from_millis(1);

#[derive(Parser)]
#[command(about = "Measures how connections come back")]
struct Arguments {
    /// Cuts, spread over ways to cut
    #[arg(long, default_value_t = 1000)]
    cuts: u64,
    /// Restores of fifty items
    #[arg(long, default_value_t = 300)]
    restores: u64,
    /// Connections whose peer dies, for each setting
    #[arg(long, default_value_t = 100)]
    deaths: u64,
    /// Minutes of connections on a bad line, for each setting
    #[arg(long, default_value_t = 30)]
    minutes: u64,
}

/// A server behind a line.
struct Rig {
    emulator: Emulator,
    line: FaultProxy,
    place: Place,
}

impl Rig {
    async fn start() -> anyhow::Result<Self> {
        let emulator = emulator().keep_audio(false).start().await?;
        let line = FaultProxy::start(emulator.address()).await?;
        let mut place = Place::of(&emulator)?;
        place.url = line.url(&place.url);
        Ok(Self {
            emulator,
            line,
            place,
        })
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.restores > 0 {
        let samples = restores(arguments.restores).await?;
        println!("restore of 50 items, from session.created to Restored: {samples}");
    }
    if arguments.cuts > 0 {
        let [created, restored, worked] = cuts(arguments.cuts).await?;
        println!("from a cut (FIN, RST, 1001, 1011) to session.created: {created}");
        println!("from a cut to Connected again, restored: {restored}");
        println!("the same without the random wait before connecting: {worked}");
    }
    let profiles = [
        ("default", Liveness::default()),
        ("Liveness::fast()", Liveness::fast()),
    ];
    for (name, liveness) in profiles {
        let mut config = config();
        config.liveness = liveness;
        if arguments.deaths > 0 {
            let samples = deaths(&config, arguments.deaths).await?;
            println!("dead peer noticed, {name}, half of them sending: {samples}");
        }
        if arguments.minutes > 0 {
            let false_deaths = bad_line(&config, arguments.minutes).await?;
            println!(
                "taken for dead, {name}, {} minutes with 50 ms and 0 to 150 ms of jitter each way: {false_deaths}",
                arguments.minutes
            );
        }
    }
    Ok(())
}

async fn item(connection: &mut Connection, id: &str) -> anyhow::Result<()> {
    let text =
        format!("This is {id}, and it is about as long as what people say in a call, one way or the other.");
    let item = ConversationItemCreate::new(Item::user_text(text).with_id(id));
    connection.send(item).await?;
    until(connection, |event| match event {
        ConnectionEvent::Server(ServerEvent::ConversationItemDone(event)) if event.item.id() == Some(id) => {
            Some(())
        }
        _ => None,
    })
    .await
}

/// When the next session was there, when it knew the conversation, and how much of that was waited before connecting.
async fn comes_back(connection: &mut Connection) -> anyhow::Result<(Instant, Instant, Duration)> {
    let mut waited = Duration::ZERO;
    let created = until(connection, |event| match event {
        ConnectionEvent::Retrying(retrying) => {
            waited += retrying.delay;
            None
        }
        ConnectionEvent::Server(ServerEvent::SessionCreated(_)) => Some(Instant::now()),
        _ => None,
    })
    .await?;
    let restored = until(connection, |event| match event {
        ConnectionEvent::Restored(_) => Some(Instant::now()),
        _ => None,
    })
    .await?;
    Ok((created, restored, waited))
}

async fn restores(count: u64) -> anyhow::Result<Samples> {
    let rig = Rig::start().await?;
    let mut config = config();
    config.retry.base = MS;
    let mut connection = rig.place.connect(&config).await?;
    let ids: Vec<String> = (0..50).map(|n| format!("item_{n}")).collect();
    for id in &ids {
        item(&mut connection, id).await?;
    }
    let mut samples = Samples::default();
    for _ in 0..count {
        rig.line.cut(Cut::Reset);
        let (created, restored, _) = comes_back(&mut connection).await?;
        samples.push(restored - created);
        let (_, session) = rig.emulator.journal().sessions().pop().context("no session")?;
        ensure!(session.item_ids() == ids, "the session has other items");
        // A word, so that the next loss is an outage of its own.
        connection
            .send(rt_protocol::client_event::InputAudioBufferClear::default())
            .await?;
        until(&mut connection, |event| match event {
            ConnectionEvent::Server(ServerEvent::InputAudioBufferCleared(_)) => Some(()),
            _ => None,
        })
        .await?;
        sleep(2 * MS).await;
    }
    connection.close().await;
    Ok(samples)
}

async fn cuts(count: u64) -> anyhow::Result<[Samples; 3]> {
    const CLIENTS: u64 = 4;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(async move {
            let rig = Rig::start().await?;
            let mut connection = rig.place.connect(&config()).await?;
            let mut samples: [Samples; 3] = Default::default();
            for n in 1..=count / CLIENTS {
                item(&mut connection, &format!("item_{client}_{n}")).await?;
                sleep(2 * MS).await;
                let start = Instant::now();
                match n % 4 {
                    0 => drop(rig.line.cut(Cut::Fin)),
                    1 => drop(rig.line.cut(Cut::Reset)),
                    2 => rig.emulator.act(n, Action::close(1001, "going away")),
                    _ => rig.emulator.act(n, Action::close(1011, "a server error")),
                }
                let (created, restored, waited) = comes_back(&mut connection).await?;
                let back = restored - start;
                for (samples, sample) in samples
                    .iter_mut()
                    .zip([created - start, back, back.saturating_sub(waited)])
                {
                    samples.push(sample);
                }
            }
            connection.close().await;
            anyhow::Ok(samples)
        });
    }
    let mut all: [Samples; 3] = Default::default();
    while let Some(client) = clients.join_next().await {
        for (all, samples) in all.iter_mut().zip(client??) {
            all.extend(samples);
        }
    }
    Ok(all)
}

/// Sends 20 ms of audio each 20 ms until the connection is closed.
async fn talk(handle: rt_lowlevel::Handle) {
    let audio = Pcm16::silence(20 * MS);
    while handle
        .send(InputAudioBufferAppend::new(audio.clone()))
        .await
        .is_ok()
    {
        sleep(20 * MS).await;
    }
}

async fn deaths(config: &Config, count: u64) -> anyhow::Result<Samples> {
    let rig = Rig::start().await?;
    let mut clients = JoinSet::new();
    let (died, when) = tokio::sync::watch::channel(None);
    for n in 0..count {
        let mut connection = rig.place.connect(config).await?;
        let mut when = when.clone();
        if n % 2 == 0 {
            tokio::spawn(talk(connection.handle().clone()));
        }
        // They ping at different times.
        sleep(config.liveness.ping_interval / u32::try_from(count)?).await;
        clients.spawn(async move {
            let noticed = until(&mut connection, |event| match event {
                ConnectionEvent::Retrying(retrying) => Some((Instant::now(), retrying.cause.kind())),
                _ => None,
            });
            let (noticed, cause) = noticed.await?;
            ensure!(
                matches!(cause, ErrorKind::PingTimeout | ErrorKind::WriteStall),
                "{cause:?}"
            );
            let died: Instant = when.wait_for(Option::is_some).await?.context("not dead")?;
            anyhow::Ok(noticed - died)
        });
    }
    died.send(Some(Instant::now()))?;
    for direction in [Direction::Up, Direction::Down] {
        rig.line.shape(direction, Shape::default().hole());
    }
    let mut samples = Samples::default();
    while let Some(client) = clients.join_next().await {
        samples.push(client??);
    }
    Ok(samples)
}

/// How many connections were lost on a line that is bad but alive.
async fn bad_line(config: &Config, minutes: u64) -> anyhow::Result<usize> {
    const CONNECTIONS: u64 = 60;
    let rig = Rig::start().await?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        let connection = rig.place.connect(config).await?;
        if connections.len() % 4 == 0 {
            tokio::spawn(talk(connection.handle().clone()));
        }
        connections.push(connection);
    }
    let bad = Shape::default().delay(50 * MS).jitter(150 * MS);
    rig.line.shape(Direction::Up, bad.clone());
    rig.line.shape(Direction::Down, bad);
    sleep(Duration::from_secs(minutes * 60 / CONNECTIONS)).await;
    let mut lost = 0;
    for connection in &mut connections {
        connection.close().await;
        while let Some(event) = connection.recv().await {
            lost += usize::from(matches!(event, ConnectionEvent::Retrying(_)));
        }
    }
    Ok(lost)
}
