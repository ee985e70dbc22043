//! Codebooks: a prefix code, and vectors that its numbers may stand for.

use super::bits::Bits;

/// Bits of a code that one look-up resolves, at most 15.
const FAST: u32 = 10;

/// Bits of an entry that a look-up gives; few entries beyond have short codes.
const ENTRY: u32 = 12;

/// The most entries and dimensions of a book.
const MOST: (u32, u32) = (1 << 17, 32);

/// What the books of a stream may still have together.
pub(super) struct Budget {
    /// Entries. Books that encoders make have some thousands; each costs 25 bytes, and a header of a few bits may
    /// declare very many.
    pub(super) entries: u32,
    /// Values in all vectors.
    pub(super) values: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            entries: 1 << 18,
            // 16 MiB.
            values: 1 << 22,
        }
    }
}

/// One code.
#[derive(Clone, Copy)]
struct Code {
    /// Its bits, the first one highest, at the top.
    bits: u32,
    /// How many bits.
    len: u8,
    /// What it means.
    entry: u32,
}

/// What the vectors are made of.
struct Lattice {
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
}

/// A codebook.
pub(super) struct Codebook {
    /// Places of a vector.
    pub(super) dimensions: usize,
    /// Entries, used or not.
    entries: usize,
    /// For the next bits, the length of the code in the highest four bits and its entry below; 0 for other codes. A
    /// stream has tens of books, and their tables together are to stay in the first cache.
    table: Vec<u16>,
    /// The codes that the table has no room for, in order.
    long: Vec<Code>,
    /// What the vectors are made of.
    lattice: Option<Lattice>,
    /// The vectors, once they were needed.
    vectors: Vec<f32>,
}

impl Codebook {
    /// Reads a book, and takes what it has from the budget of the stream.
    pub(super) fn read(bits: &mut Bits<'_>, budget: &mut Budget) -> Option<Self> {
        if bits.take(24)? != 0x56_4342 {
            return None;
        }
        let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
        if dimensions == 0 || dimensions > MOST.1 || entries > MOST.0 {
            return None;
        }
        budget.entries = budget.entries.checked_sub(entries)?;
        let lengths = lengths(bits, entries)?;
        let (dimensions, entries) = (dimensions as usize, entries as usize);
        let lattice = match bits.take(4)? {
            0 => None,
            kind @ 1..=2 => {
                budget.values = budget.values.checked_sub(entries * dimensions)?;
                let (least, step) = (unpack(bits.take(32)?), unpack(bits.take(32)?));
                // The exponent goes beyond that of floats: sums of such numbers are none.
                if !least.is_finite() || !step.is_finite() {
                    return None;
                }
                let width = bits.take(4)? + 1;
                let sums = bits.flag()?;
                let count = if kind == 1 {
                    root(entries, dimensions)
                } else {
                    entries * dimensions
                };
                let number = |_| bits.take(width).and_then(|number| u16::try_from(number).ok());
                let numbers = (0..count).map(number).collect::<Option<_>>()?;
                let tabled = kind == 2;
                Some(Lattice {
                    tabled,
                    least,
                    step,
                    sums,
                    numbers,
                })
            }
            _ => return None,
        };
        let codes = codes(&lengths)?;
        let (table, long) = tables(&codes);
        Some(Self {
            dimensions,
            entries,
            table,
            long,
            lattice,
            vectors: Vec::new(),
        })
    }

    /// Whether it has vectors.
    pub(super) fn is_of_vectors(&self) -> bool {
        self.lattice.is_some()
    }

    /// Reads a number; `None` at the end of the packet.
    #[inline(always)]
    pub(super) fn number(&self, bits: &mut Bits<'_>) -> Option<u32> {
        let next = bits.peek();
        let found = self.table[next as usize & (self.table.len() - 1)];
        if found != 0 {
            bits.drop(u32::from(found >> ENTRY))?;
            return Some(u32::from(found & ((1 << ENTRY) - 1)));
        }
        let (number, behind) = self.long_number(*bits, next)?;
        *bits = behind;
        Some(number)
    }

