//! From the lines of a granule to samples of 32 subbands: aliases between neighbours are undone, then each subband goes
//! through an inverse MDCT. All subbands go together, one in each lane of a vector.

#![expect(
    clippy::needless_range_loop,
    reason = "loops over lanes become vectors when nothing else is in them"
)]

use super::bands::{Bands, LINES};
use super::side::{Granule, Shape, Window};
use super::trig::{PI, cosine, half_secant, sine, square_root};

/// Subbands.
pub(super) const SUBBANDS: usize = 32;

/// Lines of a subband, and samples of it in a granule.
pub(super) const STEPS: usize = 18;

/// A number of lanes of which many granules need no more: whole vectors, and what reaches 12 kHz at 44.1 kHz.
const FEW: usize = 20;

/// One number for each line or sample of each subband.
pub(super) type Lanes = [[f32; SUBBANDS]; STEPS];

/// The factors by which neighbours leak into each other: cosine and sine.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
const LEAKS: [[f32; 2]; 8] = {
    let leaks = [-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037];
    let (mut out, mut n) = ([[0.0; 2]; 8], 0);
    while n < 8 {
        let length = square_root(1.0 + leaks[n] * leaks[n]);
        out[n] = [(1.0 / length) as f32, (leaks[n] / length) as f32];
        n += 1;
    }
    out
};

/// The windows of long blocks, with the last factors of the transform in them.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
static WINDOWS: [[f32; 36]; 4] = {
    let (mut out, mut kind) = ([[0.0; 36]; 4], 0);
    while kind < 4 {
        let mut n = 0;
        while n < 36 {
            let x = n as f64 + 0.5;
            let height = match (kind, n) {
                (1, 18..24) | (3, 12..18) => 1.0,
                (1, 30..) | (3, ..6) => 0.0,
                (1, 24..30) => sine(PI / 12.0 * (x - 18.0)),
                (3, 6..12) => sine(PI / 12.0 * (x - 6.0)),
                _ => sine(PI / 36.0 * x),
            };
            out[kind][n] = (height * last_factor(18, n)) as f32;
            n += 1;
        }
        kind += 1;
    }
    out
};

/// The window of short blocks, made in the same way.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
const SHORT_WINDOW: [f32; 12] = {
    let (mut out, mut n) = ([0.0; 12], 0);
    while n < 12 {
        out[n] = (sine(PI / 12.0 * (n as f64 + 0.5)) * last_factor(6, n)) as f32;
        n += 1;
    }
    out
};

/// An inverse MDCT of `lines` lines is a DCT-IV that is mirrored: where its value for a sample stands.
const fn mirrored(lines: usize, sample: usize) -> usize {
    match (sample, lines / 2) {
        (n, half) if n < half => n + half,
        (n, half) if n < 3 * half => 3 * half - 1 - n,
        (n, half) => n - 3 * half,
    }
}

/// The sign of that value, and what it has to be multiplied with.
const fn last_factor(lines: usize, sample: usize) -> f64 {
    let angle = PI / (4 * lines) as f64 * (2 * mirrored(lines, sample) + 1) as f64;
    let sign = if sample < lines / 2 { 0.5 } else { -0.5 };
    sign / cosine(angle)
}

/// The samples of subbands in the middle of their way: what a granule leaves for the next one.
#[derive(Clone)]
pub(super) struct Overlap {
    /// The second half of each block.
    halves: Lanes,
    /// Subbands that have any.
    subbands: usize,
    /// The granule in work.
    lanes: Lanes,
}

impl Overlap {
    /// Silence.
    pub(super) fn new() -> Self {
        Self {
            halves: [[0.0; SUBBANDS]; STEPS],
            subbands: 0,
            lanes: [[0.0; SUBBANDS]; STEPS],
        }
    }

    /// Adds what another granule leaves.
    pub(super) fn add(&mut self, other: &Self) {
        let halves = self.halves.as_flattened_mut().iter_mut();
        halves
            .zip(other.halves.as_flattened())
            .for_each(|(to, from)| *to += from);
        self.subbands = self.subbands.max(other.subbands);
    }

