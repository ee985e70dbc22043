//! Residues: spectra, as sums of vectors.

use super::bits::Bits;
use super::codebook::Codebook;

/// How a residue is coded.
pub(super) struct Residue {
    /// The format: vectors spread out, in one piece, or over all channels in turn.
    format: u32,
    /// Where it begins and ends.
    range: (usize, usize),
    /// Values in a partition.
    size: usize,
    /// Classes of partitions.
    classes: u32,
    /// The book that the classes are coded with.
    master: usize,
    /// For each class, the book of each pass.
    books: Vec<[Option<u8>; 8]>,
    /// Passes that have books.
    passes: usize,
}

/// Room that is used again for each packet.
#[derive(Default)]
pub(super) struct Room {
    /// The class of each partition, channel after channel.
    classes: Vec<u8>,
    /// The values of all channels in turn.
    interleaved: Vec<f32>,
}

impl Residue {
    /// Reads the description.
    pub(super) fn read(bits: &mut Bits<'_>, books: &[Codebook]) -> Option<Self> {
        let format = bits.take(16)?;
        let (begin, end) = (bits.take(24)? as usize, bits.take(24)? as usize);
        let size = bits.take(24)? as usize + 1;
        let classes = bits.take(6)? + 1;
        let master = bits.take(8)? as usize;
        if format > 2 || end < begin || master >= books.len() {
            return None;
        }
        let mut used = Vec::new();
        for _ in 0..classes {
            let low = bits.small(3)?;
            let high = if bits.flag()? { bits.small(5)? } else { 0 };
            used.push(high << 3 | low);
        }
        let mut passes = 0;
        let mut of_class = Vec::new();
        for used in used {
            let mut numbers = [None; 8];
            for (pass, number) in numbers
                .iter_mut()
                .enumerate()
                .filter(|(pass, _)| used >> pass & 1 == 1)
            {
                let book = bits.small(8)?;
                if !books.get(usize::from(book))?.is_of_vectors() {
                    return None;
                }
                *number = Some(book);
                passes = passes.max(pass + 1);
            }
            of_class.push(numbers);
        }
        Some(Self {
            format,
            range: (begin, end),
            size,
            classes,
            master,
            books: of_class,
            passes,
        })
    }

    /// Where the spectra of so many channels end, which have so many values each: behind are zeros.
    pub(super) fn end(&self, size: usize, channels: usize) -> usize {
        let end = if self.format == 2 {
            self.range.1.div_ceil(channels.max(1))
        } else {
            self.range.1
        };
        end.min(size)
    }

    /// Reads the spectra of those channels that are not silent, as far as the packet goes. They are of equal
    /// length and zeros before.
    pub(super) fn decode(
        &self,
        bits: &mut Bits<'_>,
        books: &mut [Codebook],
        room: &mut Room,
        spectra: &mut [(&mut [f32], bool)],
    ) {
        if self.format == 2 {
            if spectra.iter().all(|(_, silent)| *silent) {
                return;
            }
            let count = spectra.len();
            let len = spectra.first().map_or(0, |(spectrum, _)| spectrum.len());
            room.interleaved.clear();
            room.interleaved.resize(len * count, 0.0);
            let mut interleaved = std::mem::take(&mut room.interleaved);
            self.read_passes(bits, books, &mut room.classes, &mut [&mut interleaved]);
            match spectra {
                [(left, _), (right, _)] => {
                    let pairs = interleaved.as_chunks::<2>().0;
                    for ((pair, left), right) in pairs.iter().zip(left.iter_mut()).zip(right.iter_mut()) {
                        (*left, *right) = (pair[0], pair[1]);
                    }
                }
                spectra => {
                    for (n, (spectrum, _)) in spectra.iter_mut().enumerate() {
                        let values = interleaved.iter().skip(n).step_by(count);
                        spectrum.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
                    }
                }
            }
            room.interleaved = interleaved;
        } else {
            // Silent channels take no bits, and are to take no time.
            let live = spectra.iter_mut().filter(|(_, silent)| !silent);
            let mut live: Vec<&mut [f32]> = live.map(|(spectrum, _)| &mut **spectrum).collect();
            self.read_passes(bits, books, &mut room.classes, &mut live);
        }
    }

