//! G.711 at 8 kHz to linear samples at 24 kHz and back: enough to hear speech in it and to answer in it.

/// Decodes one µ-law byte.
fn ulaw(byte: u8) -> i16 {
    let byte = !byte;
    let exponent = (byte >> 4) & 7;
    let magnitude = ((i16::from(byte & 0x0f) << 3) + 0x84) << exponent;
    if byte & 0x80 == 0 {
        magnitude - 0x84
    } else {
        0x84 - magnitude
    }
}

/// Decodes one A-law byte.
fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let exponent = (byte >> 4) & 7;
    let mantissa = i16::from(byte & 0x0f) << 4;
    let magnitude = if exponent == 0 {
        mantissa + 8
    } else {
        (mantissa + 0x108) << (exponent - 1)
    };
    if byte & 0x80 == 0 { -magnitude } else { magnitude }
}

/// The µ-law or A-law decoder.
fn decoder(a_law: bool) -> fn(u8) -> i16 {
    if a_law { alaw } else { ulaw }
}

/// Decodes bytes to 24 kHz; each sample is held for three.
pub(crate) fn decode(bytes: &[u8], a_law: bool) -> Vec<i16> {
    let decode = decoder(a_law);
    bytes.iter().flat_map(|&byte| [decode(byte); 3]).collect()
}

/// Encodes 24 kHz samples: the mean of each three, as the byte that decodes nearest to it.
pub(crate) fn encode(samples: &[i16], a_law: bool) -> Vec<u8> {
    let decode = decoder(a_law);
    let mut table: Vec<(i16, u8)> = (0..=255).map(|byte| (decode(byte), byte)).collect();
    table.sort_unstable();
    samples
        .chunks(3)
        .map(|three| {
            let sum: i32 = three.iter().map(|&sample| i32::from(sample)).sum();
            let mean = sum / i32::try_from(three.len()).unwrap_or(1);
            let above = table
                .partition_point(|&(value, _)| i32::from(value) < mean)
                .min(table.len() - 1);
            let below = above.saturating_sub(1);
            let distance = |index: usize| (i32::from(table[index].0) - mean).abs();
            if distance(below) < distance(above) {
                table[below].1
            } else {
                table[above].1
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(
            (ulaw(0xff), ulaw(0x7f), ulaw(0x00), ulaw(0x80)),
            (0, 0, -32_124, 32_124)
        );
        assert_eq!(
            (alaw(0xd5), alaw(0x55), alaw(0x2a), alaw(0xaa)),
            (8, -8, -32_256, 32_256)
        );
    }

    #[test]
    fn every_byte_survives_a_round_trip_in_value() {
        for a_law in [false, true] {
            for byte in 0..=255 {
                let samples = decode(&[byte], a_law);
                assert_eq!(samples.len(), 3);
                assert_eq!(
                    decode(&encode(&samples, a_law), a_law),
                    samples,
                    "{byte:#x} {a_law}"
                );
            }
        }
    }
}
