//! Scale factors, and values made loud by them.

use super::bands::{Bands, LINES, MOST};
use super::bits::Bits;
use super::header::Header;
use super::side::{Granule, Shape};

/// A place of intensity stereo that is none: the band is coded in the usual way.
pub(super) const NOWHERE: u8 = u8::MAX;

/// The widths of the lower and of the higher scale factors of MPEG-1.
const WIDTHS: [[u32; 2]; 16] = [
    [0, 0],
    [0, 1],
    [0, 2],
    [0, 3],
    [3, 0],
    [1, 1],
    [1, 2],
    [1, 3],
    [2, 1],
    [2, 2],
    [2, 3],
    [3, 1],
    [3, 2],
    [3, 3],
    [4, 2],
    [4, 3],
];

/// How many scale factors of MPEG-2 have each of four widths; by the range in which the number for the widths is, and by
/// shape. The last three are of the second channel of intensity stereo.
const COUNTS: [[[usize; 4]; 3]; 6] = [
    [[6, 5, 5, 5], [6, 9, 9, 9], [9, 9, 9, 9]],
    [[6, 5, 7, 3], [6, 9, 12, 6], [9, 9, 12, 6]],
    [[11, 10, 0, 0], [15, 18, 0, 0], [18, 18, 0, 0]],
    [[7, 7, 7, 0], [6, 15, 12, 0], [12, 12, 12, 0]],
    [[6, 6, 6, 3], [6, 12, 9, 6], [12, 9, 9, 6]],
    [[8, 8, 5, 0], [6, 18, 9, 0], [15, 12, 9, 0]],
];

/// What is added to the scale factors of high bands, from the twelfth on.
const EMPHASIS: [u8; 10] = [1, 1, 1, 1, 2, 2, 3, 3, 3, 2];

/// The scale factors of a channel, in the order of its bands.
#[derive(Clone)]
pub(super) struct Factors {
    /// The numbers. The last bands have none: they stay 0.
    numbers: [u8; MOST],
    /// The same as places of intensity stereo.
    places: [u8; MOST],
}

impl Factors {
    /// None.
    pub(super) fn new() -> Self {
        Self {
            numbers: [0; MOST],
            places: [0; MOST],
        }
    }

    /// The place of a band of intensity stereo. The last ones have that of the one before, of the same window.
    pub(super) fn place(&self, bands: &Bands, band: usize) -> u8 {
        let windows = if bands.long == bands.count { 1 } else { 3 };
        let last = band + windows >= bands.count;
        self.places[if last { band - windows } else { band }]
    }

    /// Reads those of a granule. Of `shared` groups it keeps those of the granule before.
    pub(super) fn read(
        &mut self,
        bits: &mut Bits<'_>,
        header: &Header,
        granule: &Granule,
        intensity: bool,
        shared: [bool; 4],
    ) {
        let shape = granule.shape as usize;
        let (widths, counts, shared) = if header.mpeg1 {
            let [low, high] = WIDTHS[granule.compress as usize & 15];
            let counts = [[6, 5, 5, 5], [17, 0, 18, 0], [18, 0, 18, 0]][shape];
            let shared = if granule.shape == Shape::Long {
                shared
            } else {
                [false; 4]
            };
            ([low, low, high, high], counts, shared)
        } else {
            let (widths, range) = widths(granule.compress, intensity);
            (widths, COUNTS[range][shape], [false; 4])
        };
        let mut at = 0;
        for ((width, count), shared) in widths.into_iter().zip(counts).zip(shared) {
            let group = at..at + count;
            at += count;
            if shared {
                continue;
            }
            let nowhere = match (header.mpeg1, width) {
                (true, _) => 7,
                (false, 0) => NOWHERE,
                (false, width) => u8::MAX >> (8 - width),
            };
            for (number, place) in self.numbers[group.clone()]
                .iter_mut()
                .zip(&mut self.places[group])
            {
                *number = bits.small(width);
                *place = if *number >= nowhere { NOWHERE } else { *number };
            }
        }
        self.numbers[at..].fill(0);
        self.places[at..].fill(0);
    }

