//! From float to 16 bits: one rounding, saturating.

/// Appends samples as 16-bit little-endian bytes.
///
/// Full scale is 32,768, so that 16-bit input comes back bit for bit. Halves round to even, what lies
/// outside saturates, NaN becomes 0.
pub(crate) fn quantize_into(samples: &[f32], out: &mut Vec<u8>) {
    out.reserve(samples.len() * 2);
    out.extend(samples.iter().flat_map(|&sample| quantize(sample).to_le_bytes()));
}

/// One sample.
#[expect(
    clippy::cast_possible_truncation,
    reason = "float to integer casts saturate, which is wanted"
)]
fn quantize(sample: f32) -> i16 {
    (sample * 32_768.0).round_ties_even() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_16_bit_value_comes_back() {
        for value in i16::MIN..=i16::MAX {
            assert_eq!(quantize(f32::from(value) / 32_768.0), value);
        }
    }

    #[test]
    fn saturates_and_rounds() {
        assert_eq!(quantize(1.0), i16::MAX);
        assert_eq!(quantize(7.5), i16::MAX);
        assert_eq!(quantize(-1.0), i16::MIN);
        assert_eq!(quantize(-1.1), i16::MIN);
        assert_eq!(quantize(f32::INFINITY), i16::MAX);
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
}
