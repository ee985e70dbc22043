//! Types of others, and none at all, with a WebSocket of `tokio-tungstenite`.

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite};

use super::{Peer, decoded};

/// What a program without any library for the API does: the fields it needs, and base64.
pub struct Raw;

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
pub trait Types {
    const NAME: &'static str;
    /// The bytes of an audio delta.
    fn audio(text: &str) -> anyhow::Result<usize>;
    /// Reads another event.
    fn event(text: &str) -> anyhow::Result<()>;
    fn append(pcm: &[u8]) -> anyhow::Result<String>;
}

pub struct AsyncOpenai;

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

pub struct OaiRtRs;

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

pub struct Typed<T> {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    types: std::marker::PhantomData<T>,
}

impl<T: Types + 'static> Typed<T> {
    pub async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
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
