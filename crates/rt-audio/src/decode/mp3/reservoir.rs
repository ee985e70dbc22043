//! The bits of a frame may begin in frames before it: what those left unused is kept.

/// The most bytes that a frame can reach back.
const REACH: usize = 511;

/// The bytes in which the bits of frames stand, without headers.
#[derive(Default)]
pub(super) struct Reservoir {
    /// What was not used before; while a frame is decoded, what belongs to it.
    bytes: Vec<u8>,
}

impl Reservoir {
    /// Adds the bytes of a frame that begins so many bytes in front of them. Returns whether those are there; if not, the
    /// bytes are kept all the same, for the next frames.
    pub(super) fn begin(&mut self, back: usize, bytes: &[u8]) -> bool {
        let kept = self.bytes.len();
        self.bytes.drain(..kept.saturating_sub(back));
        self.bytes.extend_from_slice(bytes);
        back <= kept
    }

    /// The bytes of the frame.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Ends the frame, which has used so many bits.
    pub(super) fn end(&mut self, used: usize) {
        let len = self.bytes.len();
        let used = used.div_ceil(8).min(len).max(len.saturating_sub(REACH));
        self.bytes.drain(..used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_found_again_and_nothing_else() {
        let mut reservoir = Reservoir::default();
        assert!(reservoir.begin(0, &[1, 2, 3, 4]));
        assert_eq!(reservoir.bytes(), [1, 2, 3, 4]);
        reservoir.end(9);
        assert!(reservoir.begin(1, &[5, 6]));
        assert_eq!(reservoir.bytes(), [4, 5, 6]);
        reservoir.end(0);
        // It was used by the frame before.
        assert!(!reservoir.begin(4, &[7]));
        reservoir.end(0);
        assert!(reservoir.begin(4, &[8]));
        assert_eq!(reservoir.bytes(), [4, 5, 6, 7, 8]);
    }

    #[test]
    fn no_more_is_kept_than_can_be_reached() {
        let mut reservoir = Reservoir::default();
        for n in 0..10 {
            reservoir.begin(REACH, &[n; 400]);
            reservoir.end(0);
            assert!(reservoir.bytes().len() <= REACH);
        }
        reservoir.end(usize::MAX);
        assert!(reservoir.bytes().is_empty());
    }
}