    /// Reads pass after pass; `None` where the packet ends, which it may at any place.
    fn read_passes(
        &self,
        bits: &mut Bits<'_>,
        books: &mut [Codebook],
        classes: &mut Vec<u8>,
        spectra: &mut [&mut [f32]],
    ) -> Option<()> {
        let len = spectra.first()?.len();
        let (begin, end) = (self.range.0.min(len), self.range.1.min(len));
        let count = (end - begin) / self.size;
        let together = books.get(self.master)?.dimensions;
        classes.clear();
        classes.resize(count * spectra.len(), 0);
        for pass in 0..self.passes {
            // Without bits there is nothing to be added, and passes over many partitions cost time.
            if bits.is_at_end() {
                return None;
            }
            for first in (0..count).step_by(together) {
                let last = count.min(first + together);
                if pass == 0 {
                    for channel in 0..spectra.len() {
                        let mut number = books[self.master].number(bits)?;
                        let all = &mut classes[channel * count..(channel + 1) * count];
                        for place in (first..first + together).rev() {
                            if let Some(class) = all.get_mut(place) {
                                *class = u8::try_from(number % self.classes).unwrap_or_default();
                            }
                            number /= self.classes;
                        }
                    }
                }
                for part in first..last {
                    for (channel, spectrum) in spectra.iter_mut().enumerate() {
                        let class = classes[channel * count + part];
                        let Some(book) = self.books[usize::from(class)][pass] else {
                            continue;
                        };
                        let book = &mut books[usize::from(book)];
                        book.prepare();
                        let start = begin + part * self.size;
                        let values = &mut spectrum[start..start + self.size];
                        match self.format {
                            0 => spread(bits, book, values)?,
                            _ => in_one_piece(bits, book, values)?,
                        }
                    }
                }
            }
        }
        Some(())
    }
}

/// Adds vectors whose places lie as far apart as there are vectors.
fn spread(bits: &mut Bits<'_>, book: &Codebook, values: &mut [f32]) -> Option<()> {
    let step = values.len() / book.dimensions;
    for first in 0..step {
        let vector = vector(bits, book)?;
        let places = values[first..].iter_mut().step_by(step);
        places.zip(vector).for_each(|(to, from)| *to += from);
    }
    Some(())
}

/// Adds vectors one behind the other. This is where most of the time goes.
fn in_one_piece(bits: &mut Bits<'_>, book: &Codebook, values: &mut [f32]) -> Option<()> {
    /// With a length that the compiler knows.
    #[inline(always)]
    fn of<const N: usize>(bits: &mut Bits<'_>, book: &Codebook, values: &mut [f32]) -> Option<()> {
        let vectors = book.vectors().as_chunks::<N>().0;
        let mut here = *bits;
        for values in values.as_chunks_mut::<N>().0 {
            let vector = vectors.get(book.number(&mut here)? as usize)?;
            values.iter_mut().zip(vector).for_each(|(to, from)| *to += from);
        }
        *bits = here;
        Some(())
    }
    match book.dimensions {
        1 => of::<1>(bits, book, values),
        2 => of::<2>(bits, book, values),
        4 => of::<4>(bits, book, values),
        8 => of::<8>(bits, book, values),
        more => {
            for values in values.chunks_exact_mut(more) {
                let vector = vector(bits, book)?;
                values.iter_mut().zip(vector).for_each(|(to, from)| *to += from);
            }
            Some(())
        }
    }
}

/// Reads a vector; `None` at the end of the packet, or if there are none.
fn vector<'a>(bits: &mut Bits<'_>, book: &'a Codebook) -> Option<&'a [f32]> {
    let start = book.number(bits)? as usize * book.dimensions;
    book.vectors().get(start..start + book.dimensions)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn silent_channels_take_neither_bits_nor_room() {
        for format in [0, 1] {
            let mut books = [book(1, false), book(1, true)];
            let bytes = [0b1011_0111, 0b0110_1011, 0b1111_0101];
            let mut read = |silent: &[bool]| {
                let mut planes = vec![[0.0; 8]; silent.len()];
                let mut spectra: Vec<(&mut [f32], bool)> = planes
                    .iter_mut()
                    .zip(silent)
                    .map(|(plane, &silent)| (&mut plane[..], silent))
                    .collect();
                let (mut room, mut bits) = (Room::default(), Bits::new(&bytes));
                residue(format).decode(&mut bits, &mut books, &mut room, &mut spectra);
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
}
