//! What the measurements of connections share: a server in a process of its own, the memory of this one, order statistics.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rt_emulator::{Builder, Emulator, Pacing};
use rt_lowlevel::{Config, Connection, ConnectionEvent, Credentials, Endpoint};

/// What comes last of what a server prints when it starts.
const READY: &str = "ready";

/// The unit of times in `/proc`: Linux counts hundredths of a second there on all machines.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// Where a server is, and what to trust.
#[derive(Debug, Clone)]
pub struct Place {
    pub url: String,
    pub root: String,
}

impl Place {
    /// The place of an emulator that encrypts.
    pub fn of(emulator: &Emulator) -> anyhow::Result<Self> {
        Ok(Self {
            url: format!("{}?model=gpt-realtime", emulator.url()),
            root: emulator.certificate_pem().context("no TLS")?.to_owned(),
        })
    }

    /// Connects.
    pub async fn connect(&self, config: &Config) -> anyhow::Result<Connection> {
        let connection = Connection::builder(Endpoint::from_url(&self.url)?, Credentials::api_key("local")?)
            .config(config.clone())
            .root_certificates(self.root.as_bytes())?
            .connect()
            .await?;
        Ok(connection)
    }
}

/// An emulator without pauses, which encrypts.
pub fn emulator() -> Builder {
    Emulator::builder().pacing(Pacing::instant()).tls()
}

/// The defaults, for connections that are cut more often than a server would allow.
pub fn config() -> Config {
    let mut config = Config::default();
    config.retry.healthy_after = Duration::from_millis(1);
    config.retry.max_connects = 1_000_000;
    config
}

/// Waits until `find` finds something in an event; what came before is dropped.
pub async fn until<T>(
    connection: &mut Connection,
    mut find: impl FnMut(&ConnectionEvent) -> Option<T>,
) -> anyhow::Result<T> {
    loop {
        let event = connection.recv().await.context("the connection has ended")?;
        if let Some(found) = find(&event) {
            return Ok(found);
        }
        if let ConnectionEvent::Closed(closed) = event {
            anyhow::bail!("closed: {:?}", closed.error);
        }
    }
}

/// This program as a server, until it is dropped.
pub struct Server {
    child: Child,
    pub place: Place,
}

impl Server {
    /// Runs this program with these arguments; it is to call [`serve`].
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let url = lines.next().context("no URL")??;
        let mut root = String::new();
        for line in lines {
            let line = line?;
            if line == READY {
                return Ok(Self {
                    child,
                    place: Place { url, root },
                });
            }
            root.push_str(&line);
            root.push('\n');
        }
        anyhow::bail!("the server did not start")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says where the emulator is, and lets it run until this process is killed.
pub async fn serve(emulator: Builder) -> anyhow::Result<()> {
    let emulator = emulator.start().await?;
    let place = Place::of(&emulator)?;
    println!("{}\n{}\n{READY}", place.url, place.root.trim_end());
    std::future::pending::<()>().await;
    Ok(())
}

/// Memory of this process in KiB, now and at most.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub resident: u64,
    pub peak: u64,
}

impl Memory {
    /// As the kernel counts it (Linux).
    pub fn now() -> anyhow::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let value = |name: &str| -> anyhow::Result<u64> {
            let line = status
                .lines()
                .find(|line| line.starts_with(name))
                .context("no such line")?;
            Ok(line.split_whitespace().nth(1).context("no value")?.parse()?)
        };
        Ok(Self {
            resident: value("VmRSS:")?,
            peak: value("VmHWM:")?,
        })
    }
}

/// Time on a processor that this process has had so far, with that of threads which have ended (Linux), in steps of 10 ms.
pub fn cpu() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program comes first, and may have anything in it.
    let (_, fields) = stat.rsplit_once(')').context("no program")?;
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || -> anyhow::Result<u64> { Ok(times.next().context("no time")?.parse()?) };
    let (user, system) = (next()?, next()?);
    Ok(CLOCK_TICK * u32::try_from(user + system)?)
}

/// Durations, to be looked at in order.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
        self.0.sort_unstable();
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable();
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sample below which this share of them is; 1 is the longest.
    pub fn at(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let place = (last as f64 * share).ceil() as usize;
        self.0.get(place.min(last)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.at(share).as_secs_f64() * 1000.0;
        write!(
            f,
            "{} times: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            self.len(),
            ms(0.5),
            ms(0.99),
            ms(1.0)
        )
    }
}
