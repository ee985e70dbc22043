//! Floors: the curve that a spectrum is multiplied with, as straight lines in decibels.

use super::bits::Bits;
use super::codebook::Codebook;

/// The most corners of a curve.
const CORNERS: usize = 65;

/// A group of corners.
#[derive(Default, Clone)]
struct Class {
    /// How many corners.
    corners: u8,
    /// Bits that choose a book for each corner.
    choice: u8,
    /// The book that the choices are coded with.
    master: u8,
    /// The books, by the choice.
    books: [Option<u8>; 8],
}

/// How a floor is coded.
pub(super) struct Floor {
    /// The groups, in order.
    groups: Vec<Class>,
    /// What heights are multiplied with, 1 to 4, and the number of heights.
    step: i32,
    range: i32,
    /// Where each corner stands.
    places: Vec<u32>,
    /// The corners from left to right.
    order: Vec<u8>,
    /// For each corner what it is coded from.
    between: Vec<Between>,
}

/// Where a corner stands between others.
struct Between {
    /// The nearest of those before it, to the left and to the right.
    neighbours: (u8, u8),
    /// How much of the way from the left to the right one lies before it, with [`POINT`] bits behind the point.
    way: i64,
}

/// Bits behind the point of [`Between::way`]. Heights are below 2^8 and distances not above 2^15: a height times a distance
/// divided by another, rounded down, is exact with more bits than in 2^8 * 2^15 * 2^15.
const POINT: u32 = 40;

/// A decoded curve: the height of each corner, if it is one.
pub(super) struct Curve([Option<i32>; CORNERS]);

impl Default for Curve {
    fn default() -> Self {
        Self([None; CORNERS])
    }
}

impl Floor {
    /// Reads the description, behind the number of its kind. There are so many books.
    pub(super) fn read(bits: &mut Bits<'_>, books: usize) -> Option<Self> {
        let book = |number: u8| (usize::from(number) < books).then_some(number);
        let count = bits.take(5)?;
        let kinds: Vec<u8> = (0..count).map(|_| bits.small(4)).collect::<Option<_>>()?;
        let mut classes = vec![Class::default(); kinds.iter().max().map_or(0, |&most| usize::from(most) + 1)];
        for class in &mut classes {
            class.corners = bits.small(3)? + 1;
            class.choice = bits.small(2)?;
            if class.choice > 0 {
                class.master = book(bits.small(8)?)?;
            }
            for place in &mut class.books[..1 << class.choice] {
                let number = bits.small(8)?;
                *place = number.checked_sub(1);
                if let Some(number) = *place {
                    book(number)?;
                }
            }
        }
        let (step, range) = [(1, 256), (2, 128), (3, 86), (4, 64)][usize::from(bits.small(2)?)];
        let width = bits.take(4)?;
        let groups: Vec<Class> = kinds
            .iter()
            .map(|&kind| classes[usize::from(kind)].clone())
            .collect();
        let corners: usize = groups.iter().map(|class| usize::from(class.corners)).sum();
        if corners + 2 > CORNERS {
            return None;
        }
        let mut places = vec![0, 1 << width];
        for _ in 0..corners {
            places.push(bits.take(width)?);
        }
        let mut order: Vec<u8> = (0..).take(places.len()).collect();
        order.sort_unstable_by_key(|&corner| places[usize::from(corner)]);
        let twice = |pair: &[u8]| places[usize::from(pair[0])] == places[usize::from(pair[1])];
        if order.windows(2).any(twice) {
            return None;
        }
        let between = (0..places.len())
            .map(|corner| Between::new(&places, corner))
            .collect();
        Some(Self {
            groups,
            step,
            range,
            places,
            order,
            between,
        })
    }

    /// Reads the curve of a packet; `false` if there is none: the channel is silent. `None` where the packet ends.
    pub(super) fn curve(&self, bits: &mut Bits<'_>, books: &[Codebook], curve: &mut Curve) -> Option<bool> {
        if !bits.flag()? {
            return Some(false);
        }
        let mut heights = [0; CORNERS];
        let width = (self.range - 1).ilog2() + 1;
        heights[0] = bits.take(width)? as i32;
        heights[1] = bits.take(width)? as i32;
        let mut corner = 2;
        for class in &self.groups {
            let mut choices = 0;
            if class.choice > 0 {
                choices = books.get(usize::from(class.master))?.number(bits)?;
            }
            for _ in 0..class.corners {
                let choice = choices as usize & ((1 << class.choice) - 1);
                choices >>= class.choice;
                if let Some(book) = class.books[choice] {
                    heights[corner] = books.get(usize::from(book))?.number(bits)? as i32;
                }
                corner += 1;
            }
        }
        self.unfold(&mut heights, curve);
        Some(true)
    }

