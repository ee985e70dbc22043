//! Two channels of what is coded as their sum and difference, or as one and its place.

use super::bands::{Bands, LINES};
use super::header::Header;
use super::scale::{Factors, NOWHERE, power};
use super::side::Granule;
use super::trig::{PI, cosine, sine};

/// The two parts of a line at each place of MPEG-1.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
const PARTS: [[f32; 2]; 7] = {
    let (mut out, mut place) = ([[0.0; 2]; 7], 0);
    while place < 7 {
        let angle = PI / 12.0 * place as f64;
        let sum = sine(angle) + cosine(angle);
        out[place] = [(sine(angle) / sum) as f32, (cosine(angle) / sum) as f32];
        place += 1;
    }
    out
};

/// Makes left and right of their sum and difference, which are scaled for that.
pub(super) fn mid_side(mid: &mut [f32], side: &mut [f32]) {
    for (mid, side) in mid.iter_mut().zip(side) {
        (*mid, *side) = (*mid + *side, *mid - *side);
    }
}

/// Makes left and right where the second channel has nothing but places, and of their sum and difference elsewhere, if
/// they are coded so.
pub(super) fn intensity(
    header: &Header,
    second: &Granule,
    bands: &Bands,
    factors: &Factors,
    lines: &mut [[f32; LINES]; 2],
) {
    let [left, right] = lines;
    // The last band of each window in which the second channel has anything.
    let mut last = [None; 3];
    for (band, range) in bands.ranges().enumerate() {
        if right[range].iter().any(|line| *line != 0.0) {
            last[window(bands, band)] = Some(band);
        }
    }
    // Long bands are below all short ones.
    let any = last.into_iter().max().flatten();
    for (band, range) in bands.ranges().enumerate() {
        let last = if band < bands.long {
            any
        } else {
            last[window(bands, band)]
        };
        let (left, right) = (&mut left[range.clone()], &mut right[range]);
        let place = factors.place(bands, band);
        if last.is_some_and(|last| band <= last) || place == NOWHERE {
            if header.mid_side {
                mid_side(left, right);
            }
            continue;
        }
        let [to_left, to_right] = parts(header, second, place);
        // Both were scaled as sum and difference.
        let all = if header.mid_side {
            std::f32::consts::SQRT_2
        } else {
            1.0
        };
        for (left, right) in left.iter_mut().zip(right) {
            (*left, *right) = (*left * to_left * all, *left * to_right * all);
        }
    }
}

/// The window of a band, of three.
fn window(bands: &Bands, band: usize) -> usize {
    band.checked_sub(bands.long).map_or(0, |band| band % 3)
}

/// The two parts of a line at a place.
fn parts(header: &Header, second: &Granule, place: u8) -> [f32; 2] {
    if header.mpeg1 {
        return PARTS[usize::from(place).min(6)];
    }
    let steps = i32::from(place.div_ceil(2)) << (second.compress & 1);
    let part = power(-steps);
    if place % 2 == 1 { [part, 1.0] } else { [1.0, part] }
}

#[cfg(test)]
mod tests {
    use super::super::bands::BandTable;
    use super::super::bits::{Bits, Writer};
    use super::super::side::{NOTHING, Shape};
    use super::*;

    #[test]
    fn sum_and_difference() {
        let (mut mid, mut side) = ([1.0, 2.0], [0.5, -1.0]);
        mid_side(&mut mid, &mut side);
        assert_eq!((mid, side), ([1.5, 1.0], [0.5, 3.0]));
    }

    #[test]
    fn places_of_mpeg_1() {
        for (place, [left, right]) in PARTS.into_iter().enumerate() {
            assert!((left + right - 1.0).abs() < 1e-6);
            let mirrored = PARTS[6 - place];
            assert!((left - mirrored[1]).abs() < 1e-6, "{place}");
        }
        assert!((PARTS[1][0] - 0.211_324_87).abs() < 1e-7);
    }

    /// Bands of one place each, of two channels of which the second ends at a line.
    fn placed(header: [u8; 4], shape: Shape, place: u32, end: usize) -> ([[f32; LINES]; 2], Bands) {
        let header = Header::read(&header).unwrap();
        let bands = BandTable::new(header.rate_index).bands(shape).clone();
        let granule = Granule {
            compress: if header.mpeg1 { 15 } else { 2 * 179 },
            shape,
            ..NOTHING
        };
        let mut out = Writer::default();
        let widths: &[(u32, u32)] = match (header.mpeg1, shape) {
            (true, Shape::Long) => &[(11, 4), (10, 3)],
            (true, _) => &[(18, 4), (18, 3)],
            (false, _) => &[(7, 4), (7, 5), (7, 5)],
        };
        for (count, width) in widths {
            (0..*count).for_each(|_| _ = out.put(place, *width));
        }
        let (mut factors, bytes) = (Factors::new(), out.bytes());
        factors.read(&mut Bits::new(&bytes), &header, &granule, true, [false; 4]);
        let mut lines = [[1.0; LINES]; 2];
        lines[1][end..].fill(0.0);
        intensity(&header, &granule, &bands, &factors, &mut lines);
        (lines, bands)
    }

    #[test]
    fn above_the_second_channel_are_places() {
        let ([left, right], _) = placed([0xff, 0xfb, 0x90, 0x50], Shape::Long, 1, 100);
        assert_eq!((left[109], right[50], right[109]), (1.0, 1.0, 0.0));
        assert!((left[110] - 0.211_324_87).abs() < 1e-6 && (right[575] - 0.788_675_1).abs() < 1e-6);
        // As sum and difference below.
        let ([left, right], _) = placed([0xff, 0xfb, 0x90, 0x70], Shape::Long, 6, 100);
        assert_eq!((left[50], right[50]), (2.0, 0.0));
        assert!((left[575] - std::f32::consts::SQRT_2).abs() < 1e-6 && right[575].abs() < 1e-6);
        // A place that is none.
        let ([left, right], _) = placed([0xff, 0xfb, 0x90, 0x50], Shape::Long, 7, 0);
        assert_eq!((left[300], right[300]), (1.0, 0.0));
        // Places of MPEG-2, in quarters of a power of two.
        for (place, expected) in [(0, [1.0, 1.0]), (3, [power(-2), 1.0]), (4, [1.0, power(-2)])] {
            let ([left, right], _) = placed([0xff, 0xf3, 0x90, 0x50], Shape::Long, place, 0);
            assert_eq!([left[300], right[300]], expected, "{place}");
        }
    }

    #[test]
    fn each_window_has_its_own_end() {
        let ([left, right], bands) = placed([0xff, 0xfb, 0x90, 0x50], Shape::Short, 0, 5);
        // The first band of the first two windows is coded, all others are places.
        let ranges: Vec<_> = bands.ranges().collect();
        assert_eq!(left[ranges[0].start], 1.0);
        assert_eq!((left[ranges[1].start], right[ranges[1].start]), (1.0, 1.0));
        for range in &ranges[2..4] {
            let line = range.start;
            assert!(left[line].abs() < 1e-6 && right[line] == 1.0);
        }
    }
}
