//! Numbers of plain JSON.

use super::{Refused, Result};

/// The number at `at`, of digits only, and the position behind it.
pub(super) fn digits(bytes: &[u8], at: usize) -> Result<(u64, usize)> {
    let mut end = at;
    let mut number = 0_u64;
    while let Some(digit) = bytes
        .get(end)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit < 10)
    {
        // Too large a number is refused below, whatever became of it here.
        number = number.wrapping_mul(10).wrapping_add(digit.into());
        end += 1;
    }
    match end - at {
        1 => Ok((number, end)),
        2..=17 if bytes[at] != b'0' => Ok((number, end)),
        _ => Err(Refused),
    }
}

/// A whole part and a fraction, which begins with the point, if they are below 2^32 when the point is left out: the quotient of
/// two numbers that floats have exactly, and so rounded correctly.
pub(super) fn short_decimal(whole: u64, fraction: &[u8]) -> Option<f64> {
    const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    let (b'.', digits) = fraction.split_first()? else {
        return None;
    };
    let power = POWERS.get(digits.len())?;
    let mut all = u32::try_from(whole).ok()?;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        all = all.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some(f64::from(all) / power)
}

/// The position behind the digits at `at`, of which there is at least one.
pub(super) fn digits_end(bytes: &[u8], at: usize) -> Result<usize> {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
        0 => Err(Refused),
        count => Ok(at + count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_decimals_are_what_the_standard_library_makes_of_them() {
        let whole = [0_u64, 1, 7, 24, 999, 65_536, 4_294_967];
        let fractions = ["0", "1", "5", "05", "25", "333", "9999", "000001", "123456789"];
        let mut taken = 0;
        for whole in whole {
            for fraction in fractions {
                let text = format!(".{fraction}");
                if let Some(number) = short_decimal(whole, text.as_bytes()) {
                    let expected: f64 = format!("{whole}{text}").parse().unwrap();
                    assert_eq!(number.to_bits(), expected.to_bits(), "{whole}{text}");
                    taken += 1;
                }
            }
        }
        assert!(taken > 40, "{taken}");
        assert_eq!(short_decimal(4_294_967_295, b".0"), None, "too many digits");
        assert_eq!(short_decimal(0, b".0000000000"), None, "too small a power");
        assert_eq!(short_decimal(1, b".5e3"), None, "an exponent");
        assert_eq!(short_decimal(1, b"e3"), None, "no fraction");
    }
}