    /// Heights are coded as the distance from the line between the neighbours.
    fn unfold(&self, heights: &mut [i32; CORNERS], curve: &mut Curve) {
        curve.0[0] = Some(heights[0]);
        curve.0[1] = Some(heights[1]);
        for (corner, between) in self.between.iter().enumerate().skip(2) {
            let (left, right) = between.neighbours;
            let (left, right) = (usize::from(left), usize::from(right));
            let (from, to) = (heights[left], heights[right]);
            // Rounded towards the left one's height.
            let off = ((i64::from((to - from).abs()) * between.way) >> POINT) as i32;
            let line = if to < from { from - off } else { from + off };
            let coded = heights[corner];
            if coded == 0 {
                heights[corner] = line;
                curve.0[corner] = None;
                continue;
            }
            let (above, below) = (self.range - line, line);
            let room = 2 * above.min(below);
            heights[corner] = if coded >= room {
                if above > below {
                    coded - below + line
                } else {
                    line - coded + above - 1
                }
            } else if coded & 1 == 1 {
                line - (coded + 1) / 2
            } else {
                line + coded / 2
            }
            .clamp(0, 255);
            curve.0[corner] = Some(heights[corner]);
            for near in [left, right] {
                curve.0[near] = Some(heights[near]);
            }
        }
    }

    /// Multiplies a spectrum with a curve. `decibels` has the factor of each height.
    pub(super) fn apply(&self, curve: &Curve, decibels: &[f32; 256], spectrum: &mut [f32]) {
        let mut from: Option<(usize, i32)> = None;
        for &corner in &self.order {
            let corner = usize::from(corner);
            let Some(height) = curve.0[corner] else { continue };
            let to = (self.places[corner] as usize, (height * self.step).clamp(0, 255));
            if let Some(from) = from {
                line(from, to, decibels, spectrum);
            }
            from = Some(to);
        }
        if let Some((at, height)) = from {
            let end = spectrum.len();
            line((at, height), (end.max(at + 1), height), decibels, spectrum);
        }
    }
}

/// Multiplies a piece of a spectrum with a line, whose end does not belong to it.
fn line(from: (usize, i32), to: (usize, i32), decibels: &[f32; 256], spectrum: &mut [f32]) {
    let end = to.0.min(spectrum.len());
    let Some(piece) = spectrum.get_mut(from.0..end) else {
        return;
    };
    let rise = to.1 - from.1;
    if rise == 0 {
        let by = decibels[(from.1.cast_unsigned() & 255) as usize];
        piece.iter_mut().for_each(|value| *value *= by);
        return;
    }
    let width = u32::try_from(to.0 - from.0).unwrap_or(u32::MAX);
    let start = from.1.cast_unsigned();
    let slope = u64::from(rise.unsigned_abs());
    if width < 1 << 12 {
        // Places times the rise divided by the width, rounded down: exact, as the former are less than the width, the
        // rise is less than 2^8, and so is their product with the width less than 2^32.
        let step = slope * (u64::from(u32::MAX / width) + 1);
        return slant(piece, start, step, 32, rise > 0, decibels);
    }
    let step = slope * (1_u64 << 40).div_ceil(width.into());
    slant(piece, start, step, 40, rise > 0, decibels);
}

/// Multiplies with heights that change by `step`, with so many bits behind the point, from place to place.
#[inline(always)]
fn slant(piece: &mut [f32], start: u32, step: u64, point: u32, up: bool, decibels: &[f32; 256]) {
    // Downwards it is as if all were rounded up.
    let (mut at, step) = if up {
        (u64::from(start) << point, step)
    } else {
        (((u64::from(start) + 1) << point) - 1, step.wrapping_neg())
    };
    let mut next = |value: &mut f32| {
        *value *= decibels[(at >> point & 255) as usize];
        at = at.wrapping_add(step);
    };
    let (fours, rest) = piece.as_chunks_mut::<4>();
    for [a, b, c, d] in fours {
        next(a);
        next(b);
        next(c);
        next(d);
    }
    rest.iter_mut().for_each(next);
}

