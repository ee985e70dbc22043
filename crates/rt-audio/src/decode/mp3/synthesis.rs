//! From samples of 32 subbands to a signal: a DCT of each step, then a window over the last 16 of them. Steps go together,
//! one in each lane of a vector.

#![expect(
    clippy::needless_range_loop,
    reason = "loops over lanes become vectors when nothing else is in them"
)]

use super::hybrid::{Lanes, STEPS, SUBBANDS};
use super::trig::{PI, half_secant};

/// The most steps of a frame: two granules.
pub(super) const MOST_STEPS: usize = 2 * STEPS;

/// Steps before the present one that the window reaches.
const HISTORY: usize = 15;

/// The window of ISO/IEC 11172-3, table B.3, in units of 1 / 65536: the first half, and the middle. The second half is the
/// first one read backwards, with the other sign but for every 64th.
const WINDOW: [i32; 257] = [
    0, -1, -1, -1, -1, -1, -1, -2, -2, -2, -2, -3, -3, -4, -4, -5, -5, -6, -7, -7, -8, -9, -10, -11, -13,
    -14, -16, -17, -19, -21, -24, -26, -29, -31, -35, -38, -41, -45, -49, -53, -58, -63, -68, -73, -79, -85,
    -91, -97, -104, -111, -117, -125, -132, -139, -147, -154, -161, -169, -176, -183, -190, -196, -202, -208,
    213, 218, 222, 225, 227, 228, 228, 227, 224, 221, 215, 208, 200, 189, 177, 163, 146, 127, 106, 83, 57,
    29, -2, -36, -72, -111, -153, -197, -244, -294, -347, -401, -459, -519, -581, -645, -711, -779, -848,
    -919, -991, -1064, -1137, -1210, -1283, -1356, -1428, -1498, -1567, -1634, -1698, -1759, -1817, -1870,
    -1919, -1962, -2001, -2032, -2057, -2075, -2085, -2087, -2080, -2063, 2037, 2000, 1952, 1893, 1822, 1739,
    1644, 1535, 1414, 1280, 1131, 970, 794, 605, 402, 185, -45, -288, -545, -814, -1095, -1388, -1692, -2006,
    -2330, -2663, -3004, -3351, -3705, -4063, -4425, -4788, -5153, -5517, -5879, -6237, -6589, -6935, -7271,
    -7597, -7910, -8209, -8491, -8755, -8998, -9219, -9416, -9585, -9727, -9838, -9916, -9959, -9966, -9935,
    -9863, -9750, -9592, -9389, -9139, -8840, -8492, -8092, -7640, -7134, 6574, 5959, 5288, 4561, 3776, 2935,
    2037, 1082, 70, -998, -2122, -3300, -4533, -5818, -7154, -8540, -9975, -11455, -12980, -14548, -16155,
    -17799, -19478, -21189, -22929, -24694, -26482, -28289, -30112, -31947, -33791, -35640, -37489, -39336,
    -41176, -43006, -44821, -46617, -48390, -50137, -51853, -53534, -55178, -56778, -58333, -59838, -61289,
    -62684, -64019, -65290, -66494, -67629, -68692, -69679, -70590, -71420, -72169, -72835, -73415, -73908,
    -74313, -74630, -74856, -74992, 75038,
];

/// The window by sample and delay: the sign is that of the value which it is multiplied with.
static TAPS: [[f32; 16]; SUBBANDS] = {
    let (mut out, mut sample) = ([[0.0; 16]; SUBBANDS], 0);
    while sample < SUBBANDS {
        let mut delay = 0;
        while delay < 16 {
            let at = sample + 32 * delay;
            let height = if at <= 256 {
                WINDOW[at]
            } else if at % 64 == 0 {
                WINDOW[512 - at]
            } else {
                -WINDOW[512 - at]
            };
            // Of odd delays every value is one of the DCT with the other sign, of even ones that of the second half is.
            let sign = match (delay % 2, sample) {
                (0, ..16) => 1,
                (0, 16) => 0,
                _ => -1,
            };
            out[sample][delay] = (sign * height) as f32 / 65536.0;
            delay += 1;
        }
        sample += 1;
    }
    out
};

/// The last steps, and those of a frame.
type Values = [f32; HISTORY + MOST_STEPS];

/// The signal of a channel in the middle of its way.
#[derive(Clone)]
pub(super) struct Synthesis {
    /// The samples of each subband in this frame, then the values of each number of the DCT; those of the last steps first.
    values: [Values; SUBBANDS],
    /// Each sample of each step.
    signal: [[f32; MOST_STEPS]; SUBBANDS],
}

impl Synthesis {
    /// Silence.
    pub(super) fn new() -> Self {
        Self {
            values: [[0.0; HISTORY + MOST_STEPS]; SUBBANDS],
            signal: [[0.0; MOST_STEPS]; SUBBANDS],
        }
    }

