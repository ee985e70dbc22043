//! The values of a spectrum: pairs in up to three regions, then quadruples of 0 and 1, then nothing.

mod tables;
#[cfg(test)]
mod tests;

use super::bands::LINES;
use super::bits::Bits;
use super::side::Granule;

/// Bits of a code that are looked up at once. Codes that are longer have a second part.
const FIRST: u32 = 8;

/// The least entry that refers to a second part: above that are the bits of it, below where it stands.
const LINK: u16 = 0x1000;

/// The longest code.
const LONGEST: u32 = 19;

/// How many entries these leaves need.
const fn size(leaves: &[u16]) -> usize {
    fill::<0>(leaves).1
}

/// What to look up for these leaves: the pair of values, and above it the bits to take; and how many entries were
/// filled, or would have been without room.
#[expect(
    clippy::cast_possible_truncation,
    reason = "entries have 16 bits, which is tested"
)]
const fn fill<const N: usize>(leaves: &[u16]) -> ([u16; N], usize) {
    let mut entries = [0; N];
    let mut free = 1 << FIRST;
    let (mut n, mut at) = (0, 0_usize);
    while n < leaves.len() {
        let prefix = at >> (LONGEST - FIRST);
        // The leaves of one prefix, and the length of the longest.
        let (mut end, mut next, mut longest) = (n, at, 0);
        while end < leaves.len() && next >> (LONGEST - FIRST) == prefix {
            let length = (leaves[end] >> 8) as u32;
            longest = if length > longest { length } else { longest };
            next += 1 << (LONGEST - length);
            end += 1;
        }
        // Where they stand, how many bits are looked up there, and how many before.
        let (start, width, before) = if longest > FIRST {
            (free, longest - FIRST, FIRST)
        } else {
            (0, FIRST, 0)
        };
        if longest > FIRST {
            if N > 0 {
                entries[prefix] = (width as u16) << 12 | free as u16;
            }
            free += 1 << width;
        }
        while n < end {
            let length = (leaves[n] >> 8) as u32;
            let inside = at >> (LONGEST - before - width) & ((1 << width) - 1);
            let mut entry = 0;
            while N > 0 && entry < 1 << (before + width - length) {
                entries[start + inside + entry] = leaves[n] - ((before as u16) << 8);
                entry += 1;
            }
            at += 1 << (LONGEST - length);
            n += 1;
        }
    }
    (entries, free)
}

/// What to look up for a table of the standard.
macro_rules! book {
    ($leaves:ident) => {{
        static BOOK: [u16; size(&tables::$leaves)] = fill(&tables::$leaves).0;
        &BOOK
    }};
}

/// The books by the number of the table, with the bits that follow a value of 15. Tables 0, 4 and 14 have only zeros.
fn book(table: u8) -> Option<(&'static [u16], u32)> {
    const MORE: [u32; 16] = [1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13];
    Some(match table {
        1 => (book!(TABLE_1), 0),
        2 => (book!(TABLE_2), 0),
        3 => (book!(TABLE_3), 0),
        5 => (book!(TABLE_5), 0),
        6 => (book!(TABLE_6), 0),
        7 => (book!(TABLE_7), 0),
        8 => (book!(TABLE_8), 0),
        9 => (book!(TABLE_9), 0),
        10 => (book!(TABLE_10), 0),
        11 => (book!(TABLE_11), 0),
        12 => (book!(TABLE_12), 0),
        13 => (book!(TABLE_13), 0),
        15 => (book!(TABLE_15), 0),
        16..=23 => (book!(TABLE_16), MORE[usize::from(table - 16)]),
        24..=31 => (book!(TABLE_24), MORE[usize::from(table - 16)]),
        _ => return None,
    })
}

/// Bits in which every quadruple ends, its signs included.
const QUAD: u32 = 10;

/// By those bits: which of [`QUAD_VALUES`] they are, and below it the bits to take.
static QUADS: [[u16; 1 << QUAD]; 2] = quads();

/// The values of every quadruple: digits of base 3, the first one lowest, are 0, 1 and -1.
static QUAD_VALUES: [[f32; 4]; 81] = quad_values();

#[expect(
    clippy::cast_possible_truncation,
    reason = "numbers are below 81, lengths are 10 at most"
)]
const fn quads() -> [[u16; 1 << QUAD]; 2] {
    let mut out = [[0; 1 << QUAD]; 2];
    let mut table = 0;
    while table < 2 {
        let (mut leaf, mut at) = (0, 0);
        while leaf < 16 {
            // The second table has numbers of four bits, turned round.
            let (length, ones) = if table == 0 {
                (tables::QUADS[leaf] as u32 >> 8, tables::QUADS[leaf] as usize & 15)
            } else {
                (4, 15 - leaf)
            };
            let mut rest = 0;
            while rest < 1 << (QUAD - length) {
                let (mut number, mut place, mut signs, mut n) = (0_usize, 1, QUAD - length, 0);
                while n < 4 {
                    if ones >> (3 - n) & 1 == 1 {
                        signs -= 1;
                        number += place * (1 + (rest >> signs & 1));
                    }
                    place *= 3;
                    n += 1;
                }
                out[table][at] = (number as u16) << 4 | (QUAD - signs) as u16;
                at += 1;
                rest += 1;
            }
            leaf += 1;
        }
        table += 1;
    }
    out
}

