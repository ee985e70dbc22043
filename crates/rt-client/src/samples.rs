//! Deltas to whole samples: a delta may end within a sample.

use bytes::{Bytes, BytesMut};
use rt_protocol::Pcm16;
use rt_protocol::server_event::ResponseOutputAudioDelta;

/// Parts of which half a sample is kept; more than that are not under way at once.
const MAX_PARTS: usize = 64;

/// Gives out the deltas of each content part as whole samples.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Half samples, and the parts they belong to.
    odd: Vec<(String, u32, u8)>,
}

impl Samples {
    /// The whole samples that are there after this delta.
    pub(crate) fn of(&mut self, delta: &ResponseOutputAudioDelta) -> Pcm16 {
        let bytes = delta.delta.as_bytes();
        let odd = self.take(&delta.item_id, delta.content_index);
        if odd.is_none() && bytes.len().is_multiple_of(2) {
            return whole(bytes.clone());
        }
        let mut joined = BytesMut::with_capacity(bytes.len() + 1);
        joined.extend(odd);
        joined.extend_from_slice(bytes);
        if !joined.len().is_multiple_of(2)
            && let Some(byte) = joined.split_off(joined.len() - 1).first()
        {
            if self.odd.len() >= MAX_PARTS {
                self.odd.remove(0);
            }
            self.odd.push((delta.item_id.clone(), delta.content_index, *byte));
        }
        whole(joined.freeze())
    }

    fn take(&mut self, item_id: &str, content_index: u32) -> Option<u8> {
        let at = self
            .odd
            .iter()
            .position(|(item, index, _)| item == item_id && *index == content_index)?;
        Some(self.odd.swap_remove(at).2)
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
    fn half_a_sample_stays_with_its_part() {
        let mut samples = Samples::default();
        let mut of = |item_id: &str, bytes: Vec<u8>| {
            let delta = ResponseOutputAudioDelta {
                item_id: item_id.into(),
                delta: bytes.into(),
                ..Default::default()
            };
            samples.of(&delta).to_samples()
        };
        assert_eq!(of("one", vec![1, 0, 9]), [1]);
        assert_eq!(of("two", vec![2, 0]), [2]);
        assert_eq!(of("one", vec![0]), [9]);
    }
}