    /// The same for the codes that the table has no room for.
    #[inline(never)]
    fn long_number<'a>(&self, mut bits: Bits<'a>, next: u32) -> Option<(u32, Bits<'a>)> {
        let next = next.reverse_bits();
        let behind = self.long.partition_point(|code| code.bits <= next);
        let code = self.long.get(behind.checked_sub(1)?)?;
        bits.drop(code.len.into())?;
        Some((code.entry, bits))
    }

    /// Makes the vectors, unless they were made before. Most streams need less than half of their books.
    pub(super) fn prepare(&mut self) {
        let (Some(lattice), true) = (&self.lattice, self.vectors.is_empty()) else {
            return;
        };
        let count = lattice.numbers.len();
        if count == 0 {
            return;
        }
        self.vectors.reserve_exact(self.entries * self.dimensions);
        // Where each place of the vector stands in the list.
        let mut digits = vec![0; self.dimensions];
        for entry in 0..self.entries {
            let mut last = 0.0;
            for (place, &digit) in digits.iter().enumerate() {
                let at = if lattice.tabled {
                    entry * self.dimensions + place
                } else {
                    digit
                };
                let value = f32::from(lattice.numbers[at]) * lattice.step + lattice.least + last;
                if lattice.sums {
                    last = value;
                }
                self.vectors.push(value);
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

    /// All vectors, one behind the other; none if they were not prepared.
    pub(super) fn vectors(&self) -> &[f32] {
        &self.vectors
    }
}

/// Reads the length of each entry's code; 0 for entries that are not used.
fn lengths(bits: &mut Bits<'_>, entries: u32) -> Option<Vec<u8>> {
    let mut lengths = Vec::with_capacity(entries as usize);
    let left = |lengths: &Vec<u8>| entries as usize - lengths.len();
    if bits.flag()? {
        let mut length = bits.small(5)? + 1;
        while left(&lengths) > 0 {
            let count = bits.take(left(&lengths).ilog2() + 1)? as usize;
            if count > left(&lengths) || length > 32 {
                return None;
            }
            lengths.resize(lengths.len() + count, length);
            length += 1;
        }
    } else {
        let sparse = bits.flag()?;
        for _ in 0..entries {
            let used = !sparse || bits.flag()?;
            lengths.push(if used { bits.small(5)? + 1 } else { 0 });
        }
    }
    Some(lengths)
}

/// Gives each entry in turn the first code of its length that is free; `None` if that does not come out even.
fn codes(lengths: &[u8]) -> Option<Vec<Code>> {
    let used = || lengths.iter().zip(0..).filter(|(len, _)| **len > 0);
    if used().count() == 1 {
        // One code of one bit, whose value does not matter.
        let (&len, entry) = used().next()?;
        let code = |bits| Code { bits, len, entry };
        return (len == 1).then(|| vec![code(0), code(1 << 31)]);
    }
    let mut codes = Vec::with_capacity(lengths.len());
    // For each length the root of the one subtree of it that is free: between two powers of two.
    let mut free = [None; 33];
    free[0] = Some(0_u32);
    for (&len, entry) in used() {
        let at = (0..=usize::from(len)).rev().find(|&at| free[at].is_some())?;
        let bits = free[at].take()?;
        for (below, root) in free
            .iter_mut()
            .enumerate()
            .take(usize::from(len) + 1)
            .skip(at + 1)
        {
            *root = Some(bits | 1 << (32 - below));
        }
        codes.push(Code { bits, len, entry });
    }
    let all = codes.is_empty() || free.iter().all(Option::is_none);
    all.then_some(codes)
}

/// The look-up table, and the codes that it has no room for.
fn tables(codes: &[Code]) -> (Vec<u16>, Vec<Code>) {
    let longest = codes.iter().map(|code| u32::from(code.len)).max().unwrap_or(0);
    let mut table = vec![0; 1 << longest.min(FAST)];
    let mut long = Vec::new();
    for code in codes {
        let len = u16::from(code.len);
        let entry = u16::try_from(code.entry).ok().filter(|entry| *entry < 1 << ENTRY);
        match entry {
            Some(entry) if u32::from(len) <= FAST => {
                let first = code.bits.reverse_bits() as usize;
                for place in table.iter_mut().skip(first).step_by(1 << len) {
                    *place = len << ENTRY | entry;
                }
            }
            _ => long.push(*code),
        }
    }
    long.sort_unstable_by_key(|code| code.bits);
    (table, long)
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

    #[test]
    fn codes_are_given_in_order() {
        let codes = codes(&[2, 4, 4, 4, 4, 0, 2, 3, 3]).unwrap();
        let text: Vec<String> = codes
            .iter()
            .map(|code| format!("{:032b}", code.bits)[..code.len.into()].to_owned())
            .collect();
        assert_eq!(text, ["00", "0100", "0101", "0110", "0111", "10", "110", "111"]);
        assert_eq!(codes[5].entry, 6);
    }

    #[test]
    fn codes_that_do_not_come_out_even_are_refused() {
        for lengths in [&[1, 1, 1][..], &[1, 2], &[1, 1, 32], &[2]] {
            assert!(codes(lengths).is_none(), "{lengths:?}");
        }
        assert_eq!(codes(&[0, 1]).unwrap().len(), 2);
        assert_eq!(codes(&[0, 0]).unwrap().len(), 0);
    }

    #[test]
    fn every_code_is_found() {
        // Lengths from 1 to 20, with two of the longest; the entries near by, and beyond those of the table.
        for unused in [0, 4090, 5000] {
            let lengths: Vec<u8> = std::iter::repeat_n(0, unused).chain(1..=20).chain([20]).collect();
            let codes = codes(&lengths).unwrap();
            let (table, long) = tables(&codes);
            let book = Codebook {
                dimensions: 1,
                entries: lengths.len(),
                table,
                long,
                lattice: None,
                vectors: Vec::new(),
            };
            for code in codes {
                let bytes = code.bits.reverse_bits().to_le_bytes();
                assert_eq!(book.number(&mut Bits::new(&bytes)), Some(code.entry));
                let short = &bytes[..usize::from(code.len - 1) / 8];
                assert_eq!(book.number(&mut Bits::new(short)), None, "{}", code.len);
            }
        }
    }

    /// A book of scalars with so many entries, a power of two, whose codes are of the same length.
    fn scalars(entries: u32) -> Vec<u8> {
        let log = entries.ilog2();
        let mut writer = Writer::default();
        writer.put(0x56_4342, 24).put(1, 16).put(entries, 24);
        writer.put(1, 1).put(log - 1, 5).put(entries, log + 1).put(0, 4);
        writer.bytes()
    }

    #[test]
    fn books_without_vectors_have_a_budget_too() {
        let mut budget = Budget::default();
        let mut read = |entries| Codebook::read(&mut Bits::new(&scalars(entries)), &mut budget).is_some();
        assert!(read(1 << 17) && read(1 << 16) && read(1 << 16));
        assert!(!read(2));
    }

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
