//! Clients of others.

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
use serde_json::json;
use tokio::net::TcpStream;
use tungstenite_of_openai_api_rs::tungstenite as old;

use super::{Peer, decoded};

type OldSocket =
    tungstenite_of_openai_api_rs::WebSocketStream<tungstenite_of_openai_api_rs::MaybeTlsStream<TcpStream>>;

pub struct Adk(BoxedSession);

impl Adk {
    pub async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
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

pub struct Tools(openai_tools::realtime::RealtimeSession);

impl Tools {
    pub async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
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

pub struct Core {
    socket: RealtimeSocket,
    stream: BoxStream<'static, RealtimeStreamMessage>,
}

impl Core {
    pub async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
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

pub struct ApiRs {
    write: SplitSink<OldSocket, old::Message>,
    read: SplitStream<OldSocket>,
}

impl ApiRs {
    pub async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
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
