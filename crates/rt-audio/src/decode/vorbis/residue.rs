//! Residues: spectra, as sums of vectors.

use super::bits::Bits;
use super::codebook::{AT_ONCE, Codebook};
use super::vectors::Halves;

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
    /// The channels that are not silent.
    live: Vec<usize>,
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

    /// Reads the spectra of channels that belong together, as far as the packet goes; returns where they end: behind are
    /// zeros. All spectra have so many values, one behind the other.
    pub(super) fn decode(
        &self,
        bits: &mut Bits<'_>,
        books: &mut [Codebook],
        room: &mut Room,
        (spectra, size): (&mut [f32], usize),
        (channels, silent): (&[usize], &[bool]),
    ) -> usize {
        let Room {
            classes,
            interleaved,
            live,
        } = room;
        let mut reach = 0;
        live.clear();
        if self.format != 2 {
            for &channel in channels {
                spectra[channel * size..(channel + 1) * size].fill(0.0);
            }
            // Silent channels take no bits, and are to take no time.
            live.extend(channels.iter().filter(|channel| !silent[**channel]));
            let whole = self.read_passes(bits, books, classes, (spectra, size), live, &mut reach);
            if whole.is_none() {
                bits.end();
            }
            return reach;
        }
        let count = channels.len();
        let all = self.range.1.min(size * count);
        interleaved.clear();
        interleaved.resize(all, 0.0);
        live.push(0);
        let whole = self.read_passes(bits, books, classes, (interleaved, all), live, &mut reach);
        if whole.is_none() {
            bits.end();
        }
        let reach = reach.div_ceil(count.max(1));
        interleaved.resize(reach * count, 0.0);
        match *channels {
            [first, second] => {
                let (left, right) = spectra.split_at_mut(second * size);
                let (left, right) = (&mut left[first * size..][..size], &mut right[..size]);
                let pairs = interleaved.as_chunks::<2>().0;
                for ((pair, left), right) in pairs.iter().zip(&mut *left).zip(&mut *right) {
                    (*left, *right) = (pair[0], pair[1]);
                }
                left[reach..].fill(0.0);
                right[reach..].fill(0.0);
            }
            _ => {
                for (n, &channel) in channels.iter().enumerate() {
                    let spectrum = &mut spectra[channel * size..(channel + 1) * size];
                    let values = interleaved.iter().skip(n).step_by(count);
                    spectrum.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
                    spectrum[reach..].fill(0.0);
                }
            }
        }
        reach
    }

    /// Reads pass after pass; `None` where the packet ends, which it may at any place. The spectra have so many values
    /// each; of these `live` are read. `reach` becomes the end of the last partition that is not empty.
    fn read_passes(
        &self,
        bits: &mut Bits<'_>,
        books: &mut [Codebook],
        classes: &mut Vec<u8>,
        (spectra, len): (&mut [f32], usize),
        live: &[usize],
        reach: &mut usize,
    ) -> Option<()> {
        let (begin, end) = (self.range.0.min(len), self.range.1.min(len));
        let count = (end - begin) / self.size;
        let together = books.get(self.master)?.dimensions;
        classes.clear();
        classes.resize(count * live.len(), 0);
        for pass in 0..self.passes {
            // Without bits there is nothing to be added, and passes over many partitions cost time.
            if bits.is_at_end() {
                return None;
            }
            for first in (0..count).step_by(together) {
                let last = count.min(first + together);
                if pass == 0 {
                    for all in classes.chunks_exact_mut(count) {
                        let mut number = books[self.master].number(bits)?;
                        for place in (first..first + together).rev() {
                            if let Some(class) = all.get_mut(place) {
                                *class = u8::try_from(number % self.classes).unwrap_or_default();
                            }
                            number /= self.classes;
                        }
                    }
                }
                for part in first..last {
                    for (n, channel) in live.iter().enumerate() {
                        let class = classes[n * count + part];
                        let Some(book) = self.books[usize::from(class)][pass] else {
                            continue;
                        };
                        let book = &mut books[usize::from(book)];
                        book.prepare();
                        let start = begin + part * self.size;
                        *reach = (*reach).max(start + self.size);
                        let values = &mut spectra[channel * len + start..][..self.size];
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
        let (vector, rest) = vector(bits, book)?;
        let places = values[first..].iter_mut().step_by(step);
        let vector = vector.iter().chain(rest);
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
        for some in values.as_chunks_mut::<N>().0.chunks_mut(AT_ONCE) {
            here.fill();
            for values in some {
                let vector = vectors.get(book.next_number(&mut here)? as usize)?;
                add(values, vector);
            }
        }
        *bits = here;
        Some(())
    }
    /// Vectors of eight whose halves are kept.
    #[inline(always)]
    fn of_halves(bits: &mut Bits<'_>, book: &Codebook, halves: Halves, values: &mut [f32]) -> Option<()> {
        let vectors = book.vectors().as_chunks::<4>().0;
        let mut here = *bits;
        for some in values.as_chunks_mut::<8>().0.chunks_mut(AT_ONCE) {
            here.fill();
            for values in some {
                let (first, second) = halves.of(book.next_number(&mut here)?);
                let [low, high] = values.as_chunks_mut::<4>().0 else {
                    continue;
                };
                add(low, vectors.get(first)?);
                add(high, vectors.get(second)?);
            }
        }
        *bits = here;
        Some(())
    }
    match (book.dimensions, book.halves()) {
        (1, _) => of::<1>(bits, book, values),
        (2, _) => of::<2>(bits, book, values),
        (4, _) => of::<4>(bits, book, values),
        (8, Some(halves)) => of_halves(bits, book, halves, values),
        (more, _) => {
            for values in values.chunks_exact_mut(more) {
                let (vector, rest) = vector(bits, book)?;
                let vector = vector.iter().chain(rest);
                values.iter_mut().zip(vector).for_each(|(to, from)| *to += from);
            }
            Some(())
        }
    }
}

/// Adds a vector.
#[inline(always)]
fn add<const N: usize>(values: &mut [f32; N], vector: &[f32; N]) {
    values.iter_mut().zip(vector).for_each(|(to, from)| *to += from);
}

/// Reads a vector, in one piece or in two; `None` at the end of the packet, or if there are none.
fn vector<'a>(bits: &mut Bits<'_>, book: &'a Codebook) -> Option<(&'a [f32], &'a [f32])> {
    let number = book.number(bits)?;
    let of = |number, len| book.vectors().get(number * len..(number + 1) * len);
    let Some(halves) = book.halves() else {
        return Some((of(number as usize, book.dimensions)?, &[]));
    };
    let ((first, second), len) = (halves.of(number), book.dimensions / 2);
    Some((of(first, len)?, of(second, len)?))
}

#[cfg(test)]
mod tests;
