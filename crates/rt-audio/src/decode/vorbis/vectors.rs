//! Vectors that the numbers of a codebook stand for.

use super::bits::Bits;
use super::codebook::Budget;

/// All vectors of a book.
pub(super) struct Vectors {
    /// Entries, used or not.
    entries: usize,
    /// Places of a vector.
    dimensions: usize,
    /// Whether each place has a number of its own; otherwise all places take theirs from the same list.
    tabled: bool,
    /// The least value.
    least: f32,
    /// The step between values.
    step: f32,
    /// Whether each place adds to the one before.
    sums: bool,
    /// The numbers.
    numbers: Vec<u16>,
    /// How vectors are made of halves, if these are kept.
    halves: Option<Halves>,
    /// The vectors, once they were needed, or the halves that they are made of: those of long vectors stay in the first
    /// cache, and all vectors would not.
    all: Vec<f32>,
}

impl Vectors {
    /// Reads what they are made of, and takes what they have from the budget of the stream.
    pub(super) fn read(
        bits: &mut Bits<'_>,
        tabled: bool,
        (entries, dimensions): (usize, usize),
        budget: &mut Budget,
    ) -> Option<Self> {
        budget.values = budget.values.checked_sub(entries * dimensions)?;
        let (least, step) = (unpack(bits.take(32)?), unpack(bits.take(32)?));
        // The exponent goes beyond that of floats: sums of such numbers are none.
        if !least.is_finite() || !step.is_finite() {
            return None;
        }
        let width = bits.take(4)? + 1;
        let sums = bits.flag()?;
        let count = if tabled {
            entries * dimensions
        } else {
            root(entries, dimensions)
        };
        let number = |_| bits.take(width).and_then(|number| u16::try_from(number).ok());
        let numbers: Vec<u16> = (0..count).map(number).collect::<Option<_>>()?;
        // Both halves of a long vector are made of the same numbers, unless one of these rules is different.
        let alike = !tabled && !sums && dimensions > 4 && dimensions.is_multiple_of(2);
        let halves = alike.then(|| Halves::new(count, dimensions / 2)).flatten();
        Some(Self {
            entries,
            dimensions,
            tabled,
            least,
            step,
            sums,
            numbers,
            halves,
            all: Vec::new(),
        })
    }

    /// Makes them, unless they were made before.
    #[inline(always)]
    pub(super) fn prepare(&mut self) {
        if self.all.is_empty() {
            self.make();
        }
    }

    /// Makes them.
    #[cold]
    fn make(&mut self) {
        let count = self.numbers.len();
        if count == 0 {
            return;
        }
        let (entries, dimensions) = match self.halves {
            Some(halves) => (halves.count as usize, self.dimensions / 2),
            None => (self.entries, self.dimensions),
        };
        self.all.reserve_exact(entries * dimensions);
        // Where each place of the vector stands in the list.
        let mut digits = vec![0; dimensions];
        for entry in 0..entries {
            let mut last = 0.0;
            for (place, &digit) in digits.iter().enumerate() {
                let at = if self.tabled {
                    entry * dimensions + place
                } else {
                    digit
                };
                let value = f32::from(self.numbers[at]) * self.step + self.least + last;
                if self.sums {
                    last = value;
                }
                self.all.push(value);
            }
            for digit in &mut digits {
                *digit += 1;
                if *digit < count {
                    break;
                }
                *digit = 0;
            }
        }
    }

    /// All of them, or all halves, one behind the other; none if they were not prepared.
    #[inline(always)]
    pub(super) fn all(&self) -> &[f32] {
        &self.all
    }

    /// How they are made of halves, if these are kept.
    #[inline(always)]
    pub(super) fn halves(&self) -> Option<Halves> {
        self.halves
    }
}

/// How vectors are made of halves.
#[derive(Clone, Copy)]
pub(super) struct Halves {
    /// How many different ones there are.
    count: u32,
    /// 2^32 divided by that, rounded up. Quotients of entries, which are below 2^17, are exact, as their product with the
    /// count, which is below 2^9, is below 2^32.
    reciprocal: u64,
}