    /// Makes samples of lines that are 0 from `end` on; of subbands from `limit` on nothing is made. Returns how many
    /// subbands have samples: what is behind them was not written.
    pub(super) fn synthesize(
        &mut self,
        granule: &Granule,
        bands: &Bands,
        lines: &[f32; LINES],
        end: usize,
        limit: usize,
        samples: &mut Lanes,
    ) -> usize {
        let mut subbands = end.div_ceil(STEPS).min(limit);
        let lanes = &mut self.lanes;
        if granule.shape == Shape::Long {
            spread(lines, subbands, lanes);
        } else {
            let mut ordered = [0.0; LINES];
            interleave(bands, lines, &mut ordered);
            // The three windows of a band end in different subbands.
            subbands = ordered
                .iter()
                .rposition(|line| *line != 0.0)
                .map_or(0, |last| last / STEPS + 1);
            subbands = subbands.min(limit);
            spread(&ordered, subbands, lanes);
        }
        // Subbands that are long blocks in any case, and those that are.
        let (low, long) = match granule.shape {
            Shape::Long if granule.mixed => (2, SUBBANDS),
            Shape::Long => (0, SUBBANDS),
            Shape::Mixed | Shape::Short => (bands.long_lines() / STEPS, bands.long_lines() / STEPS),
        };
        if long > 0 && subbands > 0 {
            subbands = subbands.max((subbands + 1).min(long)).min(limit);
            undo_aliases(lanes, subbands.min(long));
        }
        let all = subbands.max(self.subbands);
        self.subbands = subbands;
        if all <= FEW {
            self.blocks::<FEW>(granule.window, low, samples);
        } else {
            self.blocks::<SUBBANDS>(granule.window, low, samples);
        }
        all
    }

    /// Makes samples of what is in the first lanes, of which the `low` ones have the normal window.
    fn blocks<const N: usize>(&mut self, window: Window, low: usize, samples: &mut Lanes) {
        if low == 0 {
            return self.blocks_of_a_kind::<N>(window, samples);
        }
        // Mixed blocks are rare: what is not wanted of both kinds is made all the same.
        let (mut normal, mut normal_samples) = (self.clone(), [[0.0; SUBBANDS]; STEPS]);
        normal.blocks_of_a_kind::<N>(Window::Normal, &mut normal_samples);
        self.blocks_of_a_kind::<N>(window, samples);
        let low = low.min(SUBBANDS);
        for step in 0..STEPS {
            samples[step][..low].copy_from_slice(&normal_samples[step][..low]);
            self.halves[step][..low].copy_from_slice(&normal.halves[step][..low]);
        }
    }

    /// The same with one window for all.
    fn blocks_of_a_kind<const N: usize>(&mut self, window: Window, samples: &mut Lanes) {
        if window == Window::Short {
            short_blocks::<N>(&mut self.lanes, &mut self.halves, samples);
        } else {
            long_blocks::<N>(
                &mut self.lanes,
                &WINDOWS[window as usize],
                &mut self.halves,
                samples,
            );
        }
    }
}

/// Puts the three windows of short bands line beside line.
fn interleave(bands: &Bands, lines: &[f32; LINES], out: &mut [f32; LINES]) {
    let long = bands.long_lines();
    out[..long].copy_from_slice(&lines[..long]);
    for (band, range) in bands.ranges().enumerate().skip(bands.long) {
        let window = (band - bands.long) % 3;
        // The lines of the windows before are in front of it.
        let start = range.start - window * range.len();
        let places = out[start + window..].iter_mut().step_by(3);
        places.zip(&lines[range]).for_each(|(to, from)| *to = *from);
    }
}

/// Puts the lines of so many subbands into lanes; all others are silent.
fn spread(lines: &[f32; LINES], subbands: usize, lanes: &mut Lanes) {
    for (subband, lines) in lines.as_chunks::<STEPS>().0.iter().enumerate().take(subbands) {
        for (lane, line) in lanes.iter_mut().zip(lines) {
            lane[subband] = *line;
        }
    }
    for lane in lanes {
        lane[subbands.min(SUBBANDS)..].fill(0.0);
    }
}

