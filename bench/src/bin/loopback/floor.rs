//! What is left when a client does nothing: the same bytes through the same socket, neither decoded nor encoded.
//!
//! No client can use less than this with sockets of the kernel, so it is also the bound of every ratio.

use std::hint::black_box;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use base64_naive::Engine as _;
use base64_naive::prelude::BASE64_STANDARD;
use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::peers::Peer;

/// As much as is read and written at once.
const PIECE: usize = 64 << 10;

/// Reads frames and skips what is in them; writes frames that were made beforehand.
pub struct Floor {
    stream: TcpStream,
    buffer: BytesMut,
    /// What is sent, and how much audio is in each.
    frames: Vec<(Vec<u8>, usize)>,
    out: Vec<u8>,
}

impl Floor {
    /// Connects by hand; `pieces` are what will be sent.
    pub async fn connect(port: u16, pieces: &[Bytes]) -> anyhow::Result<Box<dyn Peer>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /v1/realtime HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut floor = Self {
            stream,
            buffer: BytesMut::with_capacity(PIECE),
            frames: pieces.iter().map(|piece| (append(piece), piece.len())).collect(),
            out: Vec::with_capacity(2 * PIECE),
        };
        let end = loop {
            if let Some(end) = floor.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            floor.fill().await?;
        };
        floor.buffer.advance(end);
        floor.skip().await?;
        Ok(Box::new(floor))
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        self.buffer.reserve(PIECE);
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "closed");
        Ok(())
    }

    /// Skips one frame; the length of what was in it.
    async fn skip(&mut self) -> anyhow::Result<usize> {
        loop {
            if let Some((header, len)) = frame_size(&self.buffer)
                && self.buffer.len() >= header + len
            {
                black_box(&self.buffer[header..header + len]);
                self.buffer.advance(header + len);
                return Ok(len);
            }
            self.fill().await?;
        }
    }
}

/// Lengths of the header and of what follows it, if the header is there.
fn frame_size(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? {
        126 => Some((
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        )),
        127 => Some((
            10,
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
        )),
        short => Some((2, usize::from(short))),
    }
}

fn append(pcm: &[u8]) -> Vec<u8> {
    let audio = BASE64_STANDARD.encode(pcm);
    masked(&format!(
        r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#
    ))
}

/// A text frame as a client sends it, with a mask of zeros, which changes nothing.
fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(len), _) if len < 126 => frame.push(0x80 | len),
        (_, Ok(len)) => {
            frame.push(0x80 | 126);
            frame.extend(len.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((text.len() as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

#[async_trait(?Send)]
impl Peer for Floor {
    fn name(&self) -> &'static str {
        "floor: the bytes alone"
    }

    fn is_ours(&self) -> bool {
        true
    }

    async fn receive(&mut self, messages: usize) -> anyhow::Result<usize> {
        self.stream
            .write_all(&masked(r#"{"type":"response.create"}"#))
            .await?;
        for _ in 0..messages {
            self.skip().await?;
        }
        // What was in them is not looked at: it is known from the pieces.
        let sizes = self.frames.iter().map(|(_, audio)| audio);
        Ok(sizes.cycle().take(messages).sum())
    }

    async fn send(&mut self, _: &[Bytes], messages: usize) -> anyhow::Result<()> {
        for (frame, _) in self.frames.iter().cycle().take(messages) {
            if self.out.len() + frame.len() > PIECE {
                self.stream.write_all(&self.out).await?;
                self.out.clear();
            }
            self.out.extend_from_slice(frame);
        }
        self.out.extend(masked(r#"{"type":"input_audio_buffer.commit"}"#));
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        self.skip().await.context("the answer to the commit")?;
        Ok(())
    }
}
