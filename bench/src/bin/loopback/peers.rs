//! The clients that are compared, each used as its documentation says, on a connection that stays open.

use std::hint::black_box;

use adk_realtime::openai::OpenAIRealtimeModel;
use adk_realtime::{BoxedSession, RealtimeConfig, RealtimeModel as _};
use anyhow::{Context as _, bail};
use async_trait::async_trait;
use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream::{BoxStream, SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use openai_core::{RealtimeSocket, RealtimeStreamMessage, SocketStreamMessage};
use rt_lowlevel::{Config, Connection, ConnectionEvent, Credentials, Endpoint};
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate};
use rt_protocol::{Pcm16, ServerEvent};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite};
use tungstenite_of_openai_api_rs::tungstenite as old;

type OldSocket =
    tungstenite_of_openai_api_rs::WebSocketStream<tungstenite_of_openai_api_rs::MaybeTlsStream<TcpStream>>;

/// A connected client.
#[async_trait(?Send)]
pub trait Peer {
    fn name(&self) -> &'static str;
    /// Whether it is of this repository, and no peer of it.
    fn is_ours(&self) -> bool {
        self.name().starts_with("rt-") || self.name().starts_with("by hand")
    }
    /// Asks for a burst and takes `messages` audio deltas, down to the bytes. Gives the number of bytes.
    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize>;
    /// Sends every piece and waits until the server has them.
    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()>;
}

/// Ports of the two servers: one for each set of event names.
#[derive(Clone, Copy)]
pub struct Ports {
    pub ga: u16,
    pub beta: u16,
}

/// All clients that can be connected to a server on this machine. One that cannot says why.
pub async fn connect(ports: Ports, read_buffer: Option<usize>) -> Vec<Box<dyn Peer>> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    let mut add = |name: &str, peer: anyhow::Result<Box<dyn Peer>>| match peer {
        Ok(peer) => peers.push(peer),
        Err(error) => eprintln!("{name} is left out: {error:#}"),
    };
    add("rt-lowlevel", RtLowlevel::connect(ports.ga, read_buffer).await);
    add("rt-client", RtClient::connect(ports.ga).await);
    add("raw", Typed::<Raw>::connect(ports.ga).await);
    add("async-openai", Typed::<AsyncOpenai>::connect(ports.ga).await);
    add("oai-rt-rs", Typed::<OaiRtRs>::connect(ports.ga).await);
    add("adk-realtime", Adk::connect(ports.ga).await);
    add("openai-tools", Tools::connect(ports.beta).await);
    add("openai-core", Core::connect(ports.ga).await);
    add("openai-api-rs", ApiRs::connect(ports.beta).await);
    peers
}

fn decoded(base64: &str) -> anyhow::Result<usize> {
    Ok(black_box(BASE64_STANDARD.decode(base64)?).len())
}

struct RtLowlevel(Connection);

impl RtLowlevel {
    async fn connect(port: u16, read_buffer: Option<usize>) -> anyhow::Result<Box<dyn Peer>> {
        let endpoint =
            Endpoint::openai("gpt-realtime")?.with_base_url(&format!("http://127.0.0.1:{port}/v1"))?;
        let mut config = Config::default();
        config.limits.read_buffer = read_buffer.unwrap_or(config.limits.read_buffer);
        let mut connection = Connection::builder(endpoint, Credentials::none())
            .config(config)
            .connect()
            .await?;
        loop {
            match connection.recv().await {
                Some(ConnectionEvent::Server(ServerEvent::SessionCreated(_))) => break,
                Some(_) => {}
                None => bail!("closed"),
            }
        }
        Ok(Box::new(Self(connection)))
    }
}

#[async_trait(?Send)]
impl Peer for RtLowlevel {
    fn name(&self) -> &'static str {
        "rt-lowlevel"
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        self.0.send(ResponseCreate::default()).await?;
        let (mut count, mut bytes) = (0, 0);
        while count < messages {
            match self.0.recv().await.context("closed")? {
                ConnectionEvent::Server(ServerEvent::ResponseOutputAudioDelta(event)) => {
                    bytes += black_box(event).delta.len();
                    count += 1;
                }
                other => bail!("{other:?}"),
            }
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            let audio = Pcm16::from_le_bytes(piece.clone())?.into();
            let event = InputAudioBufferAppend {
                audio,
                ..Default::default()
            };
            self.0.send(event).await?;
        }
        self.0.send(InputAudioBufferCommit::default()).await?;
        match self.0.recv().await.context("closed")? {
            ConnectionEvent::Server(ServerEvent::InputAudioBufferCommitted(_)) => Ok(()),
            other => bail!("{other:?}"),
        }
    }
}

