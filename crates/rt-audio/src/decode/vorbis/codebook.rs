//! Codebooks: a prefix code, whose numbers may stand for vectors.

use super::bits::{self, Bits};
use super::vectors::{Halves, Vectors};

/// Bits of a code that one look-up resolves, at most 15.
const FAST: u32 = 10;

/// Bits of an entry that a look-up gives; few entries beyond have short codes.
const ENTRY: u32 = 12;

/// Numbers that may be read without filling the bits in between.
pub(super) const AT_ONCE: usize = (bits::FILLED / FAST) as usize;

/// The most entries and dimensions of a book.
pub(super) const MOST: (u32, u32) = (1 << 17, 32);

/// What the books of a stream may still have together.
pub(super) struct Budget {
    /// Entries. Books that encoders make have some thousands; each costs 13 bytes, and a header of a few bits may
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

/// A codebook.
pub(super) struct Codebook {
    /// Places of a vector.
    pub(super) dimensions: usize,
    /// For the next bits, the length of the code in the highest four bits and its entry below; 0 for other codes. A
    /// stream has tens of books, and their tables together are to stay in the first cache.
    table: Vec<u16>,
    /// The codes that the table has no room for, in order.
    long: Vec<Code>,
    /// What the numbers stand for, if that are vectors.
    vectors: Option<Vectors>,
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
        let vectors = match bits.take(4)? {
            0 => None,
            kind @ 1..=2 => Some(Vectors::read(bits, kind == 2, (entries, dimensions), budget)?),
            _ => return None,
        };
        let (table, long) = tables(&lengths)?;
        Some(Self {
            dimensions,
            table,
            long,
            vectors,
        })
    }

    /// Whether it has vectors.
    pub(super) fn is_of_vectors(&self) -> bool {
        self.vectors.is_some()
    }

    /// Reads a number; `None` at the end of the packet.
    #[inline(always)]
    pub(super) fn number(&self, bits: &mut Bits<'_>) -> Option<u32> {
        bits.fill();
        self.next_number(bits)
    }

    /// The same where bits were filled and at most [`AT_ONCE`] numbers read, this one among them.
    #[inline(always)]
    pub(super) fn next_number(&self, bits: &mut Bits<'_>) -> Option<u32> {
        let found = self.table[bits.ahead() as usize & (self.table.len() - 1)];
        if found != 0 {
            bits.drop(u32::from(found >> ENTRY))?;
            return Some(u32::from(found & ((1 << ENTRY) - 1)));
        }
        let (number, behind) = self.long_number(*bits)?;
        *bits = behind;
        Some(number)
    }

    /// The same for the codes that the table has no room for. Fills the bits again.
    #[inline(never)]
    fn long_number<'a>(&self, mut bits: Bits<'a>) -> Option<(u32, Bits<'a>)> {
        bits.fill();
        let next = bits.ahead().reverse_bits();
        let behind = self.long.partition_point(|code| code.bits <= next);
        let code = self.long.get(behind.checked_sub(1)?)?;
        bits.drop(code.len.into())?;
        bits.fill();
        Some((code.entry, bits))
    }

    /// Makes the vectors, unless they were made before. Most streams need less than half of their books.
    #[inline(always)]
    pub(super) fn prepare(&mut self) {
        if let Some(vectors) = &mut self.vectors {
            vectors.prepare();
        }
    }

    /// All vectors, or all halves of vectors, one behind the other; none if they were not prepared.
    #[inline(always)]
    pub(super) fn vectors(&self) -> &[f32] {
        self.vectors.as_ref().map_or(&[], Vectors::all)
    }

    /// How vectors are made of halves, if these are kept.
    #[inline(always)]
    pub(super) fn halves(&self) -> Option<Halves> {
        self.vectors.as_ref().and_then(Vectors::halves)
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
fn codes(lengths: &[u8], mut to: impl FnMut(Code)) -> Option<()> {
    let used = || lengths.iter().zip(0..).filter(|(len, _)| **len > 0);
    let mut first = used();
    if let (Some((&len, entry)), None) = (first.next(), first.next()) {
        // One code of one bit, whose value does not matter.
        let mut code = |bits| to(Code { bits, len, entry });
        code(0);
        code(1 << 31);
        return (len == 1).then_some(());
    }
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
        to(Code { bits, len, entry });
    }
    let all = used().next().is_none() || free.iter().all(Option::is_none);
    all.then_some(())
}

/// The look-up table, and the codes that it has no room for; `None` if the codes do not come out even.
fn tables(lengths: &[u8]) -> Option<(Vec<u16>, Vec<Code>)> {
    let longest = lengths.iter().max().map_or(0, |&longest| u32::from(longest));
    let mut table = vec![0; 1 << longest.min(FAST)];
    let mut long = Vec::new();
    codes(lengths, |code| {
        let len = u16::from(code.len);
        let entry = u16::try_from(code.entry).ok().filter(|entry| *entry < 1 << ENTRY);
        match entry {
            Some(entry) if u32::from(len) <= FAST => {
                let first = code.bits.reverse_bits() as usize;
                for place in table.iter_mut().skip(first).step_by(1 << len) {
                    *place = len << ENTRY | entry;
                }
            }
            _ => long.push(code),
        }
    })?;
    long.shrink_to_fit();
    long.sort_unstable_by_key(|code| code.bits);
    Some((table, long))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::vorbis::bits::Writer;

    /// The codes of books of such lengths.
    fn all_codes(lengths: &[u8]) -> Option<Vec<Code>> {
        let mut all = Vec::new();
        codes(lengths, |code| all.push(code))?;
        Some(all)
    }

    #[test]
    fn codes_are_given_in_order() {
        let codes = all_codes(&[2, 4, 4, 4, 4, 0, 2, 3, 3]).unwrap();
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
            assert!(all_codes(lengths).is_none(), "{lengths:?}");
            assert!(tables(lengths).is_none(), "{lengths:?}");
        }
        assert_eq!(all_codes(&[0, 1]).unwrap().len(), 2);
        assert_eq!(all_codes(&[0, 0]).unwrap().len(), 0);
    }

    #[test]
    fn every_code_is_found() {
        // Lengths from 1 to 20, with two of the longest; the entries near by, and beyond those of the table.
        for unused in [0, 4090, 5000] {
            let lengths: Vec<u8> = std::iter::repeat_n(0, unused).chain(1..=20).chain([20]).collect();
            let codes = all_codes(&lengths).unwrap();
            let (table, long) = tables(&lengths).unwrap();
            let book = Codebook {
                dimensions: 1,
                table,
                long,
                vectors: None,
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
}
