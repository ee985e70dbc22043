//! From an event to the messages it is sent as.

use rt_protocol::client_event::{InputAudioBufferAppend, SessionInputAudioBufferAppend};
use rt_protocol::dialect::Warning;
use rt_protocol::limits::APPEND_BYTES;
use rt_protocol::{AudioBytes, ClientEvent, Field};

use super::Handle;
use crate::driver::Lane;
use crate::error::{Error, ErrorKind};
use crate::machine::{Kind, Message};
use crate::mirror::{Intent, prepare};

/// Audio larger than this is sent in pieces: a socket's buffer never shrinks again, and a piece is all that is
/// lost when it breaks. Even, so that no 16-bit sample is cut.
const PIECE: usize = 64 << 10;

impl Handle {
    /// The messages of an event, and what the server's dialect cannot say of it.
    pub(super) fn encode(&self, mut event: ClientEvent) -> Result<(Lane, Vec<Message>, Vec<Warning>), Error> {
        let mut warnings = Vec::new();
        if self.strict {
            check(&event)?;
        }
        if let ClientEvent::ConversationItemTruncate(truncate) = &event {
            self.check_truncation(&truncate.item_id)?;
        }
        let kind = Kind::of(&event);
        let event_type = kind.name();
        let messages: Vec<Message> = match event {
            ClientEvent::InputAudioBufferAppend(ref append) if append.audio.len() <= PIECE => {
                vec![self.whole_audio(append.audio.len(), event, kind)]
            }
            ClientEvent::SessionInputAudioBufferAppend(ref append) if append.audio.len() <= PIECE => {
                vec![self.whole_audio(append.audio.len(), event, kind)]
            }
            ClientEvent::InputAudioBufferAppend(append) => {
                let make = |(audio, event_id)| {
                    ClientEvent::InputAudioBufferAppend(InputAudioBufferAppend { event_id, audio })
                };
                let pieces = pieces(&append.audio, &append.event_id);
                pieces
                    .map(|piece| self.whole_audio(piece.0.len(), make(piece), kind))
                    .collect()
            }
            ClientEvent::SessionInputAudioBufferAppend(append) => {
                let make = |(audio, event_id)| {
                    ClientEvent::SessionInputAudioBufferAppend(SessionInputAudioBufferAppend {
                        event_id,
                        audio,
                    })
                };
                let pieces = pieces(&append.audio, &append.event_id);
                pieces
                    .map(|piece| self.whole_audio(piece.0.len(), make(piece), kind))
                    .collect()
            }
            _ => {
                prepare(&mut event, &mut || self.shared.new_id());
                let encoded = self.shared.translator.encode(&event);
                warnings = encoded.warnings;
                let Some(json) = encoded.json else {
                    let message = format!(
                        "{} does not exist in the dialect of the server",
                        event.event_type()
                    );
                    return Err(Error::new(ErrorKind::InvalidEvent, message));
                };
                vec![Message::control(json).of(kind, Intent::from(event))]
            }
        };
        let lane = if messages.iter().any(Message::is_audio) {
            Lane::Audio
        } else {
            Lane::Control
        };
        match messages
            .iter()
            .map(Message::len)
            .find(|len| *len > self.max_message)
        {
            None => Ok((lane, messages, warnings)),
            Some(len) => Err(Error::new(
                ErrorKind::MessageTooLarge,
                format!("{event_type} is {len} bytes, the limit is {}", self.max_message),
            )),
        }
    }
}

impl Handle {
    fn whole_audio(&self, bytes: usize, event: ClientEvent, kind: Kind) -> Message {
        let mut json = self.shared.spares.take();
        event.write_json(&mut json);
        Message::audio(json, bytes).of(kind, Intent::from(event))
    }
}

/// The documented limits.
fn check(event: &ClientEvent) -> Result<(), Error> {
    let checked = match event {
        // It goes out in pieces, which are far below the limit.
        ClientEvent::InputAudioBufferAppend(append) if append.audio.len() > APPEND_BYTES => Ok(()),
        other => other.check(),
    };
    checked.map_err(|error| {
        Error::new(
            ErrorKind::InvalidEvent,
            format!("{}: {error}", event.event_type()),
        )
    })
}

type Piece = (AudioBytes, Field<String>);

/// The audio in pieces of at most [`PIECE`] bytes. The first has the event's id.
fn pieces(audio: &AudioBytes, event_id: &Field<String>) -> impl Iterator<Item = Piece> {
    let bytes = audio.as_bytes().clone();
    let mut event_id = event_id.clone();
    let count = bytes.len().div_ceil(PIECE).max(1);
    (0..count).map(move |index| {
        let end = bytes.len().min((index + 1) * PIECE);
        (
            AudioBytes::from(bytes.slice(index * PIECE..end)),
            std::mem::take(&mut event_id),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_is_cut_into_pieces_that_add_up() {
        for (len, expected) in [(0, 1), (1, 1), (PIECE, 1), (PIECE + 1, 2), (3 * PIECE, 3)] {
            let whole: Vec<u8> = (0..len).map(|index| u8::try_from(index % 251).unwrap()).collect();
            let audio = AudioBytes::from(bytes_of(&whole));
            let parts: Vec<Piece> = pieces(&audio, &Field::Value("id".to_owned())).collect();
            assert_eq!(parts.len(), expected, "{len}");
            let joined: Vec<u8> = parts
                .iter()
                .flat_map(|(audio, _)| audio.as_bytes().to_vec())
                .collect();
            assert_eq!(joined, whole);
            assert_eq!(parts.iter().filter(|(_, id)| !id.is_absent()).count(), 1);
        }
    }

    fn bytes_of(bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }
}