/// A session with a callback for audio, which does all that a session does beside. The callback counts, as the others do
/// where they read, and tells when a burst is over.
struct RtClient {
    session: rt_client::Session,
    /// How many messages the next burst has.
    expected: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    audio: tokio::sync::mpsc::UnboundedReceiver<usize>,
    committed: tokio::sync::mpsc::UnboundedReceiver<()>,
}

impl RtClient {
    async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        let endpoint =
            Endpoint::openai("gpt-realtime")?.with_base_url(&format!("http://127.0.0.1:{port}/v1"))?;
        let (audio_in, audio) = tokio::sync::mpsc::unbounded_channel();
        let expected = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
        let (mut count, mut bytes) = (0, 0);
        let all = expected.clone();
        let (committed_in, committed) = tokio::sync::mpsc::unbounded_channel();
        let session = rt_client::Session::builder(endpoint, Credentials::none())
            .on_audio(move |audio| {
                bytes += black_box(audio).as_bytes().len();
                count += 1;
                if count == all.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = audio_in.send(std::mem::take(&mut bytes));
                    count = 0;
                }
            })
            .on_event(move |event| {
                if matches!(event, ServerEvent::InputAudioBufferCommitted(_)) {
                    let _ = committed_in.send(());
                }
            })
            .connect()
            .await?;
        Ok(Box::new(Self {
            session,
            expected,
            audio,
            committed,
        }))
    }
}

#[async_trait(?Send)]
impl Peer for RtClient {
    fn name(&self) -> &'static str {
        "rt-client"
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        // The server tells of no response, so that one of the conversation would be waited for.
        let params = rt_protocol::ResponseParams::new().out_of_band();
        self.expected
            .store(messages, std::sync::atomic::Ordering::Relaxed);
        drop(self.session.respond_with(params).await?);
        self.audio.recv().await.context("closed")
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            self.session
                .send_audio(Pcm16::from_le_bytes(piece.clone())?)
                .await?;
        }
        self.session.send(InputAudioBufferCommit::default()).await?;
        self.committed.recv().await.context("closed")
    }
}

/// What a program without any library for the API does: the fields it needs, and base64.
struct Raw;

impl Types for Raw {
    const NAME: &'static str = "by hand: serde_json, base64, tokio-tungstenite 0.30";

    fn audio(text: &str) -> anyhow::Result<usize> {
        #[derive(serde::Deserialize)]
        struct Delta<'a> {
            #[serde(rename = "type")]
            kind: &'a str,
            #[serde(borrow)]
            delta: std::borrow::Cow<'a, str>,
        }
        let event: Delta<'_> = serde_json::from_str(text)?;
        anyhow::ensure!(event.kind == "response.output_audio.delta");
        decoded(&event.delta)
    }

    fn event(text: &str) -> anyhow::Result<()> {
        serde_json::from_str::<serde_json::Value>(text)?;
        Ok(())
    }

    fn append(pcm: &[u8]) -> anyhow::Result<String> {
        let audio = BASE64_STANDARD.encode(pcm);
        Ok(format!(
            r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#
        ))
    }
}

/// Types without a client that could be told where to connect: with `tokio-tungstenite`, as their examples do it.
trait Types {
    const NAME: &'static str;
    /// The bytes of an audio delta.
    fn audio(text: &str) -> anyhow::Result<usize>;
    /// Reads another event.
    fn event(text: &str) -> anyhow::Result<()>;
    fn append(pcm: &[u8]) -> anyhow::Result<String>;
}

struct AsyncOpenai;

impl Types for AsyncOpenai {
    const NAME: &'static str = "async-openai 0.43 types, tokio-tungstenite 0.30";

    fn audio(text: &str) -> anyhow::Result<usize> {
        use async_openai::types::realtime::RealtimeServerEvent as Event;
        match serde_json::from_str(text)? {
            Event::ResponseOutputAudioDelta(event) => decoded(&event.delta),
            other => bail!("{other:?}"),
        }
    }

    fn event(text: &str) -> anyhow::Result<()> {
        serde_json::from_str::<async_openai::types::realtime::RealtimeServerEvent>(text)?;
        Ok(())
    }

