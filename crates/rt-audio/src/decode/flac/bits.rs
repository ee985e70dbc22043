//! Reading bits, the highest of a byte first.

/// What every failure here means.
pub(super) const SHORT: &str = "the frame ends early";

/// Bits that stay in the word beyond those that were asked for: a word is filled up to at least so many.
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
    fn fill(&mut self) {
        if let Some(next) = self.rest.first_chunk() {
            self.word |= u64::from_be_bytes(*next) >> (self.count & 63);
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
            self.word |= u64::from(*byte) << (FILLED - self.count);
            self.rest = rest;
            self.count += 8;
        }
        self
    }

    /// Drops up to 63 bits that are in the word.
    #[inline(always)]
    fn drop(&mut self, bits: u32) {
        self.word <<= bits;
        self.count -= bits;
    }

    /// The next bits, 32 at most, as an unsigned number.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "32 bits are kept at most")]
    pub(super) fn take(&mut self, bits: u32) -> Result<u32, &'static str> {
        self.fill();
        if bits > self.count {
            return Err(SHORT);
        }
        let value = (self.word >> 1) >> (63 - bits);
        self.drop(bits);
        Ok(value as u32)
    }

    /// The next bits, 32 at most, as a number in two's complement.
    #[inline(always)]
    pub(super) fn take_signed(&mut self, bits: u32) -> Result<i32, &'static str> {
        let value = self.take(bits)?;
        let unused = 32 - bits.clamp(1, 32);
        Ok((value << unused).cast_signed() >> unused)
    }

    /// Counts zeros up to the next one, which goes too.
    pub(super) fn zeros(&mut self) -> Result<u32, &'static str> {
        let mut zeros = 0;
        loop {
            self.fill();
            let here = self.word.leading_zeros();
            if here < self.count {
                // At the end of the bytes all 64 bits count, and a shift by so many is none.
                self.word = self.word << here << 1;
                self.count -= here + 1;
                return Ok(zeros + here);
            }
            if self.count == 0 {
                return Err(SHORT);
            }
            zeros += self.count;
            self.word = 0;
            self.count = 0;
        }
    }

    /// Reads numbers in Rice's code: zeros and a one, then so many low bits, below 31; the lowest is the sign.
    ///
    /// This is where most of the time goes. A word that was just filled holds two codes, unless they are long.
    #[inline]
    pub(super) fn rice(&mut self, low: u32, out: &mut [i32]) -> Result<(), &'static str> {
        let mut bits = *self;
        // So many zeros and fewer leave room for a second code as long.
        let most = (FILLED / 2).saturating_sub(low + 1);
        let (pairs, last) = out.as_chunks_mut::<2>();
        for pair in pairs {
            bits.fill();
            let first = bits.word.leading_zeros();
            let second = (bits.word << (first & 31) << (low + 1)).leading_zeros();
            if first < most && second < most && bits.count >= FILLED {
                *pair = [bits.short(first, low), bits.short(second, low)];
                continue;
            }
            (bits, pair[0]) = bits.long(low)?;
            (bits, pair[1]) = bits.long(low)?;
        }
        for sample in last {
            (bits, *sample) = bits.long(low)?;
        }
        *self = bits;
        Ok(())
    }

    /// One number that begins with so many zeros, below 28, all of which the word holds.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "31 bits are kept at most")]
    fn short(&mut self, zeros: u32, low: u32) -> i32 {
        let from_one = self.word << (zeros & 31);
        // The one in front of the low bits is a unit of the high ones too many.
        let with_one = (from_one >> (63 - low)) as u32;
        self.word = from_one << (low + 1);
        self.count -= zeros + low + 1;
        unfold((zeros.wrapping_sub(1) << low).wrapping_add(with_one))
    }

    /// One number of any length.
    #[inline(never)]
    fn long(mut self, low: u32) -> Result<(Self, i32), &'static str> {
        let folded = self.zeros()? << low | self.take(low)?;
        Ok((self, unfold(folded)))
    }
}

/// The number whose sign is in the lowest bit.
#[inline(always)]
fn unfold(folded: u32) -> i32 {
    (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a string of zeros and ones; what is missing of the last is 0.
    fn bytes(text: &str) -> Vec<u8> {
        let bits: Vec<u8> = text
            .bytes()
            .filter(|byte| *byte != b' ')
            .map(|byte| byte - b'0')
            .collect();
        let byte = |bits: &[u8]| {
            bits.iter()
                .enumerate()
                .fold(0, |byte, (n, bit)| byte | bit << (7 - n))
        };
        bits.chunks(8).map(byte).collect()
    }

    #[test]
    fn numbers_of_any_width() {
        let bytes = bytes("1 0 111 0000000000000001 10000000000000000000000000000000 01 11111 1010 0000");
        let mut bits = Bits::new(&bytes);
        assert_eq!(bits.take(1), Ok(1));
        assert_eq!(bits.take(0), Ok(0));
        assert_eq!(bits.take_signed(1), Ok(0));
        assert_eq!(bits.take_signed(3), Ok(-1));
        assert_eq!(bits.take(16), Ok(1));
        assert_eq!(bits.take_signed(32), Ok(i32::MIN));
        assert_eq!(bits.zeros(), Ok(1));
        assert_eq!(bits.take(5), Ok(31));
        assert_eq!(bits.take_signed(4), Ok(-6));
        assert_eq!(bits.take(9), Err(SHORT));
    }

    #[test]
    fn long_runs_of_zeros() {
        for zeros in [0, 1, 7, 55, 56, 57, 63, 64, 65, 200] {
            let bytes = bytes(&("0".repeat(zeros) + "1"));
            let mut bits = Bits::new(&bytes);
            assert_eq!(bits.zeros().unwrap() as usize, zeros);
            let mut bits = Bits::new(&bytes);
            let mut one = [0];
            bits.rice(0, &mut one).unwrap();
            let folded = i32::try_from(zeros).unwrap();
            assert_eq!(
                one[0],
                if folded % 2 == 0 {
                    folded / 2
                } else {
                    -(folded + 1) / 2
                }
            );
        }
        assert_eq!(Bits::new(&[0; 20]).zeros(), Err(SHORT));
        assert_eq!(Bits::new(&[0; 20]).rice(3, &mut [0; 4]), Err(SHORT));
        assert_eq!(Bits::new(&[]).take(1), Err(SHORT));
    }

    #[test]
    fn a_run_that_fills_the_whole_word() {
        // Seven bytes come with the first number, and the last two with the run.
        for (first, ones) in [(8, vec![1]), (16, vec![0, 1])] {
            let bytes = [vec![0xff; first / 8], vec![0; 7], ones].concat();
            let mut bits = Bits::new(&bytes);
            let all = u32::try_from((1_u64 << first) - 1).unwrap();
            assert_eq!(bits.take(u32::try_from(first).unwrap()), Ok(all));
            let run = u32::try_from(bytes.len() * 8 - first - 1).unwrap();
            assert_eq!(bits.zeros(), Ok(run));
            assert_eq!(bits.zeros(), Err(SHORT));
        }
    }

    #[test]
    fn codes_of_rice() {
        // 0, -1, 1, -2 and 2 with one low bit, then 17 = 001 00010 with five.
        let bytes = bytes("10 11 010 011 0010 01 00010");
        let mut bits = Bits::new(&bytes);
        let mut out = [9; 5];
        bits.rice(1, &mut out).unwrap();
        assert_eq!(out, [0, -1, 1, -2, 2]);
        bits.rice(5, &mut out[..1]).unwrap();
        assert_eq!(out[0], 17);
    }
}
