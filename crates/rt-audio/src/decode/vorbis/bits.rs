//! Reading bits, the lowest of a byte first.

/// Bits that a word is filled up to at least.
pub(super) const FILLED: u32 = 56;

/// A position in a sequence of bits.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    /// The bytes from the first that is not wholly in the word.
    rest: &'a [u8],
    /// The next bits, the first one lowest. Above those that count stand bits of the next byte, or zeros.
    word: u64,
    /// How many of them count.
    count: u32,
}

impl<'a> Bits<'a> {
    /// Starts at the first bit.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            word: 0,
            count: 0,
        }
    }

    /// Fills the word with at least 56 bits, if there are so many.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if let Some(next) = self.rest.first_chunk() {
            self.word |= u64::from_le_bytes(*next) << (self.count & 63);
            // The mask says what is so anyway, and saves a check.
            self.rest = &self.rest[((63 - self.count) >> 3 & 7) as usize..];
            self.count |= FILLED;
        } else {
            *self = self.filled_at_the_end();
        }
    }

    /// The same for the last seven bytes.
    #[cold]
    #[inline(never)]
    fn filled_at_the_end(mut self) -> Self {
        while self.count <= FILLED
            && let [byte, rest @ ..] = self.rest
        {
            self.word |= u64::from(*byte) << self.count;
            self.rest = rest;
            self.count += 8;
        }
        self
    }

    /// Drops all that is left: what is read behind the end of a packet fails, however short it is.
    pub(super) fn end(&mut self) {
        *self = Self::new(&[]);
    }

    /// Whether no bits are left.
    pub(super) fn is_at_end(&self) -> bool {
        self.count == 0 && self.rest.is_empty()
    }

    /// The next 32 bits, without taking them: as many of them as were filled, and any behind.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are wanted")]
    pub(super) fn ahead(&self) -> u32 {
        self.word as u32
    }

    /// Drops up to 32 bits that were looked at; `None` if there are not so many.
    #[inline(always)]
    pub(super) fn drop(&mut self, bits: u32) -> Option<()> {
        if bits > self.count {
            return None;
        }
        self.word >>= bits & 63;
        self.count -= bits;
        Some(())
    }

    /// The next bits, 32 at most, as a number; `None` if there are not so many.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are kept at most")]
    pub(super) fn take(&mut self, bits: u32) -> Option<u32> {
        self.fill();
        let value = self.word & ((1 << bits) - 1);
        self.drop(bits)?;
        Some(value as u32)
    }

    /// The next bit.
    pub(super) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// The next bits, eight at most, as a small number.
    #[expect(clippy::cast_possible_truncation, reason = "eight bits are kept at most")]
    pub(super) fn small(&mut self, bits: u32) -> Option<u8> {
        self.take(bits.min(8)).map(|value| value as u8)
    }
}

/// Writes bits, the lowest first.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Writer(Vec<bool>);

#[cfg(test)]
impl Writer {
    /// The low bits of a number.
    pub(super) fn put(&mut self, value: u32, width: u32) -> &mut Self {
        self.0.extend((0..width).map(|bit| value >> bit & 1 == 1));
        self
    }

    /// What was written, with zeros to the end of the last byte.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            (0..)
                .zip(bits)
                .fold(0, |byte, (n, &bit)| byte | u8::from(bit) << n)
        };
        self.0.chunks(8).map(byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_width() {
        let bytes = [
            0b1011_0101,
            0xff,
            0x00,
            0x12,
            0x34,
            0x56,
            0x78,
            0x9a,
            0xbc,
            0xde,
            0xf0,
            0x01,
        ];
        let mut bits = Bits::new(&bytes);
        assert_eq!(bits.take(1), Some(1));
        assert_eq!(bits.take(0), Some(0));
        assert_eq!(bits.take(3), Some(0b010));
        assert_eq!(bits.small(4), Some(0b1011));
        assert_eq!(bits.take(16), Some(0x00ff));
        bits.fill();
        assert_eq!(bits.ahead(), 0x7856_3412);
        assert_eq!(bits.take(32), Some(0x7856_3412));
        assert_eq!(bits.take(32), Some(0xf0de_bc9a));
        assert_eq!(bits.flag(), Some(true));
        assert_eq!(bits.ahead(), 0);
        assert_eq!(bits.take(8), None);
        assert!(!bits.is_at_end());
        assert_eq!(bits.take(7), Some(0));
        assert!(bits.is_at_end());
        assert_eq!(bits.flag(), None);
    }
}
