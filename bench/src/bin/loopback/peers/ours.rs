//! The clients of this repository.

use std::hint::black_box;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use bytes::Bytes;
use rt_lowlevel::{Config, Connection, ConnectionEvent, Credentials, Endpoint};
use rt_protocol::client_event::{InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate};
use rt_protocol::{Pcm16, ServerEvent};

use super::Peer;

pub struct RtLowlevel(Connection);

impl RtLowlevel {
    pub async fn connect(port: u16, read_buffer: Option<usize>) -> anyhow::Result<Box<dyn Peer>> {
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

/// A session with a callback for audio, which does all that a session does beside.
pub struct RtClient {
    session: rt_client::Session,
    audio: tokio::sync::mpsc::UnboundedReceiver<usize>,
    committed: tokio::sync::mpsc::UnboundedReceiver<()>,
}

impl RtClient {
    pub async fn connect(port: u16) -> anyhow::Result<Box<dyn Peer>> {
        let endpoint =
            Endpoint::openai("gpt-realtime")?.with_base_url(&format!("http://127.0.0.1:{port}/v1"))?;
        let (audio_in, audio) = tokio::sync::mpsc::unbounded_channel();
        let (committed_in, committed) = tokio::sync::mpsc::unbounded_channel();
        let session = rt_client::Session::builder(endpoint, Credentials::none())
            .on_audio(move |audio| {
                let _ = audio_in.send(black_box(audio).as_bytes().len());
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
        drop(self.session.respond_with(params).await?);
        let mut bytes = 0;
        for _ in 0..messages {
            bytes += self.audio.recv().await.context("closed")?;
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
        self.committed.recv().await.context("closed")
    }
}