    /// Takes the samples of a granule, the first or the second one, of so many subbands; all others are silent.
    pub(super) fn take(&mut self, granule: usize, samples: &Lanes, subbands: usize) {
        let start = HISTORY + granule * STEPS;
        let steps = start..start + STEPS;
        let (heard, silent) = self.values.split_at_mut(subbands.min(SUBBANDS));
        for (subband, to) in heard.iter_mut().enumerate() {
            let pairs = to[steps.clone()].as_chunks_mut::<2>().0;
            for (to, from) in pairs.iter_mut().zip(samples.as_chunks::<2>().0) {
                // In odd subbands frequencies run down, which every second sign turns round.
                let second = from[1][subband];
                *to = [from[0][subband], if subband % 2 == 1 { -second } else { second }];
            }
        }
        for to in silent {
            to[steps.clone()].fill(0.0);
        }
    }

    /// Makes the signal of one or two granules: it goes to one channel of interleaved frames, of one or two.
    pub(super) fn synthesize(&mut self, granules: usize, out: &mut [f32], channel: usize, channels: usize) {
        if granules == 2 {
            self.steps::<MOST_STEPS>(out, channel, channels);
        } else {
            self.steps::<STEPS>(out, channel, channels);
        }
    }

    /// The same of a number of steps that is known.
    fn steps<const N: usize>(&mut self, out: &mut [f32], channel: usize, channels: usize) {
        transform::<N>(&mut self.values);
        for (sample, (to, taps)) in self.signal.iter_mut().zip(&TAPS).enumerate() {
            // The DCT is of 32 values, of which the window sees 64: the others are mirrored.
            let (even, odd) = match sample {
                ..16 => (16 + sample, 16 - sample),
                _ => ((48 - sample).min(31), sample - 16),
            };
            window::<N>(&self.values[place(even)], &self.values[place(odd)], taps, to);
        }
        let frames = out.chunks_exact_mut(SUBBANDS * channels).enumerate().take(N);
        for (step, frames) in frames {
            // Loops of a known length are several times as fast.
            if let Ok(frames) = <&mut [f32; SUBBANDS]>::try_from(&mut *frames) {
                for (to, from) in frames.iter_mut().zip(&self.signal) {
                    *to = from[step];
                }
            } else {
                for (to, from) in frames.as_chunks_mut::<2>().0.iter_mut().zip(&self.signal) {
                    to[channel & 1] = from[step];
                }
            }
        }
        for values in &mut self.values {
            values.copy_within(N..N + HISTORY, 0);
        }
    }
}

/// The DCT-II of each step, in place: `x[k] * cos(pi / 64 * (2 k + 1) * n)` added up over `k`. Its even numbers are the
/// transform of half the size of what is symmetric, the odd ones are sums of neighbours of that of what is not, divided by
/// twice its cosine. Where they come to stand [`place`] says.
fn transform<const N: usize>(values: &mut [Values; SUBBANDS]) {
    fold::<N>(values, &half_secants(64));
    for half in values.as_chunks_mut::<16>().0 {
        fold::<N>(half, &half_secants(32));
        for quarter in half.as_chunks_mut::<8>().0 {
            cosines_of_8::<N>(quarter);
        }
        let (_, odd) = half.split_at_mut(8);
        for n in 0..7 {
            add::<N>(odd, n, n + 1);
        }
    }
    let (_, odd) = values.split_at_mut(16);
    let place = |n: usize| n % 2 * 8 + n / 2;
    for n in 0..15 {
        add::<N>(odd, place(n), place(n + 1));
    }
}

/// Where the transform leaves a number.
const fn place(n: usize) -> usize {
    n % 2 * 16 + n / 2 % 2 * 8 + n / 4
}

/// Half the secants of odd multiples of pi / `double`.
const fn half_secants(double: usize) -> [f32; 16] {
    let (mut out, mut n) = ([0.0; 16], 0);
    while n < double / 4 {
        out[n] = half_secant(PI / double as f64 * (2 * n + 1) as f64);
        n += 1;
    }
    out
}

/// Adds rows and subtracts them from their mirror images: the sums are the first half then, the differences the second.
#[inline(always)]
fn fold<const N: usize>(rows: &mut [Values], half_secants: &[f32; 16]) {
    let half = rows.len() / 2;
    let (low, high) = rows.split_at_mut(half);
    let (low, low_end) = low.split_at_mut(half / 2);
    let (high, high_end) = high.split_at_mut(half / 2);
    let rows = low.iter_mut().zip(low_end.iter_mut().rev());
    let rows = rows.zip(high.iter_mut().zip(high_end.iter_mut().rev()));
    for (n, ((a, b), (c, d))) in rows.enumerate() {
        fold_four::<N>([a, b, c, d], half_secants[n], half_secants[half - 1 - n]);
    }
}

/// The same of two rows from either end and of two from the middle.
#[inline(always)]
fn fold_four<const N: usize>(rows: [&mut Values; 4], outer: f32, inner: f32) {
    let [a, b, c, d] = rows;
    for n in HISTORY..HISTORY + N {
        let (outer_sum, outer_difference) = (a[n] + d[n], (a[n] - d[n]) * outer);
        let (inner_sum, inner_difference) = (b[n] + c[n], (b[n] - c[n]) * inner);
        a[n] = outer_sum;
        b[n] = inner_sum;
        c[n] = outer_difference;
        d[n] = inner_difference;
    }
}