    /// Makes values loud, `more` quarters of a power of two more than the granule says: they take the place of what is in
    /// `lines`, or are added to it. Values are there up to `end`; behind it are zeros.
    pub(super) fn apply<const ADD: bool>(
        &self,
        granule: &Granule,
        bands: &Bands,
        more: i32,
        values: &[f32; LINES],
        end: usize,
        lines: &mut [f32; LINES],
    ) {
        let shift = if granule.whole_steps { 2 } else { 1 };
        for (band, range) in bands.ranges().enumerate() {
            if range.start >= end {
                break;
            }
            let mut quarters = granule.gain - 210 + more;
            let mut number = i32::from(self.numbers[band]);
            if band >= bands.long {
                quarters -= 8 * i32::from(granule.less[(band - bands.long) % 3]);
            } else if granule.emphasis && bands.long == bands.count {
                let emphasis = band.checked_sub(11).and_then(|band| EMPHASIS.get(band));
                number += emphasis.map_or(0, |emphasis| i32::from(*emphasis));
            }
            let gain = power(quarters - (number << shift));
            let range = range.start..range.end.min(end);
            for (line, value) in lines[range.clone()].iter_mut().zip(&values[range]) {
                if ADD {
                    *line += value * gain;
                } else {
                    *line = value * gain;
                }
            }
        }
        if !ADD {
            lines[end..].fill(0.0);
        }
    }
}

/// The four widths of scale factors of MPEG-2, and the range in which the number is that they are made of.
fn widths(compress: u32, intensity: bool) -> ([u32; 4], usize) {
    if intensity {
        return match compress >> 1 {
            n @ ..180 => ([n / 36, n % 36 / 6, n % 6, 0], 3),
            n @ 180..244 => ([(n - 180) / 16, (n - 180) / 4 % 4, (n - 180) % 4, 0], 4),
            n => ([(n - 244) / 3, (n - 244) % 3, 0, 0], 5),
        };
    }
    match compress {
        n @ ..400 => ([n / 80, n / 16 % 5, n / 4 % 4, n % 4], 0),
        n @ 400..500 => ([(n - 400) / 20, (n - 400) / 4 % 5, (n - 400) % 4, 0], 1),
        n => ([(n - 500) / 3, (n - 500) % 3, 0, 0], 2),
    }
}

