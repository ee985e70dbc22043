//! Deltas to whole samples: a delta may end within a sample.

use bytes::{Bytes, BytesMut};
use rt_protocol::Pcm16;
use rt_protocol::server_event::ResponseOutputAudioDelta;

/// Puts the deltas of one content part after the other and gives them out as whole samples.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// The part the odd byte belongs to.
    part: (String, u32),
    odd: Option<u8>,
}

impl Samples {
    /// The whole samples that are there after this delta.
    pub(crate) fn of(&mut self, delta: &ResponseOutputAudioDelta) -> Pcm16 {
        if self.part.0 != delta.item_id || self.part.1 != delta.content_index {
            // The odd byte of another part is half a sample that will never be whole.
            *self = Self {
                part: (delta.item_id.clone(), delta.content_index),
                odd: None,
            };
        }
        let bytes = delta.delta.as_bytes();
        if self.odd.is_none() && bytes.len().is_multiple_of(2) {
            return whole(bytes.clone());
        }
        let mut joined = BytesMut::with_capacity(bytes.len() + 1);
        joined.extend(self.odd.take());
        joined.extend_from_slice(bytes);
        if !joined.len().is_multiple_of(2) {
            self.odd = joined.split_off(joined.len() - 1).first().copied();
        }
        whole(joined.freeze())
    }
}

fn whole(bytes: Bytes) -> Pcm16 {
    Pcm16::from_le_bytes(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_gives_the_same_samples() {
        let audio = Pcm16::from_samples(&(0..50).collect::<Vec<i16>>());
        for step in 1..7 {
            let mut samples = Samples::default();
            let pieces: Vec<Pcm16> = audio
                .as_bytes()
                .chunks(step)
                .map(|piece| {
                    samples.of(&ResponseOutputAudioDelta {
                        item_id: "item".into(),
                        delta: piece.to_vec().into(),
                        ..Default::default()
                    })
                })
                .collect();
            assert_eq!(Pcm16::concat(&pieces), audio, "{step} bytes a delta");
        }
    }

    #[test]
    fn half_a_sample_does_not_reach_the_next_part() {
        let mut samples = Samples::default();
        let mut delta = ResponseOutputAudioDelta {
            delta: vec![1, 0, 9].into(),
            ..Default::default()
        };
        assert_eq!(samples.of(&delta).to_samples(), [1]);
        delta.item_id = "next".into();
        delta.delta = vec![2, 0].into();
        assert_eq!(samples.of(&delta).to_samples(), [2]);
    }
}
