//! One channel of a frame: a prediction, and what it got wrong.

use super::bits::Bits;

/// The highest order of a predictor.
const MOST: usize = 32;

/// The highest order for which the last samples stay in registers.
const REGISTERS: usize = 10;

/// Reads a channel of so many bits a sample, 32 at most.
pub(super) fn read(bits: &mut Bits<'_>, width: u32, out: &mut [i32]) -> Result<(), &'static str> {
    let head = bits.take(8)?;
    if head & 0x80 != 0 {
        return Err("a channel begins with a bit that must be 0");
    }
    let wasted = if head & 1 == 1 { bits.zeros()? + 1 } else { 0 };
    if wasted >= width {
        return Err("a channel has no bits left");
    }
    let width = width - wasted;
    match head >> 1 {
        0 => out.fill(bits.take_signed(width)?),
        1 => verbatim(bits, width, out)?,
        kind @ 8..=12 => {
            let order = kind as usize - 8;
            start(bits, width, order, out)?;
            residual(bits, order, out)?;
            fixed(order, out);
        }
        kind @ 32..=63 => linear(bits, width, kind as usize - 31, out)?,
        _ => return Err("a channel is of a kind that is not defined"),
    }
    if wasted > 0 {
        out.iter_mut().for_each(|sample| *sample <<= wasted);
    }
    Ok(())
}

/// Reads samples as they are.
fn verbatim(bits: &mut Bits<'_>, width: u32, out: &mut [i32]) -> Result<(), &'static str> {
    for sample in out {
        *sample = bits.take_signed(width)?;
    }
    Ok(())
}

/// Reads the samples that a predictor begins with.
fn start(bits: &mut Bits<'_>, width: u32, order: usize, out: &mut [i32]) -> Result<(), &'static str> {
    let first = out
        .get_mut(..order)
        .ok_or("a predictor is longer than its block")?;
    verbatim(bits, width, first)
}

/// Reads what is to be added to the prediction.
fn residual(bits: &mut Bits<'_>, order: usize, out: &mut [i32]) -> Result<(), &'static str> {
    let width = match bits.take(2)? {
        0 => 4,
        1 => 5,
        _ => return Err("a residual is of a kind that is not defined"),
    };
    let escape = (1 << width) - 1;
    let partitions = bits.take(4)?;
    let len = out.len() >> partitions;
    if len << partitions != out.len() || len < order {
        return Err("a block cannot be divided as it should be");
    }
    let mut skip = order;
    for part in out.chunks_mut(len.max(1)) {
        let part = &mut part[std::mem::take(&mut skip)..];
        let low = bits.take(width)?;
        if low == escape {
            let width = bits.take(5)?;
            verbatim(bits, width, part)?;
        } else {
            bits.rice(low, part)?;
        }
    }
    Ok(())
}

/// Adds one of the fixed predictions: a polynomial of so many points. Sums wrap round: in 32 bits the result is the
/// same whatever the width in between.
fn fixed(order: usize, out: &mut [i32]) {
    match order {
        1 => predict([1], 0, out),
        2 => predict([-1, 2], 0, out),
        3 => predict([1, -3, 3], 0, out),
        4 => predict([-1, 4, -6, 4], 0, out),
        _ => {}
    }
}

/// Reads a predictor and adds its prediction.
fn linear(bits: &mut Bits<'_>, width: u32, order: usize, out: &mut [i32]) -> Result<(), &'static str> {
    start(bits, width, order, out)?;
    let precision = bits.take(4)? + 1;
    if precision == 16 {
        return Err("a predictor is of a precision that is not defined");
    }
    let shift = u32::try_from(bits.take_signed(5)?).map_err(|_| "a predictor shifts to the left")?;
    // The oldest sample's first.
    let mut coefficients = [0; MOST];
    for coefficient in coefficients[..order].iter_mut().rev() {
        *coefficient = bits.take_signed(precision)?;
    }
    residual(bits, order, out)?;
    let narrow = width + precision + order.ilog2() <= 32;
    let coefficients = &coefficients[..order];
    macro_rules! of_order {
        ($($order:literal)*) => {
            match order {
                $($order if narrow => predict::<$order>(array(coefficients), shift, out),)*
                $($order => predict_wide::<$order>(array(coefficients), shift, out),)*
                _ => predict_long(coefficients, shift, out),
            }
        };
    }
    of_order!(1 2 3 4 5 6 7 8 9 10 11 12);
    Ok(())
}

/// As many coefficients as there are.
fn array<const N: usize>(coefficients: &[i32]) -> [i32; N] {
    coefficients.first_chunk().copied().unwrap_or([0; N])
}

/// Adds a prediction. The last samples stay where they are, and the place of the oldest goes round: for each sample waits
/// on the one before, and the way through memory would be half of the time.
#[inline(always)]
fn in_registers<const N: usize, T: Copy>(
    coefficients: [T; N],
    zero: T,
    widen: impl Fn(i32) -> T,
    sum: impl Fn(T, T, T) -> T,
    add: impl Fn(i32, T) -> i32,
    out: &mut [i32],
) {
    let Some((first, rest)) = out.split_first_chunk_mut::<N>() else {
        return;
    };
    let mut window = first.map(&widen);
    let mut step = |at: usize, sample: &mut i32| {
        let products = (0..N).zip(&coefficients);
        let sum = products.fold(zero, |all, (tap, by)| sum(all, window[(at + tap) % N], *by));
        *sample = add(*sample, sum);
        window[at] = widen(*sample);
    };
    let (groups, last) = rest.as_chunks_mut::<N>();
    for group in groups {
        for (at, sample) in group.iter_mut().enumerate() {
            step(at, sample);
        }
    }
    last.iter_mut()
        .enumerate()
        .for_each(|(at, sample)| step(at, sample));
}

/// Adds a prediction whose sums fit in 32 bits.
fn predict<const N: usize>(coefficients: [i32; N], shift: u32, out: &mut [i32]) {
    if N <= REGISTERS {
        let add = |sample: i32, sum: i32| sample.wrapping_add(sum >> shift);
        let sum = |sum: i32, last: i32, by: i32| sum.wrapping_add(last.wrapping_mul(by));
        return in_registers(coefficients, 0, |sample| sample, sum, add, out);
    }
    for at in N..out.len() {
        let (before, from) = out.split_at_mut(at);
        let Some(last) = before.last_chunk::<N>() else {
            return;
        };
        let products = last.iter().zip(&coefficients);
        let sum = products.fold(0_i32, |sum, (last, by)| sum.wrapping_add(last.wrapping_mul(*by)));
        from[0] = from[0].wrapping_add(sum >> shift);
    }
}

/// Adds a prediction whose sums need 64 bits.
fn predict_wide<const N: usize>(coefficients: [i32; N], shift: u32, out: &mut [i32]) {
    let coefficients = coefficients.map(i64::from);
    if N <= REGISTERS {
        let sum = |sum: i64, last: i64, by: i64| sum + last * by;
        return in_registers(
            coefficients,
            0,
            i64::from,
            sum,
            |sample, sum| add(sample, sum >> shift),
            out,
        );
    }
    for at in N..out.len() {
        let (before, from) = out.split_at_mut(at);
        let Some(last) = before.last_chunk::<N>() else {
            return;
        };
        let products = last.iter().zip(&coefficients);
        let sum: i64 = products.map(|(&last, &by)| i64::from(last) * by).sum();
        from[0] = add(from[0], sum >> shift);
    }
}

/// Adds a prediction of any order.
fn predict_long(coefficients: &[i32], shift: u32, out: &mut [i32]) {
    for at in coefficients.len()..out.len() {
        let (before, from) = out.split_at_mut(at);
        let last = &before[at - coefficients.len()..];
        let products = last.iter().zip(coefficients);
        let sum: i64 = products.map(|(&last, &by)| i64::from(last) * i64::from(by)).sum();
        from[0] = add(from[0], sum >> shift);
    }
}

/// The sum in 32 bits: in what is not damaged, nothing is lost.
#[expect(clippy::cast_possible_truncation, reason = "damaged sums wrap round")]
fn add(sample: i32, prediction: i64) -> i32 {
    sample.wrapping_add(prediction as i32)
}
