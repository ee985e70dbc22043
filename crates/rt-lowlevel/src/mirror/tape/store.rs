//! Where the audio of a tape lies.

use bytes::{Bytes, BytesMut};

/// Blocks hold so many pieces like the one they are made for.
const PIECES: usize = 4;
/// The smallest and the largest block that is made for more than one piece.
const LEAST: usize = 4 << 10;
const MOST: usize = 64 << 10;

/// Copies pieces of audio together into blocks. What is on the tape may stay there for a while: it neither keeps the buffer
/// that the user cut it from, nor is it strewn among what is allocated and freed with every message.
#[derive(Debug, Clone, Default)]
pub(super) struct Store {
    /// The rest of the last block.
    rest: BytesMut,
}

impl Store {
    pub(super) fn keep(&mut self, audio: &[u8]) -> Bytes {
        if self.rest.capacity() < audio.len() {
            let block = audio.len().saturating_mul(PIECES).clamp(LEAST, MOST);
            self.rest = BytesMut::with_capacity(block.max(audio.len()));
        }
        self.rest.extend_from_slice(audio);
        self.rest.split().freeze()
    }

    /// Nothing is kept any more, nor room for it.
    pub(super) fn clear(&mut self) {
        self.rest = BytesMut::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_lie_together() {
        let mut store = Store::default();
        let pieces: Vec<Bytes> = (0..12).map(|n| store.keep(&[n; 960])).collect();
        for (n, piece) in (0..).zip(&pieces) {
            assert_eq!(piece, &vec![n; 960]);
        }
        let neighbours = pieces.windows(2);
        let apart = neighbours.filter(|pair| pair[0].as_ptr_range().end != pair[1].as_ptr());
        assert_eq!(apart.count(), 2, "in three blocks");
    }

    #[test]
    fn every_size_is_kept() {
        let mut store = Store::default();
        for len in [0, 1, LEAST, 3, MOST, MOST + 1, 5, 1 << 20] {
            let audio = vec![7; len];
            assert_eq!(store.keep(&audio), audio);
        }
    }

    #[test]
    fn what_a_piece_was_cut_from_is_not_kept() {
        let whole = Bytes::from(vec![1; 1 << 20]);
        let mut store = Store::default();
        let piece = store.keep(&whole.slice(10..970));
        assert!(whole.is_unique());
        assert_eq!(piece.len(), 960);
    }

    #[test]
    fn no_room_is_left_when_it_is_cleared() {
        let mut store = Store::default();
        store.keep(&[1; 100]);
        assert!(store.rest.capacity() > 0);
        store.clear();
        assert_eq!(store.rest.capacity(), 0);
    }
}