/// Undoes what so many subbands have of their neighbours.
fn undo_aliases(lanes: &mut Lanes, subbands: usize) {
    let pairs = subbands.clamp(1, SUBBANDS) - 1;
    let (low, high) = lanes.split_at_mut(STEPS / 2);
    for ((high, low), [cosine, sine]) in low.iter_mut().zip(high.iter_mut().rev()).zip(LEAKS) {
        for (low, high) in low[..pairs].iter_mut().zip(&mut high[1..=pairs]) {
            (*low, *high) = (*low * cosine - *high * sine, *high * cosine + *low * sine);
        }
    }
}

/// The cosines of the first multiples of pi / `half`.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
const fn cosines<const N: usize>(half: usize) -> [f32; N] {
    let (mut out, mut n) = ([0.0; N], 0);
    while n < N {
        out[n] = cosine(PI / half as f64 * n as f64) as f32;
        n += 1;
    }
    out
}

/// Half the secants of the odd multiples of pi / `quarters`.
const fn half_secants<const N: usize>(quarters: usize) -> [f32; N] {
    let (mut out, mut n) = ([0.0; N], 0);
    while n < N {
        out[n] = half_secant(PI / quarters as f64 * (2 * n + 1) as f64);
        n += 1;
    }
    out
}

/// Adds to each row, from the last one to the second, the row so many before it, beginning with the row `first`.
#[inline(always)]
fn add_rows<const N: usize>(rows: &mut Lanes, distance: usize, first: usize) {
    let mut row = STEPS - 1;
    while row >= first {
        let (before, rows) = rows.split_at_mut(row);
        for n in 0..N {
            rows[0][n] += before[row - distance][n];
        }
        row -= distance;
    }
}

/// In every second row, from `FIRST` on: the sums of `x[k] * cos(pi / 18 * (2 n + 1) * k)`.
#[inline(never)]
fn cosines_of_9<const N: usize, const FIRST: usize>(rows: &mut Lanes) {
    const C: [f32; 8] = cosines(18);
    for n in 0..N {
        let x = |k: usize| rows[FIRST + 2 * k][n];
        let (ahead, behind) = (x(0) + x(6) * 0.5, x(0) - x(6));
        let middle = x(2) - x(4) - x(8);
        let even0 = ahead + C[2] * x(2) + C[4] * x(4) + (C[2] - C[4]) * x(8);
        let even1 = behind + middle * 0.5;
        let even2 = ahead - (C[2] - C[4]) * x(2) - C[2] * x(4) + C[4] * x(8);
        let even3 = ahead - C[4] * x(2) + (C[2] - C[4]) * x(4) - C[2] * x(8);
        let third = C[3] * x(3);
        let odd0 = C[1] * x(1) + third + C[5] * x(5) + C[7] * x(7);
        let odd1 = C[3] * (x(1) - x(5) - x(7));
        let odd2 = C[5] * x(1) - third - C[7] * x(5) + C[1] * x(7);
        let odd3 = C[7] * x(1) - third + C[1] * x(5) - C[5] * x(7);
        rows[FIRST][n] = even0 + odd0;
        rows[FIRST + 2][n] = even1 + odd1;
        rows[FIRST + 4][n] = even2 + odd2;
        rows[FIRST + 6][n] = even3 + odd3;
        rows[FIRST + 8][n] = behind - middle;
        rows[FIRST + 10][n] = even3 - odd3;
        rows[FIRST + 12][n] = even2 - odd2;
        rows[FIRST + 14][n] = even1 - odd1;
        rows[FIRST + 16][n] = even0 - odd0;
    }
}

