//! What a session of rt-client costs beside a client written by hand, for each way to listen: CPU time per message.
//!
//! ```text
//! cargo build --release --manifest-path bench/Cargo.toml --locked --bin loopback --bin session
//! bench/target/release/session
//! ```
//!
//! The server is `loopback serve`, in a process of its own. Bursts are those of `loopback`; everybody takes turns in one run.
//! Who listens counts the bytes where they come: in the closure, in the handler's method, at the end of the stream. "closures"
//! are one for audio and one for turns; a handler and a stream are given every event of the server besides, and so are the
//! closures of the row "every event". The row "to a task" hands each piece from the closure to the task that waits, and wakes it
//! as often as it catches up.

#[path = "../cpu.rs"]
#[allow(dead_code, reason = "shared with the other programs")]
mod cpu;
#[path = "../stats.rs"]
#[allow(dead_code, reason = "shared with the other programs")]
mod stats;

use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use bytes::Bytes;
use clap::Parser;
use futures_util::{SinkExt as _, StreamExt as _};
use rt_client::{Credentials, Endpoint, EventHandler, EventStream, Session, Turn, async_trait};
use rt_protocol::client_event::InputAudioBufferCommit;
use rt_protocol::{Pcm16, ServerEvent};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite};

#[derive(Parser)]
#[command(about = "Measures rt-client beside a client by hand")]
struct Arguments {
    /// Bursts of each client, of which the median is taken
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Only with so much audio per message, in milliseconds
    #[arg(long)]
    ms: Option<u32>,
    /// Only clients whose name begins so, beside the one by hand
    #[arg(long, default_value = "")]
    only: String,
    /// Leaves out the client by hand
    #[arg(long)]
    alone: bool,
    /// The program that serves; by default `loopback` beside this one
    #[arg(long)]
    server: Option<PathBuf>,
}

/// Audio per message in milliseconds, and messages per burst.
const BURSTS: [(u32, usize); 3] = [(20, 4000), (100, 1000), (1000, 100)];
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    for (ms, messages) in BURSTS {
        if arguments.ms.is_some_and(|only| only != ms) {
            continue;
        }
        let server = Server::start(&arguments, ms, messages)?;
        let mut clients: Vec<(&str, Client)> = Vec::new();
        if !arguments.alone {
            clients.push(("by hand", Client::Hand(by_hand(server.port).await?)));
        }
        let all = [
            "closures",
            "closures, to a task",
            "closures, every event",
            "handler",
            "stream",
        ];
        for name in all.into_iter().filter(|name| name.starts_with(&arguments.only)) {
            clients.push((
                name,
                Client::Session(Box::new(Ours::connect(name, server.port, messages).await?)),
            ));
        }
        let pieces: Vec<Bytes> = (0..8u8)
            .map(|n| (0..ms * 48).map(|at| (at as u8).wrapping_mul(n + 5)).collect())
            .collect();
        let (received, sent) = measure(&mut clients, &pieces, messages, arguments.rounds).await?;
        println!("{ms} ms: CPU per message, us");
        for (at, (name, _)) in clients.iter().enumerate() {
            println!(
                "  {name:<22} receive {:6.2} ({:.2}x)   send {:6.2} ({:.2}x)",
                received[at],
                received[at] / received[0],
                sent[at],
                sent[at] / sent[0]
            );
        }
    }
    Ok(())
}

async fn measure(
    clients: &mut [(&str, Client)],
    pieces: &[Bytes],
    messages: usize,
    rounds: usize,
) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let expected: usize = pieces.iter().cycle().take(messages).map(Bytes::len).sum();
    let mut received = vec![Vec::new(); clients.len()];
    let mut sent = vec![Vec::new(); clients.len()];
    // The first round is for warming up.
    for round in 0..=rounds {
        for turn in 0..clients.len() {
            let at = (round + turn) % clients.len();
            let (name, client) = &mut clients[at];
            let start = cpu::process();
            let bytes = tokio::time::timeout(PATIENCE, client.receive(messages)).await;
            let middle = cpu::process();
            let bytes = bytes.with_context(|| format!("{name}: messages are missing"))??;
            ensure!(bytes == expected, "{name}: not all bytes arrived");
            let between = cpu::process();
            tokio::time::timeout(PATIENCE, client.send(pieces, messages))
                .await
                .context("sending takes too long")??;
            let end = cpu::process();
            if round > 0 {
                let per_message = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
                received[at].push(per_message(middle - start));
                sent[at].push(per_message(end - between));
            }
        }
    }
    let medians = |samples: Vec<Vec<f64>>| {
        samples
            .into_iter()
            .map(|mut samples| stats::median(&mut samples))
            .collect()
    };
    Ok((medians(received), medians(sent)))
}

enum Client {
    Hand(WebSocketStream<MaybeTlsStream<TcpStream>>),
    Session(Box<Ours>),
}

