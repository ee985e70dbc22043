//! G.711, the 8-bit samples of telephony: A-law and mu-law, `audio/pcma` and `audio/pcmu` in a session.
//!
//! The 13 and 14 bits of the recommendation are the high bits of 16, as everywhere in software. Encoding
//! takes the code whose value is nearest, as ffmpeg does; at the edges of the segments that is up to 8
//! (of 32,768) away from the decision values of the recommendation. A code that is decoded and encoded
//! again is itself, except that mu-law has two codes for 0.
//!
//! ```
//! use rt_protocol::g711;
//! let code = g711::linear_to_mu_law(-1000);
//! assert_eq!(g711::mu_law_to_linear(code), -988);
//! ```

/// What turns the bits of an A-law code round, positive ones first.
const A_LAW_MASK: u8 = 0xd5;

/// What turns the bits of a mu-law code round.
const MU_LAW_MASK: u8 = 0xff;

/// The bit of the sign.
const SIGN: u8 = 0x80;

/// The sample of an A-law code: from -32,256 to 32,256, never 0.
#[must_use]
#[inline]
pub const fn a_law_to_linear(code: u8) -> i16 {
    let code = code ^ A_LAW_MASK;
    let mantissa = ((code & 0x0f) as i16) << 4;
    let magnitude = match (code >> 4) & 7 {
        0 => mantissa + 8,
        exponent => (mantissa + 0x108) << (exponent - 1),
    };
    if code & SIGN == 0 { magnitude } else { -magnitude }
}

/// The sample of a mu-law code: from -32,124 to 32,124.
#[must_use]
#[inline]
pub const fn mu_law_to_linear(code: u8) -> i16 {
    let code = code ^ MU_LAW_MASK;
    let exponent = (code >> 4) & 7;
    let magnitude = (((((code & 0x0f) as i16) << 3) + 0x84) << exponent) - 0x84;
    if code & SIGN == 0 { magnitude } else { -magnitude }
}

/// The A-law code nearest to a sample.
#[must_use]
#[inline]
pub const fn linear_to_a_law(sample: i16) -> u8 {
    encode(&A_LAW, A_LAW_MASK, sample)
}

/// The mu-law code nearest to a sample.
#[must_use]
#[inline]
pub const fn linear_to_mu_law(sample: i16) -> u8 {
    encode(&MU_LAW, MU_LAW_MASK, sample)
}

/// Codes without sign and mask, for the 13 bits of a magnitude.
type Codes = [u8; 8192];

static A_LAW: Codes = codes(A_LAW_MASK);
static MU_LAW: Codes = codes(MU_LAW_MASK);

/// For each magnitude, the code of the nearest value.
const fn codes(mask: u8) -> Codes {
    let mut codes = [127; 8192];
    let (mut code, mut magnitude) = (0u8, 0);
    while code < 127 {
        let (low, high) = if mask == A_LAW_MASK {
            (a_law_to_linear(code ^ mask), a_law_to_linear((code + 1) ^ mask))
        } else {
            (mu_law_to_linear(code ^ mask), mu_law_to_linear((code + 1) ^ mask))
        };
        // Half way between the two, in steps of 4, rounded up from a half.
        let border = (low.unsigned_abs() as usize + high.unsigned_abs() as usize + 4) >> 3;
        while magnitude < border {
            codes[magnitude] = code;
            magnitude += 1;
        }
        code += 1;
    }
    codes
}

/// The code of a sample. Its two low bits are below the resolution of both laws.
#[inline]
const fn encode(codes: &Codes, mask: u8, sample: i16) -> u8 {
    let magnitude = (sample >> 2).unsigned_abs() as usize;
    // The lowest number has no counterpart.
    let magnitude = if magnitude == codes.len() {
        magnitude - 1
    } else {
        magnitude
    };
    let code = codes[magnitude] ^ mask;
    if sample < 0 { code ^ SIGN } else { code }
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
            assert_eq!(a_law_to_linear(code), value, "A-law {code:#x}");
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
            assert_eq!(mu_law_to_linear(code), value, "mu-law {code:#x}");
        }
    }

    #[test]
    fn codes_are_symmetric_and_differ() {
        for code in 0..=127u8 {
            assert_eq!(a_law_to_linear(code), -a_law_to_linear(code | 0x80));
            assert_eq!(mu_law_to_linear(code), -mu_law_to_linear(code | 0x80));
        }
        let mut values: Vec<i16> = (0..=255).map(a_law_to_linear).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 256);
    }

    #[test]
    fn a_code_encoded_again_is_itself() {
        for code in 0..=255 {
            assert_eq!(linear_to_a_law(a_law_to_linear(code)), code, "A-law {code:#x}");
            let again = linear_to_mu_law(mu_law_to_linear(code));
            // Of the two zeros the positive one is written.
            assert_eq!(again, if code == 0x7f { 0xff } else { code }, "mu-law {code:#x}");
        }
    }

    #[test]
    fn every_sample_gets_the_nearest_value() {
        type Law = (fn(i16) -> u8, fn(u8) -> i16);
        let laws: [Law; 2] = [
            (linear_to_a_law, a_law_to_linear),
            (linear_to_mu_law, mu_law_to_linear),
        ];
        for (encode, decode) in laws {
            let values: Vec<i32> = (0..=255).map(|code| decode(code).into()).collect();
            for sample in i16::MIN..=i16::MAX {
                let error = (i32::from(sample) - i32::from(decode(encode(sample)))).abs();
                let least = values.iter().map(|value| (i32::from(sample) - value).abs()).min();
                // The two low bits of a sample do not count.
                assert!(error <= least.unwrap_or_default() + 6, "{sample}");
            }
        }
    }
}
