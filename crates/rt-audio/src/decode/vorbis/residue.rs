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
            self.read_passes(bits, books, &mut room.classes, &mut [(&mut interleaved, false)]);
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
            self.read_passes(bits, books, &mut room.classes, spectra);
        }
    }

    /// Reads pass after pass; `None` where the packet ends, which it may at any place.
    fn read_passes(
        &self,
        bits: &mut Bits<'_>,
        books: &mut [Codebook],
        classes: &mut Vec<u8>,
        spectra: &mut [(&mut [f32], bool)],
    ) -> Option<()> {
        let len = spectra.first()?.0.len();
        let (begin, end) = (self.range.0.min(len), self.range.1.min(len));
        let count = (end - begin) / self.size;
        let together = books.get(self.master)?.dimensions;
        classes.clear();
        classes.resize(count * spectra.len(), 0);
        for pass in 0..self.passes {
            for first in (0..count).step_by(together) {
                let last = count.min(first + together);
                if pass == 0 {
                    for (channel, _) in spectra.iter().enumerate().filter(|(_, (_, silent))| !silent) {
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
                    for (channel, (spectrum, silent)) in spectra.iter_mut().enumerate() {
                        let class = classes[channel * count + part];
                        let Some(book) = self.books[usize::from(class)][pass].filter(|_| !*silent) else {
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