impl Client {
    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        match self {
            Self::Hand(socket) => {
                let create = tungstenite::Message::text(r#"{"type":"response.create"}"#);
                socket.send(create).await?;
                let mut bytes = 0;
                for _ in 0..messages {
                    bytes += audio(&text(socket).await?)?;
                }
                Ok(bytes)
            }
            Self::Session(ours) => ours.receive(messages).await,
        }
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        match self {
            Self::Hand(socket) => {
                for piece in pieces.iter().cycle().take(messages) {
                    let audio = BASE64_STANDARD.encode(piece);
                    let json = format!(r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#);
                    socket.send(tungstenite::Message::text(json)).await?;
                }
                let commit = r#"{"type":"input_audio_buffer.commit"}"#;
                socket.send(tungstenite::Message::text(commit)).await?;
                text(socket).await.map(|_| ())
            }
            Self::Session(ours) => ours.send(pieces, messages).await,
        }
    }
}

/// What a program without any library for the API does: the fields it needs, and base64.
fn audio(text: &str) -> anyhow::Result<usize> {
    #[derive(serde::Deserialize)]
    struct Delta<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
        #[serde(borrow)]
        delta: std::borrow::Cow<'a, str>,
    }
    let event: Delta<'_> = serde_json::from_str(text)?;
    ensure!(event.kind == "response.output_audio.delta", "another event");
    Ok(black_box(BASE64_STANDARD.decode(&*event.delta)?).len())
}

async fn by_hand(port: u16) -> anyhow::Result<WebSocketStream<MaybeTlsStream<TcpStream>>> {
    let url = format!("ws://127.0.0.1:{port}/v1/realtime?model=gpt-realtime");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    text(&mut socket).await?;
    Ok(socket)
}

async fn text(
    socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>,
) -> anyhow::Result<tungstenite::Utf8Bytes> {
    loop {
        match socket.next().await.context("closed")?? {
            tungstenite::Message::Text(text) => return Ok(text),
            tungstenite::Message::Close(_) => bail!("closed"),
            _ => {}
        }
    }
}

/// A session, and what the callbacks tell of it: bytes of audio. A commit is none.
struct Ours {
    session: Session,
    told: mpsc::UnboundedReceiver<usize>,
    stream: Option<EventStream>,
    /// Each piece is told of, not only the last.
    each: bool,
}

/// Counts, and tells when a burst is over.
struct Counter {
    tell: mpsc::UnboundedSender<usize>,
    messages: usize,
    count: usize,
    bytes: usize,
}

impl Counter {
    fn audio(&mut self, audio: &Pcm16) {
        self.bytes += black_box(audio).as_bytes().len();
        self.count += 1;
        if self.count == self.messages {
            let _ = self.tell.send(std::mem::take(&mut self.bytes));
            self.count = 0;
        }
    }
}

#[async_trait]
impl EventHandler for Counter {
    async fn on_audio(&mut self, _: &Session, audio: rt_client::Audio) {
        self.audio(&audio.audio);
    }

    async fn on_event(&mut self, _: &Session, event: &ServerEvent) {
        if matches!(event, ServerEvent::InputAudioBufferCommitted(_)) {
            let _ = self.tell.send(0);
        }
    }
}

impl Ours {
    async fn connect(name: &str, port: u16, messages: usize) -> anyhow::Result<Self> {
        let endpoint =
            Endpoint::openai("gpt-realtime")?.with_base_url(&format!("http://127.0.0.1:{port}/v1"))?;
        let (tell, told) = mpsc::unbounded_channel();
        let each = name.ends_with("task");
        let commits = tell.clone();
        let mut counter = Counter {
            tell,
            messages: if each { 1 } else { messages },
            count: 0,
            bytes: 0,
        };
        let builder = Session::builder(endpoint, Credentials::none());
        let builder = match name {
            "handler" => builder.handler(counter),
            "stream" => builder,
            "closures, every event" => builder
                .on_audio(move |audio| counter.audio(&audio))
                .on_event(move |event| {
                    if matches!(event, ServerEvent::InputAudioBufferCommitted(_)) {
                        let _ = commits.send(0);
                    }
                }),
            _ => builder
                .on_audio(move |audio| counter.audio(&audio))
                .on_turn(move |turn| {
                    if matches!(turn, Turn::UserCommitted { .. }) {
                        let _ = commits.send(0);
                    }
                }),
        };
        let session = builder.connect().await?;
        let stream = (name == "stream").then(|| session.events());
        Ok(Self {
            session,
            told,
            stream,
            each,
        })
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        // The server tells of no response, so that one of the conversation would be waited for.
        let params = rt_protocol::ResponseParams::new().out_of_band();
        drop(self.session.respond_with(params).await?);
        if let Some(stream) = &mut self.stream {
            let (mut bytes, mut count) = (0, 0);
            while count < messages {
                if let rt_client::Event::Audio(audio) = stream.next().await.context("closed")? {
                    bytes += black_box(audio).audio.as_bytes().len();
                    count += 1;
                }
            }
            return Ok(bytes);
        }
        let mut bytes = 0;
        for _ in 0..if self.each { messages } else { 1 } {
            bytes += self.told.recv().await.context("closed")?;
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            self.session
                .send_audio(Pcm16::from_le_bytes(piece.clone())?)
                .await?;
        }
        self.session.send(InputAudioBufferCommit::default()).await?;
        match &mut self.stream {
            Some(stream) => loop {
                if let rt_client::Event::Server(event) = stream.next().await.context("closed")?
                    && matches!(&*event, ServerEvent::InputAudioBufferCommitted(_))
                {
                    return Ok(());
                }
            },
            None => self.told.recv().await.map(|_| ()).context("closed"),
        }
    }
}

/// The server, until it is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(arguments: &Arguments, ms: u32, messages: usize) -> anyhow::Result<Self> {
        let program = match &arguments.server {
            Some(program) => program.clone(),
            None => std::env::current_exe()?.with_file_name("loopback"),
        };
        let mut child = Command::new(&program)
            .args([
                "serve",
                "--ms",
                &ms.to_string(),
                "--messages",
                &messages.to_string(),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start: build it too", program.display()))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        Ok(Self {
            port: line.trim().parse()?,
            child,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
