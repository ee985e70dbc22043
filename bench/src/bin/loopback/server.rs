//! The server of all bursts: it sends what it has ready, and throws away what it gets.
//!
//! It greets with a recorded `session.created`. On `response.create` it sends a burst of audio deltas, rendered to WebSocket
//! frames beforehand; on `input_audio_buffer.commit` it says that all before it has arrived. Nothing else is answered.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use anyhow::Context as _;
use rt_bench::corpus;
use tokio_tungstenite::tungstenite::{self, Message};

/// What it has ready.
struct Script {
    greeting: String,
    committed: String,
    burst: Vec<u8>,
}

/// Listens on a free port of the loopback address, which it prints, and serves until it is killed.
///
/// # Errors
/// If it cannot listen.
pub fn run(ms: u32, messages: usize, beta: bool) -> anyhow::Result<()> {
    let mut deltas = corpus::audio_deltas(ms);
    if beta {
        deltas = corpus::beta(&deltas);
    }
    let script = Arc::new(Script {
        greeting: corpus::recorded("session.created")?.remove(0),
        committed: corpus::recorded("input_audio_buffer.committed")?.remove(0),
        burst: (0..messages)
            .flat_map(|n| frame(&deltas[n % deltas.len()]))
            .collect(),
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let (stream, script) = (stream?, Arc::clone(&script));
        thread::spawn(move || {
            // A client that leaves is no news.
            let _ = serve(stream, &script);
        });
    }
    Ok(())
}

fn serve(stream: TcpStream, script: &Script) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut socket = tungstenite::accept(Both(BufReader::with_capacity(256 << 10, stream)))
        .ok()
        .context("handshake")?;
    socket.send(Message::text(script.greeting.as_str()))?;
    loop {
        let message = socket.read()?;
        let Message::Text(text) = message else {
            socket.flush()?;
            continue;
        };
        // Appends are by far the most, and the longest.
        if text.len() > 1000 {
            continue;
        }
        if text.contains("\"response.create\"") {
            writer.write_all(&script.burst)?;
        } else if text.contains("\"input_audio_buffer.commit\"") {
            socket.send(Message::text(script.committed.as_str()))?;
        }
    }
}

/// A text frame as a server sends it: whole, without a mask.
fn frame(text: &str) -> Vec<u8> {
    let len = text.len();
    let mut frame = vec![0x81];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => frame.push(len),
        (_, Ok(len)) => {
            frame.push(126);
            frame.extend(len.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(text.as_bytes());
    frame
}

/// Reads through a large buffer and writes past it.
struct Both(BufReader<TcpStream>);

impl std::io::Read for Both {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for Both {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.get_mut().flush()
    }
}
