//! The bands of a spectrum that share a scale factor.

use super::side::Shape;

/// Lines of a spectrum.
pub(super) const LINES: usize = 576;

/// The most bands: 13 of three windows each.
pub(super) const MOST: usize = 39;

/// Where the bands of long blocks begin and the last one ends; by sample rate, in the order of the headers.
const LONG: [[u16; 23]; 9] = {
    const LOW: [u16; 23] = [
        0, 6, 12, 18, 24, 30, 36, 44, 54, 66, 80, 96, 116, 140, 168, 200, 238, 284, 336, 396, 464, 522, 576,
    ];
    [
        [
            0, 4, 8, 12, 16, 20, 24, 30, 36, 44, 52, 62, 74, 90, 110, 134, 162, 196, 238, 288, 342, 418, 576,
        ],
        [
            0, 4, 8, 12, 16, 20, 24, 30, 36, 42, 50, 60, 72, 88, 106, 128, 156, 190, 230, 276, 330, 384, 576,
        ],
        [
            0, 4, 8, 12, 16, 20, 24, 30, 36, 44, 54, 66, 82, 102, 126, 156, 194, 240, 296, 364, 448, 550, 576,
        ],
        LOW,
        // Some decoders have 330 for 332.
        [
            0, 6, 12, 18, 24, 30, 36, 44, 54, 66, 80, 96, 114, 136, 162, 194, 232, 278, 332, 394, 464, 540,
            576,
        ],
        LOW,
        LOW,
        LOW,
        [
            0, 12, 24, 36, 48, 60, 72, 88, 108, 132, 160, 192, 232, 280, 336, 400, 476, 566, 568, 570, 572,
            574, 576,
        ],
    ]
};

/// The same of each of the three windows of short blocks.
const SHORT: [[u16; 14]; 9] = {
    const LOW: [u16; 14] = [0, 4, 8, 12, 18, 26, 36, 48, 62, 80, 104, 134, 174, 192];
    [
        [0, 4, 8, 12, 16, 22, 30, 40, 52, 66, 84, 106, 136, 192],
        [0, 4, 8, 12, 16, 22, 28, 38, 50, 64, 80, 100, 126, 192],
        [0, 4, 8, 12, 16, 22, 30, 42, 58, 78, 104, 138, 180, 192],
        [0, 4, 8, 12, 18, 24, 32, 42, 56, 74, 100, 132, 174, 192],
        [0, 4, 8, 12, 18, 26, 36, 48, 62, 80, 104, 136, 180, 192],
        LOW,
        LOW,
        LOW,
        [0, 8, 16, 24, 36, 52, 72, 96, 124, 160, 162, 164, 166, 192],
    ]
};

/// The first short band of mixed blocks.
const MIXED_FROM: usize = 3;

/// The bands of a granule, in the order in which they are coded.
#[derive(Clone)]
pub(super) struct Bands {
    /// Where each ends.
    ends: [u16; MOST],
    /// How many there are.
    pub(super) count: usize,
    /// How many of them are of a long block; the others are of three windows in turn.
    pub(super) long: usize,
}

impl Bands {
    /// Those of one sample rate and shape.
    fn new(rate_index: usize, shape: Shape) -> Self {
        let (long, short) = (&LONG[rate_index], &SHORT[rate_index]);
        let (long_count, from) = match shape {
            Shape::Long => (22, 13),
            Shape::Mixed => (if rate_index < 3 { 8 } else { 6 }, MIXED_FROM),
            Shape::Short => (0, 0),
        };
        let mut ends = [0; MOST];
        ends[..long_count].copy_from_slice(&long[1..=long_count]);
        let mut end = short[from] * 3;
        let triples = ends[long_count..].chunks_exact_mut(3);
        for (triple, band) in triples.zip(short[from..].windows(2)) {
            for to in triple {
                end += band[1] - band[0];
                *to = end;
            }
        }
        Self {
            ends,
            count: long_count + 3 * (13 - from),
            long: long_count,
        }
    }

