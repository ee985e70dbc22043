//! Against the definitions, sum by sum.

use super::super::bands::BandTable;
use super::super::side::NOTHING;
use super::*;

/// The inverse MDCT of some lines, without a window.
fn inverse_mdct(lines: &[f64]) -> Vec<f64> {
    let n = lines.len();
    let term = |i: usize, k: usize| {
        let angle = PI / (4 * n) as f64 * ((2 * i + 1 + n) * (2 * k + 1)) as f64;
        lines[k] * angle.cos()
    };
    (0..2 * n).map(|i| (0..n).map(|k| term(i, k)).sum()).collect()
}

/// The window of a block, by sample.
fn height(window: Window, sample: usize) -> f64 {
    let (long, short) = (
        PI / 36.0 * (sample as f64 + 0.5),
        PI / 12.0 * (sample as f64 + 0.5),
    );
    match (window, sample) {
        (Window::Start, 18..24) | (Window::Stop, 12..18) => 1.0,
        (Window::Start, 30..) | (Window::Stop, ..6) => 0.0,
        (Window::Start, 24..30) => (short - PI * 1.5).sin(),
        (Window::Stop, 6..12) => (short - PI * 0.5).sin(),
        (Window::Short, _) => short.sin(),
        _ => long.sin(),
    }
}

/// The 36 windowed samples of a subband, from lines that are already in order and free of aliases.
fn block(lines: &[f64], window: Window) -> Vec<f64> {
    if window != Window::Short {
        let samples = inverse_mdct(lines).into_iter().enumerate();
        return samples.map(|(n, sample)| sample * height(window, n)).collect();
    }
    let mut out = vec![0.0; 36];
    for w in 0..3 {
        let lines: Vec<f64> = lines.iter().skip(w).step_by(3).copied().collect();
        for (n, sample) in inverse_mdct(&lines).into_iter().enumerate() {
            out[6 + 6 * w + n] += sample * height(Window::Short, n);
        }
    }
    out
}

/// The lines of all subbands in order and free of aliases.
fn ordered(granule: &Granule, bands: &Bands, lines: &[f32; LINES]) -> Vec<f64> {
    let mut out: Vec<f64> = lines.iter().map(|line| f64::from(*line)).collect();
    let ranges: Vec<_> = bands.ranges().collect();
    for triple in ranges[bands.long..].chunks_exact(3) {
        let (start, width) = (triple[0].start, triple[0].len());
        for n in 0..3 * width {
            out[start + n] = f64::from(lines[start + n % 3 * width + n / 3]);
        }
    }
    let borders = match granule.shape {
        Shape::Long => 31,
        Shape::Mixed => bands.long_lines() / STEPS - 1,
        Shape::Short => 0,
    };
    for border in 1..=borders {
        for (n, c) in [-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037_f64]
            .into_iter()
            .enumerate()
        {
            let (low, high) = (border * STEPS - 1 - n, border * STEPS + n);
            let length = (1.0 + c * c).sqrt();
            (out[low], out[high]) = (
                (out[low] - out[high] * c) / length,
                (out[high] + out[low] * c) / length,
            );
        }
    }
    out
}

#[test]
fn blocks_of_every_kind_are_as_defined() {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let kind = |shape, window, mixed| Granule {
        shape,
        window,
        mixed,
        ..NOTHING
    };
    let granules = [
        kind(Shape::Long, Window::Normal, false),
        kind(Shape::Long, Window::Start, false),
        kind(Shape::Short, Window::Short, false),
        kind(Shape::Mixed, Window::Short, true),
        kind(Shape::Long, Window::Stop, true),
        kind(Shape::Long, Window::Stop, false),
    ];
    for rate_index in [0, 4, 8] {
        let table = BandTable::new(rate_index);
        let mut overlap = Overlap::new();
        let mut left = vec![0.0; LINES];
        for n in 0..60 {
            let granule = granules[n * 7 % 6];
            let bands = table.bands(granule.shape);
            let end = [LINES, 100, 0, 341, 18, 575][n / 3 % 6];
            let lines = std::array::from_fn(|line| if line < end { random() } else { 0.0 });
            let mut samples = [[9.0; SUBBANDS]; STEPS];
            let count = overlap.synthesize(&granule, bands, &lines, end, SUBBANDS, &mut samples);
            let ordered = ordered(&granule, bands, &lines);
            let mut next = vec![0.0; LINES];
            for (subband, lines) in ordered.chunks_exact(STEPS).enumerate() {
                let normal = match granule.shape {
                    Shape::Long => granule.mixed && subband < 2,
                    _ => subband < bands.long_lines() / STEPS,
                };
                let window = if normal { Window::Normal } else { granule.window };
                let block = block(lines, window);
                for (step, samples) in samples.iter().enumerate() {
                    let at = subband * STEPS + step;
                    let expected = block[step] + left[at];
                    next[at] = block[STEPS + step];
                    let sample = if subband < count { samples[subband] } else { 0.0 };
                    assert!(
                        (f64::from(sample) - expected).abs() < 2e-5,
                        "{n}: {granule:?}, subband {subband}, step {step}: {sample} for {expected}"
                    );
                }
            }
            left = next;
        }
    }
}

#[test]
fn subbands_beyond_the_limit_are_not_made() {
    let table = BandTable::new(0);
    let mut samples = [[0.0; SUBBANDS]; STEPS];
    let mut overlap = Overlap::new();
    let (granule, lines) = (NOTHING, [1.0; LINES]);
    let bands = table.bands(Shape::Long);
    let count = overlap.synthesize(&granule, bands, &lines, LINES, 19, &mut samples);
    assert_eq!(count, 19);
    assert!(samples.iter().all(|step| step[18] != 0.0 && step[19] == 0.0));
}