    fn append(pcm: &[u8]) -> anyhow::Result<String> {
        use async_openai::types::realtime::{
            RealtimeClientEvent, RealtimeClientEventInputAudioBufferAppend as Append,
        };
        let audio = BASE64_STANDARD.encode(pcm);
        let event = RealtimeClientEvent::InputAudioBufferAppend(Append {
            event_id: None,
            audio,
        });
        Ok(serde_json::to_string(&event)?)
    }
}

struct OaiRtRs;

impl Types for OaiRtRs {
    const NAME: &'static str = "oai-rt-rs 0.5 types, tokio-tungstenite 0.30";

    fn audio(text: &str) -> anyhow::Result<usize> {
        match serde_json::from_str(text)? {
            oai_rt_rs::ServerEvent::ResponseOutputAudioDelta { delta, .. } => decoded(&delta),
            other => bail!("{other:?}"),
        }
    }

    fn event(text: &str) -> anyhow::Result<()> {
        serde_json::from_str::<oai_rt_rs::ServerEvent>(text)?;
        Ok(())
    }

    fn append(pcm: &[u8]) -> anyhow::Result<String> {
        let audio = BASE64_STANDARD.encode(pcm);
        Ok(serde_json::to_string(
            &oai_rt_rs::ClientEvent::InputAudioBufferAppend {
                event_id: None,
                audio,
            },
        )?)
    }
}

struct Typed<T> {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    types: std::marker::PhantomData<T>,
}

impl<T: Types + 'static> Typed<T> {
    async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        let url = format!("ws://127.0.0.1:{port}/v1/realtime?model=gpt-realtime");
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        let mut peer = Self {
            socket,
            types: std::marker::PhantomData,
        };
        T::event(&peer.text().await?)?;
        Ok(Box::new(peer))
    }

    async fn text(&mut self) -> anyhow::Result<tungstenite::Utf8Bytes> {
        loop {
            match self.socket.next().await.context("closed")?? {
                tungstenite::Message::Text(text) => return Ok(text),
                tungstenite::Message::Close(_) => bail!("closed"),
                _ => {}
            }
        }
    }
}

#[async_trait(?Send)]
impl<T: Types + 'static> Peer for Typed<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        let create = r#"{"type":"response.create"}"#;
        self.socket.send(tungstenite::Message::text(create)).await?;
        let mut bytes = 0;
        for _ in 0..messages {
            bytes += T::audio(&self.text().await?)?;
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            self.socket
                .send(tungstenite::Message::text(T::append(piece)?))
                .await?;
        }
        let commit = r#"{"type":"input_audio_buffer.commit"}"#;
        self.socket.send(tungstenite::Message::text(commit)).await?;
        T::event(&self.text().await?)
    }
}

struct Adk(BoxedSession);

impl Adk {
    async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        let session = OpenAIRealtimeModel::new("none", "gpt-realtime")
            .with_base_url(format!("ws://127.0.0.1:{port}/v1/realtime"))
            .connect(RealtimeConfig::default())
            .await?;
        session.next_event().await.context("closed")??;
        Ok(Box::new(Self(session)))
    }
}

#[async_trait(?Send)]
impl Peer for Adk {
    fn name(&self) -> &'static str {
        "adk-realtime 2.3"
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        self.0.create_response().await?;
        let mut bytes = 0;
        for _ in 0..messages {
            match self.0.next_event().await.context("closed")?? {
                adk_realtime::ServerEvent::AudioDelta { delta, .. } => bytes += black_box(delta).len(),
                other => bail!("{other:?}"),
            }
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            let chunk = adk_realtime::audio::AudioChunk::pcm16_24khz(piece.to_vec());
            self.0.send_audio(&chunk).await?;
        }
        self.0.commit_audio().await?;
        self.0.next_event().await.context("closed")??;
        Ok(())
    }
}

struct Tools(openai_tools::realtime::RealtimeSession);

impl Tools {
    async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        // The one kind of credentials that lets the address be chosen.
        let url = format!("http://127.0.0.1:{port}/openai/realtime");
        let auth = openai_tools::common::auth::AzureAuth::new("none".to_owned(), url);
        let auth = openai_tools::common::auth::AuthProvider::Azure(auth);
        let session = openai_tools::realtime::RealtimeClient::with_auth(auth)
            .connect()
            .await?;
        Ok(Box::new(Self(session)))
    }
}

