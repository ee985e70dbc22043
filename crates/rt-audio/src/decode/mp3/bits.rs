//! Reading bits, the highest of a byte first, with the position known. Behind the last bit are zeros without end.

/// Bits that a word is filled up to at least.
const FILLED: u32 = 56;

/// A position in a sequence of bits.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    /// The bytes from the first that is not wholly in the word.
    rest: &'a [u8],
    /// The next bits, the first one highest. Below those that count stand bits of the next byte, or zeros.
    word: u64,
    /// How many of them count.
    count: u32,
    /// The bits of all bytes, and the zeros that were read behind them.
    end: usize,
}

impl<'a> Bits<'a> {
    /// Starts at the first bit.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            word: 0,
            count: 0,
            end: bytes.len() * 8,
        }
    }

    /// Starts at this bit.
    pub(super) fn at(bytes: &'a [u8], position: usize) -> Self {
        let mut bits = Self::new(bytes);
        bits.rest = bytes.get(position / 8..).unwrap_or_default();
        bits.fill();
        (0..position % 8).for_each(|_| bits.skip(1));
        bits
    }

    /// How many bits were taken from the start on.
    pub(super) fn position(&self) -> usize {
        self.end - self.rest.len() * 8 - self.count as usize
    }

    /// Fills the word with at least 56 bits.
    #[inline(always)]
    pub(super) fn fill(&mut self) {
        if let Some(next) = self.rest.first_chunk() {
            self.word |= u64::from_be_bytes(*next) >> (self.count & 63);
            // The mask says what is so anyway, and saves a check.
            self.rest = &self.rest[((63 - self.count) >> 3 & 7) as usize..];
            self.count |= FILLED;
        } else {
            *self = self.filled_at_the_end();
        }
    }

    /// The same for the last seven bytes, and behind them.
    #[cold]
    #[inline(never)]
    fn filled_at_the_end(mut self) -> Self {
        while self.count < FILLED {
            if let [byte, rest @ ..] = self.rest {
                self.word |= u64::from(*byte) << (FILLED - self.count);
                self.rest = rest;
            } else {
                self.end += 8;
            }
            self.count += 8;
        }
        self
    }

    /// The next bits, 1 to 32, without taking them. So many must be in the word.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits at most")]
    pub(super) fn peek(&self, bits: u32) -> usize {
        (self.word >> ((64 - bits) & 63)) as usize
    }

    /// The highest bit of the word, as the sign of a 32-bit float.
    #[inline(always)]
    pub(super) fn sign(&self) -> u32 {
        (self.word >> 32) as u32 & 0x8000_0000
    }

    /// Takes up to 32 bits that are in the word.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        self.word <<= bits & 63;
        self.count -= bits;
    }

    /// The next bits, 32 at most, as a number.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits at most")]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        if bits == 0 {
            return 0;
        }
        self.fill();
        let value = self.peek(bits) as u32;
        self.skip(bits);
        value
    }

    /// The same for eight bits at most.
    #[expect(clippy::cast_possible_truncation, reason = "eight bits at most")]
    pub(super) fn small(&mut self, bits: u32) -> u8 {
        self.take(bits.min(8)) as u8
    }

    /// The next bit.
    pub(super) fn flag(&mut self) -> bool {
        self.take(1) == 1
    }
}

/// Writes bits, the highest first.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Writer(Vec<bool>);

#[cfg(test)]
impl Writer {
    /// The low bits of a number.
    pub(super) fn put(&mut self, value: u32, width: u32) -> &mut Self {
        self.0.extend(
            (0..width)
                .rev()
                .map(|bit| value.checked_shr(bit).is_some_and(|value| value & 1 == 1)),
        );
        self
    }

    /// What was written, with zeros to the end of the last byte.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            let bits = (0..8).zip(bits);
            bits.fold(0, |byte, (n, &bit)| byte | u8::from(bit) << (7 - n))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    fn numbers_of_any_width_and_zeros_behind_them() {
        let bytes: Vec<u8> = (1..=13_u32).map(|n| (n * 37 % 251) as u8).collect();
        let bit = |at: usize| {
            bytes
                .get(at / 8)
                .map_or(0, |byte| u32::from(byte >> (7 - at % 8) & 1))
        };
        for start in [0, 1, 7, 8, 50, 103, 104, 150] {
            let mut bits = Bits::at(&bytes, start);
            let mut at = start.min(104);
            assert!(start > 104 || bits.position() == start, "{start}");
            for width in [1, 0, 3, 9, 32, 13, 2, 31, 17, 8, 1] {
                let expected = (at..at + width).fold(0, |value, at| value << 1 | bit(at));
                assert_eq!(bits.take(width as u32), expected, "{width} bits at {at}");
                at += width;
                assert!(start > 104 || bits.position() == at, "{at}");
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = Writer::default().put(5, 3).put(1, 1).put(300, 9).bytes();
        let mut bits = Bits::new(&bytes);
        assert_eq!((bits.take(3), bits.flag(), bits.take(9)), (5, true, 300));
        assert_eq!(bits.small(3), 0);
    }
}
