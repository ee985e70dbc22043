//! G.711: 8 bits of telephone speech to 16.

/// A sample of A-law.
pub(crate) fn decode_a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let exponent = (code >> 4) & 7;
    let mantissa = i16::from(code & 0x0f) << 4;
    let magnitude = match exponent {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// A sample of mu-law.
pub(crate) fn decode_mu_law(code: u8) -> i16 {
    let code = !code;
    let exponent = (code >> 4) & 7;
    let magnitude = (((i16::from(code & 0x0f) << 3) + 0x84) << exponent) - 0x84;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes() {
        // From the tables of the recommendation, scaled to 16 bits.
        let a_law = [
            (0xd5, 8),
            (0x55, -8),
            (0xaa, 32_256),
            (0x2a, -32_256),
            (0xd4, 24),
            (0x80, 5_504),
        ];
        for (code, value) in a_law {
            assert_eq!(decode_a_law(code), value, "A-law {code:#x}");
        }
        let mu_law = [
            (0xff, 0),
            (0x7f, 0),
            (0x80, 32_124),
            (0x00, -32_124),
            (0xfe, 8),
            (0x7e, -8),
        ];
        for (code, value) in mu_law {
            assert_eq!(decode_mu_law(code), value, "mu-law {code:#x}");
        }
    }

    #[test]
    fn codes_are_symmetric_and_differ() {
        for code in 0..=127u8 {
            assert_eq!(decode_a_law(code), -decode_a_law(code | 0x80));
            assert_eq!(decode_mu_law(code), -decode_mu_law(code | 0x80));
        }
        let mut values: Vec<i16> = (0..=255).map(decode_a_law).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 256);
    }
}