/// Blocks of 18 lines, which are used up.
fn long_blocks<const N: usize>(lanes: &mut Lanes, window: &[f32; 36], overlap: &mut Lanes, out: &mut Lanes) {
    const HALF_SECANTS: [f32; 9] = half_secants(36);
    // A DCT-IV of 18: multiplied with 2 cos of the angle, the odd multiples of each angle become sums of even ones. Those
    // of even and of odd numbers are transforms of 9, the latter made in the same way once more.
    add_rows::<N>(lanes, 1, 1);
    add_rows::<N>(lanes, 2, 3);
    cosines_of_9::<N, 0>(lanes);
    cosines_of_9::<N, 1>(lanes);
    // Each pair of values is wanted twice, and mirrored: the difference in this granule, the sum in the next one.
    for (k, half_secant) in HALF_SECANTS.into_iter().enumerate() {
        let (even, odd) = (&lanes[2 * k], &lanes[2 * k + 1]);
        let heights = [window[8 - k], window[9 + k], window[26 - k], window[27 + k]];
        let [first, second] = rows(overlap, 8 - k, 9 + k);
        let [to_first, to_second] = rows(out, 8 - k, 9 + k);
        for n in 0..N {
            let odd = odd[n] * half_secant;
            let (sum, difference) = (even[n] + odd, even[n] - odd);
            to_first[n] = first[n] + heights[0] * difference;
            to_second[n] = second[n] + heights[1] * difference;
            first[n] = heights[2] * sum;
            second[n] = heights[3] * sum;
        }
    }
}

/// Two rows, the second of which is behind the first.
#[inline(always)]
fn rows(rows: &mut Lanes, first: usize, second: usize) -> [&mut [f32; SUBBANDS]; 2] {
    let (before, rest) = rows.split_at_mut(second);
    [&mut before[first], &mut rest[0]]
}

/// Three blocks of 6 lines each, one after the other in the middle. The lines are used up.
fn short_blocks<const N: usize>(lanes: &mut Lanes, overlap: &mut Lanes, out: &mut Lanes) {
    for window in 0..3 {
        values_of_6::<N>(lanes, window);
    }
    for k in 0..6 {
        // Where the values of both halves stand, of the first window.
        let (rise, fall) = (3 * mirrored(6, k), 3 * mirrored(6, k + 6));
        let (up, down) = (SHORT_WINDOW[k], SHORT_WINDOW[k + 6]);
        for n in 0..N {
            out[k][n] = overlap[k][n];
            out[6 + k][n] = overlap[6 + k][n] + up * lanes[rise][n];
            out[12 + k][n] = overlap[12 + k][n] + (down * lanes[fall][n] + up * lanes[rise + 1][n]);
            overlap[k][n] = down * lanes[fall + 1][n] + up * lanes[rise + 2][n];
            overlap[6 + k][n] = down * lanes[fall + 2][n];
            overlap[12 + k][n] = 0.0;
        }
    }
}

/// A DCT-IV of each sixth row, from one of the first three on; made like that of long blocks.
#[inline(never)]
fn values_of_6<const N: usize>(rows: &mut Lanes, first: usize) {
    const HALF_SECANTS: [f32; 3] = half_secants(12);
    const C: [f32; 2] = cosines(6);
    let rows = &mut rows[first.min(2)..];
    for n in 0..N {
        let x = [
            rows[0][n],
            rows[3][n],
            rows[6][n],
            rows[9][n],
            rows[12][n],
            rows[15][n],
        ];
        let even = [x[0], x[1] + x[2], x[3] + x[4]];
        let odd = [x[0] + x[1], x[2] + x[3], x[4] + x[5]];
        let odd = [odd[0], odd[0] + odd[1], odd[1] + odd[2]];
        let [even, odd] = [even, odd].map(|x| {
            let (side, ahead) = (C[1] * x[1], x[0] + 0.5 * x[2]);
            [ahead + side, x[0] - x[2], ahead - side]
        });
        for k in 0..3 {
            let odd = odd[k] * HALF_SECANTS[k];
            rows[3 * k][n] = even[k] + odd;
            rows[15 - 3 * k][n] = even[k] - odd;
        }
    }
}

#[cfg(test)]
mod tests;
