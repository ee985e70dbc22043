//! Residues of a few bits, written by hand.

use super::*;
use crate::decode::vorbis::bits::Writer;
use crate::decode::vorbis::codebook::Budget;

/// A book of two entries, 0 and 1, whose codes are one bit; with vectors if there are dimensions for them.
fn book(dimensions: u32, vectors: bool) -> Codebook {
    let mut writer = Writer::default();
    writer.put(0x56_4342, 24).put(dimensions, 16).put(2, 24);
    writer.put(0, 2).put(0, 5).put(0, 5).put(u32::from(vectors), 4);
    if vectors {
        // From 0 in steps of 1: numbers of one bit.
        writer.put(0, 32).put(788 << 21 | 1, 32).put(0, 4).put(0, 1);
        writer.put(0b10, 2);
    }
    Codebook::read(&mut Bits::new(&writer.bytes()), &mut Budget::default()).unwrap()
}

/// A book of vectors of eight.
fn long_book() -> Codebook {
    let mut writer = Writer::default();
    // Numbers 0 and 1 in eight places: 256 vectors for 512 entries, whose codes are of nine bits.
    writer.put(0x56_4342, 24).put(8, 16).put(512, 24).put(0, 2);
    (0..512).for_each(|_| {
        writer.put(8, 5);
    });
    writer
        .put(1, 4)
        .put(0, 32)
        .put(788 << 21 | 1, 32)
        .put(0, 4)
        .put(0, 1);
    writer.put(0b10, 2);
    Codebook::read(&mut Bits::new(&writer.bytes()), &mut Budget::default()).unwrap()
}

/// A residue of eight values in partitions of two, all of class 1, which has a book in each of two passes.
fn residue(format: u32) -> Residue {
    Residue {
        format,
        range: (0, 8),
        size: 2,
        classes: 2,
        master: 0,
        books: vec![[None; 8], [Some(1), Some(1), None, None, None, None, None, None]],
        passes: 2,
    }
}

/// Vectors of which halves are kept are those of the definition, in any format; entries beyond all vectors begin with the
/// first one again.
#[test]
fn long_vectors_are_made_of_halves() {
    let mut book = long_book();
    book.prepare();
    assert_eq!(book.vectors().len(), 16 * 4);
    for entry in 0..512_u32 {
        let mut code = Writer::default();
        code.put((entry << 23).reverse_bits(), 9);
        let code = code.bytes();
        let wanted: [f32; 8] = std::array::from_fn(|place| (entry >> place & 1) as f32);
        let mut values = [0.0; 8];
        in_one_piece(&mut Bits::new(&code), &book, &mut values).unwrap();
        assert_eq!(values, wanted, "{entry}");
        let mut values = [0.0; 8];
        spread(&mut Bits::new(&code), &book, &mut values).unwrap();
        assert_eq!(values, wanted, "{entry}");
    }
}

/// Numbers are read several to a filling of the bits, of short codes and of long ones, as one by one.
#[test]
fn numbers_are_read_as_one_by_one() {
    // Codes of 1 to 20 bits: so many ones and a zero, the last one without.
    let mut writer = Writer::default();
    writer.put(0x56_4342, 24).put(1, 16).put(21, 24).put(0, 2);
    (0..21).for_each(|entry: u32| {
        writer.put(entry.min(19), 5);
    });
    writer
        .put(1, 4)
        .put(0, 32)
        .put(788 << 21 | 1, 32)
        .put(4, 4)
        .put(0, 1);
    (0..21).for_each(|number| {
        writer.put(number, 5);
    });
    let mut book = Codebook::read(&mut Bits::new(&writer.bytes()), &mut Budget::default()).unwrap();
    book.prepare();
    let entries = [
        9, 9, 9, 9, 9, 20, 9, 9, 9, 9, 19, 19, 9, 9, 9, 9, 9, 9, 0, 20, 20, 10, 9, 1, 9, 9, 9, 9, 9, 5,
    ];
    for first in 0..entries.len() {
        let entries = &entries[first..];
        let mut writer = Writer::default();
        for &entry in entries {
            writer.put((1 << entry) - 1, entry + u32::from(entry < 20));
        }
        let bytes = writer.bytes();
        let mut values = vec![0.0; entries.len()];
        let mut bits = Bits::new(&bytes);
        in_one_piece(&mut bits, &book, &mut values).unwrap();
        let wanted: Vec<f32> = entries.iter().map(|&entry| entry as f32).collect();
        assert_eq!(values, wanted);
    }
}

/// Where a packet ends, nothing behind it is read, by this part or by another.
#[test]
fn behind_the_end_is_nothing() {
    let mut books = [book(1, false), long_book()];
    let mut residue = residue(1);
    (residue.size, residue.passes) = (8, 1);
    // A class, and seven of the nine bits of its vector.
    let bytes = [0b1111_1111];
    let (mut room, mut bits) = (Room::default(), Bits::new(&bytes));
    let mut spectra = [9.0; 8];
    residue.decode(
        &mut bits,
        &mut books,
        &mut room,
        (&mut spectra, 8),
        (&[0], &[false]),
    );
    assert_eq!(spectra, [0.0; 8]);
    assert!(bits.is_at_end());
}

/// Spectra end where the last partition does that is not empty; what was there before is gone.
#[test]
fn behind_the_last_partition_are_zeros() {
    // The first of four partitions is of the class with books: two values in each of two passes.
    let bytes = [0b0100_0111];
    for (format, channels, wanted) in [
        (1, 1, (2, vec![2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
        (2, 2, (1, vec![2.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])),
        (2, 4, (1, vec![2.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0])),
    ] {
        let mut books = [book(1, false), book(1, true)];
        let mut spectra = [9.0; 8];
        let spectra = (&mut spectra[..], 8 / channels);
        let all: Vec<usize> = (0..channels).collect();
        let (mut room, mut bits) = (Room::default(), Bits::new(&bytes));
        let live = (&all[..], &vec![false; channels][..]);
        let end = residue(format).decode(
            &mut bits,
            &mut books,
            &mut room,
            (&mut *spectra.0, spectra.1),
            live,
        );
        assert_eq!((end, spectra.0.to_vec()), wanted, "{format} {channels}");
    }
}

#[test]
fn silent_channels_take_neither_bits_nor_room() {
    for format in [0, 1] {
        let mut books = [book(1, false), book(1, true)];
        let bytes = [0b1011_0111, 0b0110_1011, 0b1111_0101];
        let mut read = |silent: &[bool]| {
            let mut planes = vec![[1.0; 8]; silent.len()];
            let channels: Vec<usize> = (0..silent.len()).collect();
            let (mut room, mut bits) = (Room::default(), Bits::new(&bytes));
            let spectra = (planes.as_flattened_mut(), 8);
            let end = residue(format).decode(&mut bits, &mut books, &mut room, spectra, (&channels, silent));
            assert_eq!(end, if silent.contains(&false) { 8 } else { 0 });
            (planes, room.classes.len(), bits.take(4))
        };
        let (alone, partitions, behind) = read(&[false]);
        assert!(alone[0].iter().any(|value| *value > 0.0));
        let zeros = [0.0; 8];
        assert_eq!(
            read(&[true, false, true]),
            (vec![zeros, alone[0], zeros], partitions, behind)
        );
        assert_eq!(read(&[true; 3]), (vec![zeros; 3], 0, Some(7)));
    }
}