const fn quad_values() -> [[f32; 4]; 81] {
    let mut out = [[0.0; 4]; 81];
    let mut number = 0;
    while number < 81 {
        let (mut rest, mut n) = (number, 0);
        while n < 4 {
            out[number][n] = [0.0, 1.0, -1.0][rest % 3];
            rest /= 3;
            n += 1;
        }
        number += 1;
    }
    out
}

/// Values that are looked up when they are raised.
const RAISED: usize = 256;

/// Numbers raised to the power of 4/3.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
static POWERS: [f32; RAISED] = {
    let mut out = [0.0; RAISED];
    let mut n = 1;
    while n < RAISED {
        let x = n as f64;
        // Newton's method for the cube root.
        let (mut root, mut step) = (x, 0);
        while step < 40 {
            root -= (root * root * root - x) / (3.0 * root * root);
            step += 1;
        }
        out[n] = (x * root) as f32;
        n += 1;
    }
    out
};

/// A number raised to the power of 4/3.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
fn raised(n: usize) -> f32 {
    match POWERS.get(n) {
        Some(power) => *power,
        None => (n as f64 * (n as f64).cbrt()) as f32,
    }
}

/// Reads the values of a granule, which end at the bit `end`, up to the line `limit`; each is raised to the power of
/// 4/3. Returns where they end: what is behind that is 0, and was not written.
pub(super) fn read(
    bits: &mut Bits<'_>,
    granule: &Granule,
    end: usize,
    limit: usize,
    values: &mut [f32; LINES],
) -> usize {
    let limit = limit.min(LINES);
    let pairs_end = granule.pairs_end.min(limit);
    let mut at = 0;
    for (region, &table) in granule.tables.iter().enumerate() {
        let region_end = granule
            .regions
            .get(region)
            .map_or(pairs_end, |end| *end.min(&pairs_end));
        if region_end <= at {
            continue;
        }
        let Some((book, more)) = book(table) else {
            values[at..region_end].fill(0.0);
            at = region_end;
            continue;
        };
        for values in values[at..region_end].chunks_mut(32) {
            let before = *bits;
            if more == 0 {
                pairs::<false>(bits, book, 0, values);
            } else {
                pairs::<true>(bits, book, more, values);
            }
            // What was made of the bits of others is nothing.
            if bits.position() > end {
                *bits = before;
                return at + pairs_within(bits, book, more, end, values);
            }
            at += values.len();
        }
    }
    if at < granule.pairs_end {
        return at;
    }
    let quads = &QUADS[usize::from(granule.second_quads)];
    while at < limit && bits.position() < end {
        let Some(to) = values[at..].first_chunk_mut() else {
            break;
        };
        bits.fill();
        let entry = quads[bits.peek(QUAD) & ((1 << QUAD) - 1)];
        bits.skip(u32::from(entry & 15));
        if bits.position() > end {
            break;
        }
        *to = QUAD_VALUES[usize::from(entry >> 4)];
        at += 4;
    }
    at.min(limit)
}

/// Reads pairs of one table.
#[inline(always)]
fn pairs<const MORE: bool>(bits: &mut Bits<'_>, book: &[u16], more: u32, values: &mut [f32]) {
    // A pair is 21 bits at most, or 47 with what may follow a value: two are in a word, or one.
    let (fours, rest) = values.as_chunks_mut::<4>();
    for [a, b, c, d] in fours {
        bits.fill();
        pair::<MORE>(bits, book, more, [a, b]);
        if MORE {
            bits.fill();
        }
        pair::<MORE>(bits, book, more, [c, d]);
    }
    if let [a, b] = rest {
        bits.fill();
        pair::<MORE>(bits, book, more, [a, b]);
    }
}

/// Reads pairs of one table that may reach beyond the bit `end`. Returns how many values end before it does.
#[cold]
#[inline(never)]
fn pairs_within(bits: &mut Bits<'_>, book: &[u16], more: u32, end: usize, values: &mut [f32]) -> usize {
    let mut at = 0;
    for values in values.chunks_mut(2) {
        if more == 0 {
            pairs::<false>(bits, book, 0, values);
        } else {
            pairs::<true>(bits, book, more, values);
        }
        if bits.position() > end {
            break;
        }
        at += values.len();
    }
    at
}

/// Reads one pair, whose bits are in the word.
#[inline(always)]
fn pair<const MORE: bool>(bits: &mut Bits<'_>, book: &[u16], more: u32, values: [&mut f32; 2]) {
    let mut entry = book[bits.peek(FIRST)];
    if entry >= LINK {
        bits.skip(FIRST);
        entry = book[usize::from(entry & (LINK - 1)) + bits.peek(u32::from(entry >> 12))];
    }
    bits.skip(u32::from(entry >> 8));
    for (value, number) in values.into_iter().zip([entry >> 4 & 15, entry & 15]) {
        let power = if MORE && number == 15 {
            let rest = bits.peek(more);
            bits.skip(more);
            raised(15 + rest)
        } else {
            POWERS[usize::from(number)]
        };
        *value = f32::from_bits(power.to_bits() ^ bits.sign());
        bits.skip(u32::from((number + 15) >> 4));
    }
}