impl Halves {
    /// Halves of so many places, each of which has one of so many numbers.
    fn new(numbers: usize, places: usize) -> Option<Self> {
        let numbers = u32::try_from(numbers).ok()?;
        let count = numbers.checked_pow(u32::try_from(places).ok()?)?;
        (count > 0).then(|| Self {
            count,
            reciprocal: u64::from(u32::MAX / count) + 1,
        })
    }

    /// The two halves of an entry's vector.
    #[inline(always)]
    pub(super) fn of(self, entry: u32) -> (usize, usize) {
        let quotient = ((u64::from(entry) * self.reciprocal) >> 32) as u32;
        let first = entry - quotient * self.count;
        // Entries beyond all vectors begin with the first one again.
        let second = if quotient < self.count {
            quotient
        } else {
            quotient % self.count
        };
        (first as usize, second as usize)
    }
}

/// The greatest number whose power of so many dimensions is not above the number of entries.
fn root(entries: usize, dimensions: usize) -> usize {
    let fits = |number: usize| {
        let power = u32::try_from(dimensions)
            .ok()
            .and_then(|by| number.checked_pow(by));
        power.is_some_and(|power| power <= entries)
    };
    if dimensions == 1 {
        return entries;
    }
    // With two dimensions it is below 2^9.
    (1..=512).take_while(|&number| fits(number)).last().unwrap_or(0)
}

/// A number of the format's own kind: 21 bits, an exponent of two, and a sign.
#[expect(clippy::cast_possible_truncation, reason = "it is a number of 32 bits")]
fn unpack(bits: u32) -> f32 {
    let exponent = i32::try_from(bits >> 21 & 0x3ff).unwrap_or_default() - 788;
    let value = (f64::from(bits & 0x1f_ffff) * 2_f64.powi(exponent)) as f32;
    if bits >> 31 == 1 { -value } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::vorbis::bits::Writer;
    use crate::decode::vorbis::codebook::{Codebook, MOST};

    #[test]
    fn vectors_without_an_end_are_refused() {
        let read = |least, step| {
            let mut writer = Writer::default();
            writer.put(0x56_4342, 24).put(1, 16).put(2, 24);
            writer.put(0, 2).put(0, 5).put(0, 5).put(1, 4);
            writer.put(least, 32).put(step, 32).put(0, 4).put(0, 1).put(2, 2);
            Codebook::read(&mut Bits::new(&writer.bytes()), &mut Budget::default()).is_some()
        };
        let (one, infinite) = (788 << 21 | 1, 0x3ff << 21 | 1);
        assert!(read(one, one));
        assert!(!read(infinite, one) && !read(one, infinite) && !read(1 << 31 | infinite, one));
    }

    #[test]
    fn halves_are_remainder_and_quotient() {
        for (numbers, places) in [
            (1, 3),
            (2, 3),
            (2, 4),
            (3, 3),
            (3, 4),
            (4, 4),
            (3, 5),
            (7, 3),
            (2, 8),
            (362, 1),
        ] {
            let halves = Halves::new(numbers, places).unwrap();
            let count = halves.count;
            for entry in 0..MOST.0 {
                let wanted = (entry % count, entry / count % count);
                assert_eq!(
                    halves.of(entry),
                    (wanted.0 as usize, wanted.1 as usize),
                    "{entry} by {count}"
                );
            }
        }
    }

    #[test]
    fn roots_and_numbers() {
        for (entries, dimensions, wanted) in [
            (81, 4, 3),
            (80, 4, 2),
            (6561, 8, 3),
            (1, 5, 1),
            (0, 2, 0),
            (131_072, 2, 362),
        ] {
            assert_eq!(root(entries, dimensions), wanted);
        }
        assert_eq!(root(1000, 1), 1000);
        assert_eq!(unpack(0x6280_0001), 1.0 * 2_f32.powi(0x314 - 788));
        assert_eq!(unpack(0xe280_0003), -3.0 * 2_f32.powi(0x314 - 788));
    }
}