impl Between {
    /// Of this corner, and those before it.
    fn new(places: &[u32], corner: usize) -> Self {
        let neighbours = neighbours(places, corner);
        let x = |corner: u8| i64::from(places[usize::from(corner)]);
        let (left, right) = (x(neighbours.0), x(neighbours.1));
        let way = (i64::from(places[corner]) - left) * ((1 << POINT) / (right - left).max(1) + 1);
        Self { neighbours, way }
    }
}

/// The corners before this one that stand nearest to it, to the left and to the right.
#[expect(clippy::cast_possible_truncation, reason = "there are 65 corners at most")]
fn neighbours(places: &[u32], corner: usize) -> (u8, u8) {
    let before = || places[..corner].iter().enumerate();
    let left = before()
        .filter(|(_, place)| **place < places[corner])
        .max_by_key(|(_, place)| **place);
    let right = before()
        .filter(|(_, place)| **place > places[corner])
        .min_by_key(|(_, place)| **place);
    (
        left.map_or(0, |(n, _)| n as u8),
        right.map_or(0, |(n, _)| n as u8),
    )
}

/// The factors of all heights: 140 dB in 256 steps, the last one 1.
#[expect(clippy::cast_possible_truncation, reason = "32 bits are enough")]
pub(super) fn decibels() -> [f32; 256] {
    std::array::from_fn(|height| 10_f64.powf(7.0 * (height as f64 - 255.0) / 256.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_are_those_of_the_specification() {
        let decibels = decibels();
        for (height, factor) in [
            (0, 1.064_986_3e-7),
            (1, 1.134_195_1e-7),
            (127, 3.162_278_7e-4),
            (254, 0.938_979_8),
            (255, 1.0),
        ] {
            let ratio: f32 = decibels[height] / factor;
            assert!((ratio - 1.0).abs() < 1e-6, "{height}: {ratio}");
        }
    }

    /// Whatever the slope, a line is the rounded one.
    #[test]
    fn lines_are_rounded_towards_their_start() {
        let decibels: [f32; 256] = std::array::from_fn(|n| n as f32);
        for (from, to) in [
            ((0, 10), (7, 200)),
            ((3, 250), (100, 3)),
            ((5, 9), (60, 12)),
            ((2, 7), (9, 7)),
            ((0, 10), (4095, 251)),
            ((0, 10), (4096, 251)),
            ((7, 255), (8000, 0)),
            ((0, 255), (32_768, 0)),
        ] {
            let mut spectrum = vec![1.0; 9000];
            line(from, to, &decibels, &mut spectrum);
            for (x, value) in spectrum.iter().enumerate() {
                let inside = (from.0..to.0).contains(&x);
                let [x, start, end] = [x, from.0, to.0].map(|x| i32::try_from(x).unwrap());
                let height = || from.1 + (to.1 - from.1) * (x - start) / (end - start);
                let wanted = if inside { height() as f32 } else { 1.0 };
                assert_eq!(*value, wanted, "{from:?} {to:?} at {x}");
            }
        }
    }

    /// The height between two corners, rounded down, whatever the distances.
    #[test]
    fn ways_are_exact() {
        for right in [2, 3, 7, 100, 255, 4097, 32_767, 32_768] {
            for at in [1, right / 3, right / 2, right - 1] {
                if at == 0 || at == right {
                    continue;
                }
                let between = Between::new(&[0, right, at], 2);
                assert_eq!(between.neighbours, (0, 1));
                for rise in 0..256 {
                    let wanted = rise * i64::from(at) / i64::from(right);
                    assert_eq!((rise * between.way) >> POINT, wanted, "{rise} at {at} of {right}");
                }
            }
        }
    }

    #[test]
    fn the_nearest_corners_before() {
        let places = [0, 128, 64, 32, 96, 33];
        assert_eq!(neighbours(&places, 2), (0, 1));
        assert_eq!(neighbours(&places, 3), (0, 2));
        assert_eq!(neighbours(&places, 4), (2, 1));
        assert_eq!(neighbours(&places, 5), (3, 2));
    }
}
