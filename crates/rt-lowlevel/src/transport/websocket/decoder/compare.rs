//! The decoder beside tungstenite's own reader, for the fuzz target and for a test.

use std::io::Cursor;

use super::{Decoder, Incoming};

/// Fails unless these bytes, in pieces of this size, give the messages that tungstenite's own reader makes of them.
pub(in super::super) fn compare(bytes: &[u8], step: usize) {
    const LIMIT: usize = 4096;
    let mut decoder = Decoder::new(&[], 1024, LIMIT);
    let mut ours = Vec::new();
    'pieces: for piece in bytes.chunks(step.max(1)) {
        decoder.room().extend_from_slice(piece);
        loop {
            match decoder.decode() {
                Ok(Some(incoming)) => ours.push(match incoming {
                    Incoming::Text(text) => format!("text {text}"),
                    Incoming::Binary(length) => format!("binary {length}"),
                    Incoming::Ping(payload) => format!("ping {payload:?}"),
                    Incoming::Pong(payload) => format!("pong {payload:?}"),
                    Incoming::Close(close) => {
                        // A frame without a code, or one that says the code that stands for none.
                        let said = (decoder.spent > 0).then_some((close.code.as_u16(), &*close.reason));
                        ours.push(close_text(said));
                        break 'pieces;
                    }
                }),
                Ok(None) => break,
                Err(_) => break 'pieces,
            }
        }
    }
    assert_eq!(ours, theirs(bytes, LIMIT));
}

/// What tungstenite makes of these bytes.
fn theirs(bytes: &[u8], limit: usize) -> Vec<String> {
    use tungstenite::protocol::{Message, Role, WebSocket, WebSocketConfig};

    /// Reads the bytes, and forgets what is written.
    struct Line<'a>(Cursor<&'a [u8]>);

    impl std::io::Read for Line<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(into)
        }
    }

    impl std::io::Write for Line<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let config = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let mut socket = WebSocket::from_raw_socket(Line(Cursor::new(bytes)), Role::Client, Some(config));
    let mut messages = Vec::new();
    loop {
        messages.push(match socket.read() {
            Ok(Message::Text(text)) => format!("text {}", text.as_str()),
            Ok(Message::Binary(payload)) => format!("binary {}", payload.len()),
            Ok(Message::Ping(payload)) => format!("ping {:?}", payload.to_vec()),
            Ok(Message::Pong(payload)) => format!("pong {:?}", payload.to_vec()),
            Ok(Message::Close(None)) => {
                messages.push(close_text(None));
                return messages;
            }
            Ok(Message::Close(Some(close))) => {
                messages.push(close_text(Some((close.code.into(), close.reason.as_str()))));
                return messages;
            }
            Ok(Message::Frame(_)) | Err(_) => return messages,
        });
    }
}

/// A close in a few words. Of codes that nobody may send tungstenite makes another, with a reason of its own.
fn close_text(said: Option<(u16, &str)>) -> String {
    use tungstenite::protocol::frame::coding::CloseCode as Theirs;
    match said {
        None => "close".to_owned(),
        Some((code, _)) if !Theirs::from(code).is_allowed() => "close 1002 Protocol violation".to_owned(),
        Some((code, reason)) => format!("close {code} {reason}"),
    }
}