/// Adds a row to one before it.
#[inline(always)]
fn add<const N: usize>(rows: &mut [Values], to: usize, from: usize) {
    let (low, high) = rows.split_at_mut(to.max(from));
    let (to, from) = if to < from {
        (&mut low[to], &high[0])
    } else {
        (&mut high[0], &low[from])
    };
    for n in HISTORY..HISTORY + N {
        to[n] += from[n];
    }
}

/// The transform of eight rows, in which the numbers stand in order.
#[inline(never)]
fn cosines_of_8<const N: usize>(rows: &mut [Values; 8]) {
    const S8: [f32; 16] = half_secants(16);
    const S4: [f32; 16] = half_secants(8);
    const S2: f32 = std::f32::consts::FRAC_1_SQRT_2;
    for n in HISTORY..HISTORY + N {
        let x = [
            rows[0][n], rows[1][n], rows[2][n], rows[3][n], rows[4][n], rows[5][n], rows[6][n], rows[7][n],
        ];
        let sums = [x[0] + x[7], x[1] + x[6], x[2] + x[5], x[3] + x[4]];
        let differences = [
            (x[0] - x[7]) * S8[0],
            (x[1] - x[6]) * S8[1],
            (x[2] - x[5]) * S8[2],
            (x[3] - x[4]) * S8[3],
        ];
        let [even, odd] = [sums, differences].map(|x| {
            let (a, b) = (x[0] + x[3], x[1] + x[2]);
            let (c, d) = ((x[0] - x[3]) * S4[0], (x[1] - x[2]) * S4[1]);
            let last = (c - d) * S2;
            [a + b, c + d + last, (a - b) * S2, last]
        });
        rows[0][n] = even[0];
        rows[1][n] = odd[0] + odd[1];
        rows[2][n] = even[1];
        rows[3][n] = odd[1] + odd[2];
        rows[4][n] = even[2];
        rows[5][n] = odd[2] + odd[3];
        rows[6][n] = even[3];
        rows[7][n] = odd[3];
    }
}

/// One sample of each step.
#[inline(never)]
fn window<const N: usize>(even: &Values, odd: &Values, taps: &[f32; 16], out: &mut [f32; MOST_STEPS]) {
    for step in 0..N {
        let mut sums = [0.0; 2];
        for pair in 0..8 {
            let at = HISTORY + step - 2 * pair;
            sums[0] += even[at] * taps[2 * pair];
            sums[1] += odd[at - 1] * taps[2 * pair + 1];
        }
        out[step] = sums[0] + sums[1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition in the standard, step by step: a matrix, a queue of 16 vectors, a window.
    struct Defined {
        queue: Vec<[f64; 64]>,
    }

    impl Defined {
        fn step(&mut self, samples: &[f32; 32]) -> [f64; 32] {
            let value = |i: usize| -> f64 {
                let angle = |k: usize| PI / 64.0 * ((16 + i) * (2 * k + 1)) as f64;
                (0..32).map(|k| f64::from(samples[k]) * angle(k).cos()).sum()
            };
            self.queue.insert(0, std::array::from_fn(value));
            self.queue.truncate(16);
            let height = |at: usize| match at {
                ..=256 => f64::from(WINDOW[at]),
                _ if at.is_multiple_of(64) => f64::from(WINDOW[512 - at]),
                _ => -f64::from(WINDOW[512 - at]),
            };
            let value = |delay: usize, i: usize| self.queue.get(delay).map_or(0.0, |values| values[i]);
            std::array::from_fn(|j| {
                let pairs = (0..8).map(|i| {
                    value(2 * i, j) * height(j + 64 * i) + value(2 * i + 1, 32 + j) * height(j + 64 * i + 32)
                });
                pairs.sum::<f64>() / 65536.0
            })
        }
    }

    #[test]
    fn the_signal_is_as_defined() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let (mut synthesis, mut defined) = (Synthesis::new(), Defined { queue: Vec::new() });
        for (granules, subbands) in [(2, 32), (1, 32), (2, 7), (1, 0), (2, 31)] {
            let mut expected = Vec::new();
            for granule in 0..granules {
                let samples: Lanes = std::array::from_fn(|_| std::array::from_fn(|_| random()));
                synthesis.take(granule, &samples, subbands);
                for (step, samples) in samples.iter().enumerate() {
                    let signed = |n: usize| {
                        if n % 2 == 1 && step % 2 == 1 {
                            -samples[n]
                        } else {
                            samples[n]
                        }
                    };
                    let step = std::array::from_fn(|n| if n < subbands { signed(n) } else { 0.0 });
                    expected.extend(defined.step(&step));
                }
            }
            let mut out = vec![0.0; granules * 576 * 2];
            synthesis.synthesize(granules, &mut out, 1, 2);
            for (n, (frame, expected)) in out.chunks_exact(2).zip(expected).enumerate() {
                assert_eq!(frame[0], 0.0);
                assert!(
                    (f64::from(frame[1]) - expected).abs() < 2e-5,
                    "{n}: {} {expected}",
                    frame[1]
                );
            }
        }
    }
}