    /// Where each band begins and ends.
    pub(super) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let ends = self.ends[..self.count]
            .iter()
            .map(|end| usize::from(*end).min(LINES));
        ends.scan(0, |from, end| Some(std::mem::replace(from, end)..end))
    }

    /// How many lines must be read to have the lowest ones: in short bands the windows come one after the other.
    pub(super) fn read_to(&self, lines: usize) -> usize {
        let short = self.ends[..self.count].iter().skip(self.long + 2).step_by(3);
        let ends = short.map(|end| usize::from(*end));
        match self.long_lines() {
            long if lines <= long => lines,
            _ => ends.into_iter().find(|end| *end >= lines).unwrap_or(LINES),
        }
    }

    /// Where the long block ends, in lines.
    pub(super) fn long_lines(&self) -> usize {
        self.long
            .checked_sub(1)
            .map_or(0, |last| usize::from(self.ends[last]))
    }
}

/// The bands of every shape at one sample rate.
pub(super) struct BandTable {
    /// By shape.
    shapes: [Bands; 3],
    /// Which rate it is.
    rate_index: usize,
}

impl BandTable {
    /// Those of a sample rate.
    pub(super) fn new(rate_index: usize) -> Self {
        Self {
            shapes: [Shape::Long, Shape::Mixed, Shape::Short].map(|shape| Bands::new(rate_index, shape)),
            rate_index,
        }
    }

    /// Those of a shape.
    pub(super) fn bands(&self, shape: Shape) -> &Bands {
        &self.shapes[shape as usize]
    }

    /// Where so many bands of a long block end.
    pub(super) fn long_end(&self, bands: usize) -> usize {
        LONG[self.rate_index][bands.min(22)].into()
    }

    /// Where so many bands of a short block end, of all windows.
    pub(super) fn short_end(&self, bands: usize) -> usize {
        usize::from(SHORT[self.rate_index][bands.min(13)]) * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_short_bands_all_windows_are_read() {
        let table = BandTable::new(0);
        for (shape, lines, expected) in [
            (Shape::Short, 342, 408),
            (Shape::Short, 408, 408),
            (Shape::Short, 1, 12),
            (Shape::Mixed, 20, 20),
            (Shape::Mixed, 342, 408),
        ] {
            assert_eq!(table.bands(shape).read_to(lines), expected, "{shape:?} {lines}");
        }
    }

    #[test]
    fn bands_cover_the_spectrum_in_pairs_of_lines() {
        for rate_index in 0..9 {
            let layout = BandTable::new(rate_index);
            for shape in [Shape::Long, Shape::Mixed, Shape::Short] {
                let bands = layout.bands(shape);
                let mut at = 0;
                for range in bands.ranges() {
                    assert_eq!(range.start, at, "{rate_index} {shape:?}");
                    assert!(range.end > at && range.len() % 2 == 0);
                    at = range.end;
                }
                assert_eq!(at, LINES, "{rate_index} {shape:?}");
                assert_eq!(bands.long_lines() % 18, 0);
                assert_eq!((bands.count - bands.long) % 3, 0);
            }
            assert_eq!(layout.bands(Shape::Long).read_to(341), 341);
            assert_eq!(layout.bands(Shape::Short).read_to(LINES), LINES);
            // Bands never become narrower, but for the last of all and the odd ones of 8 kHz.
            if rate_index < 8 {
                let widths: Vec<u16> = LONG[rate_index]
                    .windows(2)
                    .map(|pair| pair[1] - pair[0])
                    .collect();
                assert!(widths[..20].is_sorted(), "{widths:?}");
                let widths: Vec<u16> = SHORT[rate_index]
                    .windows(2)
                    .map(|pair| pair[1] - pair[0])
                    .collect();
                assert!(widths[..12].is_sorted(), "{widths:?}");
            }
        }
    }
}
