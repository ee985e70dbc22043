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
    /// This is where most of the time goes. With a known number of low bits nearly all shifts are by constants.
    pub(super) fn rice(&mut self, low: u32, out: &mut [i32]) -> Result<(), &'static str> {
        let mut bits = *self;
        macro_rules! of_low {
            ($($low:literal: $together:literal)*) => {
                match low {
                    $($low => bits.rice_of::<$low, $together>(out)?,)*
                    _ => bits = bits.after_rice_of_any(low, out)?,
                }
            };
        }
        of_low!(0: 4 1: 4 2: 4 3: 4 4: 4 5: 3 6: 3 7: 3 8: 3 9: 3 10: 3 11: 2 12: 2 13: 2 14: 2 15: 2);
        *self = bits;
        // Many signs at once, in a loop of their own.
        for sample in out {
            *sample = unfold(sample.cast_unsigned());
        }
        Ok(())
    }

    /// Reads folded numbers, so many together: unless they are long, a word that was just filled holds them.
    #[inline(never)]
    #[expect(clippy::cast_possible_truncation, reason = "fewer than 32 bits are kept")]
    fn rice_of<const LOW: u32, const TOGETHER: usize>(
        &mut self,
        out: &mut [i32],
    ) -> Result<(), &'static str> {
        // A code with fewer zeros leaves room for the others; in front of one with more, the word is less than this.
        let zeros = FILLED / TOGETHER as u32 - LOW;
        let least = 1_u64 << (64 - zeros);
        let mut bits = *self;
        let (groups, last) = out.as_chunks_mut::<TOGETHER>();
        'groups: for group in groups {
            bits.fill();
            let (mut word, mut used) = (bits.word, 0);
            for sample in group.iter_mut() {
                if word < least {
                    bits = bits.after_rice_of_any(LOW, group)?;
                    continue 'groups;
                }
                let zeros = word.leading_zeros();
                let from_one = word << (zeros & 31);
                // The one in front of the low bits is a unit of the high ones too many.
                let with_one = (from_one >> (63 - LOW)) as u32;
                *sample = ((zeros << LOW) + with_one - (1 << LOW)).cast_signed();
                word = from_one << (LOW + 1);
                used += zeros;
            }
            used += (LOW + 1) * TOGETHER as u32;
            if used > bits.count {
                bits = bits.after_rice_of_any(LOW, group)?;
                continue;
            }
            bits.word = word;
            bits.count -= used;
        }
        *self = bits.after_rice_of_any(LOW, last)?;
        Ok(())
    }

    /// Reads folded numbers of any length, one by one; returns the position behind them. By value, as one that is
    /// pointed to could not stay in registers.
    #[inline(never)]
    fn after_rice_of_any(mut self, low: u32, out: &mut [i32]) -> Result<Self, &'static str> {
        for sample in out {
            *sample = (self.zeros()? << low | self.take(low)?).cast_signed();
        }
        Ok(self)
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

    /// Numbers of all sizes, and the end of the bytes anywhere.
    #[test]
    fn rice_codes_of_every_parameter() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 4
        };
        for low in 0..31 {
            let most = u32::try_from((8_u64 << low) - 1).unwrap_or(u32::MAX);
            let folded: Vec<u32> = (0..203)
                .map(|_| (next() >> (next() % 6)) & most & (u32::MAX >> (next() % 8)))
                .collect();
            let code = |number: &u32| {
                let (zeros, rest) = ((number >> low) as usize, number & ((1 << low) - 1));
                let rest = if low == 0 {
                    String::new()
                } else {
                    format!("{rest:0width$b}", width = low as usize)
                };
                "0".repeat(zeros) + "1" + &rest
            };
            let codes: Vec<String> = folded.iter().map(code).collect();
            let wanted: Vec<i32> = folded.iter().map(|number| unfold(*number)).collect();
            let bytes = bytes(&codes.concat());
            let mut out = vec![0; folded.len()];
            Bits::new(&bytes).rice(low, &mut out).unwrap();
            assert_eq!(out, wanted, "{low}");
            for cut in 0..bytes.len() {
                let mut ends = codes.iter().scan(0, |end, code| {
                    *end += code.len();
                    Some(*end)
                });
                let whole = ends.position(|end| end > 8 * cut).unwrap();
                let mut bits = Bits::new(&bytes[..cut]);
                let mut out = vec![0; whole];
                bits.rice(low, &mut out).unwrap();
                assert_eq!(out, wanted[..whole], "{low}, {cut} bytes");
                assert_eq!(
                    Bits::new(&bytes[..cut]).rice(low, &mut vec![0; whole + 1]),
                    Err(SHORT)
                );
            }
        }
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
