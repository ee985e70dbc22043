//! Frames of which bytes are changed at random, behind and in front of whole ones.
//!
//! `PROPTEST_CASES=6000 cargo test -p rt-audio --all-features --lib mp3::tests::damage` tries so many (256 otherwise).

use proptest::prelude::*;

use super::*;

proptest! {
    /// Damage is an error or noise: of the length that the header says, and every sample is a number.
    #[test]
    fn damage_is_no_panic(
        seed in any::<u32>(),
        rate_index in 0_usize..9,
        mode in prop::sample::select(&[MONO, STEREO, MID_SIDE, INTENSITY, BOTH][..]),
        changes in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), any::<u8>()), 1..8),
        mono in any::<bool>(),
    ) {
        let mut random = Random(seed);
        let kind = Kind { rate_index, mode, mixed: true, apart: true };
        let mut frames = [0; 4].map(|_| kind.frame(&mut random));
        for (front, at, byte) in changes {
            // Half of the changes hit what says how bits are to be read.
            let at = if front { at.index(36) } else { at.index(frames[1].len()) };
            frames[1][at] = byte;
        }
        let (mut mp3, mut samples) = (Mp3::new(mono), Vec::new());
        for frame in frames {
            if let Ok((_, layout)) = mp3.decode(&frame, &mut samples) {
                let granules = Header::read(&frame).map_or(0, |header| header.granules());
                prop_assert_eq!(samples.len(), granules * LINES * layout.channels());
                prop_assert!(samples.iter().all(|sample| sample.is_finite()));
            }
        }
    }
}
