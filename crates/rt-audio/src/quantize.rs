//! From float to 16 bits: one rounding, saturating, with dither if that is wanted.

/// What has to be added before a float's low bits are the number rounded: halves go to the even one.
const ROUND: f32 = 12_582_912.0;

/// Appends samples as 16-bit little-endian bytes.
///
/// Full scale is 32,768, so that 16-bit input comes back bit for bit. Halves round to even, what lies
/// outside saturates, NaN becomes 0.
pub(crate) fn quantize_into(samples: &[f32], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + samples.len() * 2, 0);
    for (bytes, &sample) in out[start..].chunks_exact_mut(2).zip(samples) {
        bytes.copy_from_slice(&quantize(sample * 32_768.0).to_le_bytes());
    }
}

/// One sample, in steps of 16 bits. Without a branch or a call, so that many are done at once.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low 16 bits are the two's complement that is wanted, and those of NaN are 0"
)]
fn quantize(steps: f32) -> i16 {
    (steps.clamp(-32_768.0, 32_767.0) + ROUND).to_bits() as i16
}

/// Noise of triangular distribution, up to one step of 16 bits to either side. Added before the rounding, it
/// makes the error a steady noise at -93 dB that does not follow the signal.
#[derive(Debug, Clone)]
pub(crate) struct Dither {
    /// The generator's state, never 0.
    state: u64,
}

impl Dither {
    /// The same seed gives the same noise.
    pub(crate) fn new(seed: u64) -> Self {
        // Seeds are small numbers; their bits must be spread.
        let state = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { state: state.max(1) }
    }

    /// The next value, in steps.
    fn next(&mut self) -> f32 {
        // xorshift64*, the halves of whose result are two independent numbers.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let bits = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let (one, other) = ((bits >> 40) as f32, (bits >> 16 & 0xff_ffff) as f32);
        (one - other) / 16_777_216.0
    }

    /// As [`quantize_into`], with dither. With `exact`, what is a whole number of steps already stays as it
    /// is: samples that were nothing but copied.
    pub(crate) fn quantize_into(&mut self, samples: &[f32], exact: bool, out: &mut Vec<u8>) {
        out.reserve(samples.len() * 2);
        for &sample in samples {
            let (steps, noise) = (sample * 32_768.0, self.next());
            let keep = exact && steps == steps.trunc();
            out.extend(quantize(if keep { steps } else { steps + noise }).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_16_bit_value_comes_back() {
        for value in i16::MIN..=i16::MAX {
            assert_eq!(quantize(f32::from(value)), value);
            let mut bytes = Vec::new();
            Dither::new(3).quantize_into(&[f32::from(value) / 32_768.0], true, &mut bytes);
            assert_eq!(bytes, value.to_le_bytes());
        }
    }

    #[test]
    fn saturates_and_rounds() {
        let quantize = |sample: f32| quantize(sample * 32_768.0);
        assert_eq!(quantize(1.0), i16::MAX);
        assert_eq!(quantize(7.5), i16::MAX);
        assert_eq!(quantize(-1.0), i16::MIN);
        assert_eq!(quantize(-1.1), i16::MIN);
        assert_eq!(quantize(f32::INFINITY), i16::MAX);
        assert_eq!(quantize(f32::NEG_INFINITY), i16::MIN);
        assert_eq!(quantize(f32::NAN), 0);
        assert_eq!(quantize(0.4999 / 32_768.0), 0);
        assert_eq!(quantize(0.5 / 32_768.0), 0);
        assert_eq!(quantize(1.5 / 32_768.0), 2);
        assert_eq!(quantize(-1.5 / 32_768.0), -2);
    }

    #[test]
    fn bytes_are_little_endian() {
        let mut bytes = vec![9];
        quantize_into(&[0.5, -1.0 / 32_768.0], &mut bytes);
        assert_eq!(bytes, [9, 0x00, 0x40, 0xff, 0xff]);
    }

    #[test]
    fn dither_is_triangular_and_keeps_the_mean() {
        let mut dither = Dither::new(0);
        let values: Vec<f32> = (0..100_000).map(|_| dither.next()).collect();
        assert!(values.iter().all(|value| value.abs() < 1.0));
        let mean = values.iter().sum::<f32>() / 100_000.0;
        let square = values.iter().map(|value| value * value).sum::<f32>() / 100_000.0;
        assert!(
            mean.abs() < 0.01 && (square - 1.0 / 6.0).abs() < 0.005,
            "{mean} {square}"
        );
        // A level between two steps survives as the mean.
        let mut bytes = Vec::new();
        dither.quantize_into(&vec![0.3 / 32_768.0; 100_000], false, &mut bytes);
        let sum: i64 = bytes
            .chunks_exact(2)
            .map(|b| i64::from(i16::from_le_bytes([b[0], b[1]])))
            .sum();
        assert!((29_000..31_000).contains(&sum), "{sum}");
    }
}