/// Two to the power of so many quarters.
#[expect(clippy::cast_sign_loss, reason = "the exponent is kept positive")]
pub(super) fn power(quarters: i32) -> f32 {
    const FOURTHS: [f32; 4] = [1.0, 1.189_207_1, std::f32::consts::SQRT_2, 1.681_792_8];
    let exponent = (quarters >> 2).clamp(-126, 127) + 127;
    f32::from_bits((exponent as u32) << 23) * FOURTHS[(quarters & 3) as usize]
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::super::bands::BandTable;
    use super::super::bits::Writer;
    use super::super::side::NOTHING;
    use super::*;

    #[test]
    fn powers() {
        for quarters in -400..100_i32 {
            let expected = (f64::from(quarters) / 4.0).exp2();
            assert!(
                (f64::from(power(quarters)) / expected - 1.0).abs() < 1e-7,
                "{quarters}"
            );
        }
    }

    /// The scale factors of two channels' headers, and how many bits they take.
    fn read(header: [u8; 4], granule: &Granule, intensity: bool) -> (Factors, usize) {
        let mut out = Writer::default();
        (0..200).for_each(|n| _ = out.put(n % 5 + n % 3, 3));
        let bytes = out.bytes();
        let (mut factors, mut bits) = (Factors::new(), Bits::new(&bytes));
        factors.numbers = [77; MOST];
        let header = Header::read(&header).unwrap();
        factors.read(&mut bits, &header, granule, intensity, [false, true, false, true]);
        (factors, bits.position())
    }

    #[test]
    fn widths_follow_from_one_number() {
        let mpeg1 = |shape| Granule {
            compress: 15,
            shape,
            ..NOTHING
        };
        // Long blocks share two groups of 5 with the granule before.
        let header = [0xff, 0xfb, 0x90, 0x00];
        let (factors, bits) = read(header, &mpeg1(Shape::Long), false);
        assert_eq!(bits, 6 * 4 + 5 * 3);
        assert!(factors.numbers[6..11] == [77; 5] && factors.numbers[16..21] == [77; 5]);
        assert_eq!(factors.numbers[21..], [0; MOST - 21]);
        assert_eq!(read(header, &mpeg1(Shape::Short), false).1, 18 * 7);
        assert_eq!(read(header, &mpeg1(Shape::Mixed), false).1, 17 * 4 + 18 * 3);
        for (compress, intensity, shape, expected) in [
            (
                4 * 80 + 4 * 16 + 3 * 4 + 3,
                false,
                Shape::Long,
                6 * 4 + 5 * 4 + 5 * 3 + 5 * 3,
            ),
            (
                400 + 4 * 20 + 4 * 4 + 3,
                false,
                Shape::Mixed,
                6 * 4 + 9 * 4 + 12 * 3,
            ),
            (500 + 3 * 3 + 2, false, Shape::Short, 18 * 3 + 18 * 2),
            (2 * 179, true, Shape::Long, 7 * 4 + 7 * 5 + 7 * 5),
            (2 * 243 + 1, true, Shape::Short, 12 * 3 + 9 * 3 + 9 * 3),
            (2 * 255, true, Shape::Mixed, 6 * 3 + 18 * 2),
        ] {
            let granule = Granule {
                compress,
                shape,
                ..NOTHING
            };
            let (factors, bits) = read([0xff, 0xf3, 0x90, 0x00], &granule, intensity);
            assert_eq!(bits, expected, "{compress}");
            let zeros = factors
                .numbers
                .iter()
                .rev()
                .take_while(|number| **number == 0)
                .count();
            assert!(zeros >= MOST - 36, "{compress}");
        }
    }

    #[test]
    fn gains_follow_from_all_that_makes_them() {
        let (table, mut factors) = (BandTable::new(0), Factors::new());
        factors.numbers = std::array::from_fn(|band| (band % 4) as u8);
        let values = std::array::from_fn(|line| line as f32);
        let granule = Granule {
            gain: 210,
            whole_steps: true,
            emphasis: true,
            less: [1, 0, 2],
            ..NOTHING
        };
        for shape in [Shape::Long, Shape::Mixed, Shape::Short] {
            let (bands, mut lines) = (table.bands(shape), [3.0; LINES]);
            factors.apply::<false>(&granule, bands, -4, &values, 500, &mut lines);
            for (band, range) in bands.ranges().enumerate() {
                let window = [1, 0, 2][(MOST + band - bands.long) % 3];
                let less = if band >= bands.long { 2 * window } else { 0 };
                let emphasis = if shape == Shape::Long && (11..21).contains(&band) {
                    [1, 1, 1, 1, 2, 2, 3, 3, 3, 2][band - 11]
                } else {
                    0
                };
                let gain = (-1.0 - f64::from(less + band as i32 % 4 + emphasis)).exp2() as f32;
                for line in range {
                    let expected = if line < 500 { values[line] * gain } else { 0.0 };
                    assert_eq!(lines[line], expected, "{shape:?}, line {line}");
                }
            }
            let once = lines;
            factors.apply::<true>(&granule, bands, -4, &values, 500, &mut lines);
            assert!(lines.iter().zip(once).all(|(twice, once)| *twice == 2.0 * once));
        }
    }
}
