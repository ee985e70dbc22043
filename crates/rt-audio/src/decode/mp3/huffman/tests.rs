//! Every code of every table, written and read.

#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

use super::super::bits::Writer;
use super::super::side::{Granule, NOTHING};
use super::*;

/// All tables of pairs.
const ALL: [(u8, &[u16]); 15] = [
    (1, &tables::TABLE_1),
    (2, &tables::TABLE_2),
    (3, &tables::TABLE_3),
    (5, &tables::TABLE_5),
    (6, &tables::TABLE_6),
    (7, &tables::TABLE_7),
    (8, &tables::TABLE_8),
    (9, &tables::TABLE_9),
    (10, &tables::TABLE_10),
    (11, &tables::TABLE_11),
    (12, &tables::TABLE_12),
    (13, &tables::TABLE_13),
    (15, &tables::TABLE_15),
    (16, &tables::TABLE_16),
    (24, &tables::TABLE_24),
];

/// The code of each leaf: the leaves before it take up the codes below.
fn codes(leaves: &[u16]) -> Vec<(u32, u32, u16)> {
    let mut next = 0;
    let mut codes = Vec::new();
    for leaf in leaves {
        let length = u32::from(leaf >> 8);
        assert_eq!(
            next % (1 << (LONGEST - length)),
            0,
            "{leaf:x} does not begin where a code can"
        );
        codes.push((next >> (LONGEST - length), length, leaf & 255));
        next += 1 << (LONGEST - length);
    }
    assert_eq!(next, 1 << LONGEST, "the tree has open ends");
    codes
}

#[test]
fn every_tree_is_complete_and_has_every_pair_once() {
    for (table, leaves) in ALL {
        let width = leaves.len().isqrt();
        let mut pairs: Vec<u16> = codes(leaves).iter().map(|(_, _, pair)| *pair).collect();
        pairs.sort_unstable();
        let all = (0..width).flat_map(|x| (0..width).map(move |y| (x << 4 | y) as u16));
        assert!(pairs.into_iter().eq(all), "table {table}");
    }
    let mut quads: Vec<u16> = codes(&tables::QUADS).iter().map(|(_, _, quad)| *quad).collect();
    quads.sort_unstable();
    assert!(quads.into_iter().eq(0..16));
}

fn granule(table: u8, pairs_end: usize) -> Granule {
    Granule {
        pairs_end,
        regions: [LINES; 2],
        tables: [table, 0, 0],
        ..NOTHING
    }
}

#[test]
fn every_code_of_every_table_is_read() {
    for (table, leaves) in ALL {
        let more = book(table).unwrap().1;
        for (code, length, pair) in codes(leaves) {
            for signs in 0..4 {
                let mut out = Writer::default();
                out.put(code, length);
                let mut expected = [0.0; 2];
                for (n, number) in [pair >> 4, pair & 15].into_iter().enumerate() {
                    let rest = if more > 0 && number == 15 {
                        signs & ((1 << more) - 1)
                    } else {
                        0
                    };
                    if more > 0 && number == 15 {
                        out.put(rest, more);
                    }
                    let size = (f64::from(number) + f64::from(rest)).powf(4.0 / 3.0) as f32;
                    if number > 0 {
                        out.put(signs >> n, 1);
                    }
                    expected[n] = if number > 0 && signs >> n & 1 == 1 {
                        -size
                    } else {
                        size
                    };
                }
                let bytes = out.bytes();
                let (mut bits, mut values) = (Bits::new(&bytes), [9.0; LINES]);
                let end = bytes.len() * 8;
                assert_eq!(read(&mut bits, &granule(table, 2), end, 2, &mut values), 2);
                for (value, expected) in values.iter().zip(expected) {
                    assert!(
                        (value - expected).abs() <= expected.abs() * 1e-6,
                        "table {table}, pair {pair:x}"
                    );
                }
                assert_eq!(
                    bits.position().div_ceil(8),
                    bytes.len(),
                    "table {table}, pair {pair:x}"
                );
            }
        }
    }
}

#[test]
fn quadruples_of_both_tables() {
    let first = codes(&tables::QUADS);
    let second = (0..16).map(|quad| (15 - u32::from(quad), 4, quad));
    for (table, codes) in [first, second.collect()].into_iter().enumerate() {
        for (code, length, quad) in codes {
            let mut out = Writer::default();
            out.put(code, length);
            let mut expected = [0.0; 4];
            for (n, value) in expected
                .iter_mut()
                .enumerate()
                .filter(|(n, _)| quad >> (3 - n) & 1 == 1)
            {
                *value = [1.0, -1.0][n % 2];
                out.put(n as u32 % 2, 1);
            }
            let end = length as usize + quad.count_ones() as usize;
            let granule = Granule {
                second_quads: table == 1,
                ..granule(0, 0)
            };
            let bytes = out.bytes();
            for (end, count) in [(end, 4), (end - 1, 0)] {
                let (mut bits, mut values) = (Bits::new(&bytes), [0.0; LINES]);
                assert_eq!(read(&mut bits, &granule, end, 4, &mut values), count);
                assert!(count == 0 || values[..4] == expected, "table {table}, {quad:b}");
            }
        }
    }
}

#[test]
fn large_numbers_are_raised_as_well_as_small_ones() {
    for n in [1, 15, 255, 256, 257, 1000, 8206] {
        let expected = (n as f64).powf(4.0 / 3.0);
        assert!((f64::from(raised(n)) / expected - 1.0).abs() < 1e-7, "{n}");
    }
}

#[test]
fn what_reaches_beyond_the_end_is_nothing_and_what_is_before_it_stays() {
    // Zeros are the longest codes.
    for table in [24, 1] {
        let (pair, length) = zeros(table);
        for end in [0, 1, 200, 300, 449, 450, 1000] {
            let mut values = [9.0; LINES];
            let mut bits = Bits::new(&[0; 2000]);
            let count = read(&mut bits, &granule(table, LINES), end, LINES, &mut values);
            assert_eq!(count, (end / length * 2).min(LINES), "table {table}, end {end}");
            for (n, value) in values[..count].iter().enumerate() {
                assert_eq!(*value, pair[n % 2], "table {table}, end {end}, line {n}");
            }
        }
    }
}

/// The pair that zeros are, and how many bits it takes.
fn zeros(table: u8) -> ([f32; 2], usize) {
    let mut values = [9.0; LINES];
    let mut bits = Bits::new(&[0; 100]);
    let granule = granule(table, 2);
    assert_eq!(read(&mut bits, &granule, 100, 2, &mut values), 2);
    ([values[0], values[1]], bits.position())
}