#[async_trait(?Send)]
impl Peer for Tools {
    fn name(&self) -> &'static str {
        "openai-tools 3.2"
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        self.0.create_response(None).await?;
        let mut bytes = 0;
        for _ in 0..messages {
            match self.0.recv().await?.context("closed")? {
                openai_tools::realtime::ServerEvent::ResponseAudioDelta(event) => {
                    bytes += decoded(&event.delta)?
                }
                other => bail!("{other:?}"),
            }
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            self.0.append_audio_bytes(piece).await?;
        }
        self.0.commit_audio().await?;
        self.0.recv().await?.context("closed")?;
        Ok(())
    }
}

struct Core {
    socket: RealtimeSocket,
    stream: BoxStream<'static, RealtimeStreamMessage>,
}

impl Core {
    async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        let client = openai_core::Client::builder()
            .api_key("none")
            .base_url(format!("http://127.0.0.1:{port}/v1"))
            .build()?;
        let socket = openai_core::OpenAIRealtimeWebSocket::connect(client, "gpt-realtime").await?;
        let stream = socket.stream();
        let mut peer = Self { socket, stream };
        peer.event().await?;
        Ok(Box::new(peer))
    }

    async fn event(&mut self) -> anyhow::Result<openai_core::RealtimeServerEvent> {
        loop {
            match self.stream.next().await.context("closed")? {
                SocketStreamMessage::Message(event) => return Ok(event),
                SocketStreamMessage::Error(error) => return Err(error.into()),
                _ => {}
            }
        }
    }
}

#[async_trait(?Send)]
impl Peer for Core {
    fn name(&self) -> &'static str {
        "openai-core 0.2"
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        self.socket.send_json(&json!({"type": "response.create"})).await?;
        let mut bytes = 0;
        for _ in 0..messages {
            let event = self.event().await?;
            let delta = event.raw().data.get("delta").and_then(|delta| delta.as_str());
            bytes += decoded(delta.context("no delta")?)?;
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for piece in pieces.iter().cycle().take(messages) {
            let audio = BASE64_STANDARD.encode(piece);
            self.socket
                .send_json(&json!({"type": "input_audio_buffer.append", "audio": audio}))
                .await?;
        }
        self.socket
            .send_json(&json!({"type": "input_audio_buffer.commit"}))
            .await?;
        self.event().await?;
        Ok(())
    }
}

struct ApiRs {
    write: SplitSink<OldSocket, old::Message>,
    read: SplitStream<OldSocket>,
}

impl ApiRs {
    async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        let client = openai_api_rs::realtime::api::RealtimeClient::new_with_endpoint(
            format!("ws://127.0.0.1:{port}/v1/realtime"),
            "none".to_owned(),
            "gpt-realtime".to_owned(),
        );
        let connected = client.connect().await;
        let (write, read) = connected.map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut peer = Self { write, read };
        peer.text().await?;
        Ok(Box::new(peer))
    }

    async fn text(&mut self) -> anyhow::Result<old::Utf8Bytes> {
        loop {
            match self.read.next().await.context("closed")?? {
                old::Message::Text(text) => return Ok(text),
                old::Message::Close(_) => bail!("closed"),
                _ => {}
            }
        }
    }
}

#[async_trait(?Send)]
impl Peer for ApiRs {
    fn name(&self) -> &'static str {
        "openai-api-rs 10"
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        let create = openai_api_rs::realtime::client_event::ResponseCreate::default();
        self.write.send(create.into()).await?;
        let mut bytes = 0;
        for _ in 0..messages {
            match serde_json::from_str(&self.text().await?)? {
                openai_api_rs::realtime::server_event::ServerEvent::ResponseAudioDelta(event) => {
                    bytes += decoded(&event.delta)?;
                }
                other => bail!("{other:?}"),
            }
        }
        Ok(bytes)
    }

    async fn send(&mut self, pieces: &[Bytes], messages: usize) -> anyhow::Result<()> {
        use openai_api_rs::realtime::client_event::{InputAudioBufferAppend, InputAudioBufferCommit};
        for piece in pieces.iter().cycle().take(messages) {
            let audio = BASE64_STANDARD.encode(piece);
            self.write
                .send(
                    InputAudioBufferAppend {
                        event_id: None,
                        audio,
                    }
                    .into(),
                )
                .await?;
        }
        self.write.send(InputAudioBufferCommit::default().into()).await?;
        self.text().await?;
        Ok(())
    }
}
