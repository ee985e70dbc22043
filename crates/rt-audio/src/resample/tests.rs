#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers here are small"
)]

use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

const RATES: [u32; 14] = [
    4_000, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000,
    384_000,
];

/// Converts everything, pushed in pieces of one size.
fn convert_all(rate: u32, input: &[f32], piece: usize) -> Vec<f32> {
    let mut resampler = Resampler::new(rate, 24_000).unwrap();
    let mut out = Vec::new();
    for piece in input.chunks(piece) {
        resampler.push(piece, &mut out);
    }
    resampler.finish(&mut out);
    out
}

/// Samples of a sine.
fn sine(rate: u32, hertz: f64, samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| (0.5 * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32)
        .collect()
}

/// How far a sine in the output lags behind, in samples, and what is not that sine, in dB below it.
fn lag_and_residue(output: &[f32], hertz: f64) -> (f64, f64) {
    let middle = output.len() / 4..output.len() * 3 / 4;
    let angle = |n: usize| TAU * hertz * n as f64 / 24_000.0;
    // Least squares for sine and cosine, over many periods.
    let (mut ss, mut sc, mut cc, mut sx, mut cx) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for n in middle.clone() {
        let (s, c) = angle(n).sin_cos();
        let x = f64::from(output[n]);
        (ss, sc, cc, sx, cx) = (ss + s * s, sc + s * c, cc + c * c, sx + s * x, cx + c * x);
    }
    let determinant = ss * cc - sc * sc;
    let (a, b) = (
        (sx * cc - cx * sc) / determinant,
        (cx * ss - sx * sc) / determinant,
    );
    let (mut signal, mut residue) = (0.0, 0.0);
    for n in middle {
        let (s, c) = angle(n).sin_cos();
        let fit = a * s + b * c;
        signal += fit * fit;
        residue += (f64::from(output[n]) - fit).powi(2);
    }
    let lag = -b.atan2(a) / (TAU * hertz / 24_000.0);
    (lag, 10.0 * (signal / residue.max(1e-30)).log10())
}

#[test]
fn length_is_exact_for_every_rate_and_length() {
    for rate in RATES {
        for n in [0, 1, 2, 79, 147, 479, 480, 1000, 4097, 8192, 10_000, 44_100] {
            let out = convert_all(rate, &vec![0.1; n], 1000);
            let exact = (n as f64 * 24_000.0 / f64::from(rate) + 0.5).floor() as usize;
            assert_eq!(out.len(), exact, "{n} samples at {rate} Hz");
        }
    }
}

#[test]
fn a_sine_keeps_its_phase_level_and_purity() {
    for rate in RATES {
        let output = convert_all(rate, &sine(rate, 997.0, rate as usize), 4096);
        let (lag, purity) = lag_and_residue(&output, 997.0);
        assert!(lag.abs() < 0.01, "{rate} Hz lags {lag} samples");
        assert!(purity > 130.0, "{rate} Hz: {purity} dB");
        let peak = output.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak - 0.5).abs() < 0.03, "{rate} Hz: peak {peak}");
    }
}

#[test]
fn an_impulse_stays_where_it_is() {
    for rate in [8_000, 11_025, 16_000, 44_100, 48_000, 96_000] {
        let mut input = vec![0.0; rate as usize];
        let at = rate as usize / 3;
        // Wide enough to lie below the lower Nyquist frequency, so that its centre is well defined.
        let width = 4.0 * f64::from(rate) / f64::from(rate.min(24_000));
        for (n, sample) in input.iter_mut().enumerate() {
            *sample = (-((n as f64 - at as f64) / width).powi(2)).exp() as f32;
        }
        let output = convert_all(rate, &input, 777);
        let sum: f64 = output.iter().map(|&x| f64::from(x)).sum();
        let moment: f64 = output
            .iter()
            .enumerate()
            .map(|(n, &x)| n as f64 * f64::from(x))
            .sum();
        let expected = at as f64 * 24_000.0 / f64::from(rate);
        assert!(
            (moment / sum - expected).abs() < 0.05,
            "{rate} Hz: {} for {expected}",
            moment / sum
        );
    }
}

/// The strongest line of a spectrum from a frequency on, as a part of the whole from 0 to 0.5, in dB.
fn strongest_from(signal: &[f32], part: f64) -> f64 {
    let len = signal.len();
    // Side lobes below -170 dB, and a main lobe of 12 bins to either side.
    let kernel = kernel::Kernel::new(0.0, 24.0 / len as f64);
    let middle = len as f64 / 2.0;
    let window: Vec<f64> = (0..len)
        .map(|n| kernel.window((n as f64 - middle) / middle))
        .collect();
    let mut bins: Vec<_> = signal
        .iter()
        .zip(&window)
        .map(|(&x, w)| rustfft::num_complex::Complex::new(f64::from(x) * w, 0.0))
        .collect();
    rustfft::FftPlanner::new()
        .plan_fft_forward(len)
        .process(&mut bins);
    let scale = 2.0 / window.iter().sum::<f64>();
    let first = if part > 0.0 {
        (part * len as f64) as usize + 12
    } else {
        0
    };
    let strongest = bins[first..len / 2]
        .iter()
        .map(|bin| bin.norm() * scale)
        .fold(1e-15, f64::max);
    20.0 * strongest.log10()
}

#[test]
fn aliases_are_140_db_down() {
    for rate in [32_000, 44_099, 44_100, 48_000, 96_000, 192_000] {
        for part in [0.5, 0.502, 0.51, 0.55, 0.6, 0.66] {
            let hertz = 24_000.0 * part
                + if rate > 48_000 {
                    21_000.0 * (part - 0.5)
                } else {
                    0.0
                };
            let output = convert_all(rate, &sine(rate, hertz, rate as usize), 5000);
            let level = strongest_from(&output[8_000..8_000 + 8_192], 0.0);
            assert!(level < -140.0, "{hertz} Hz at {rate} Hz leaves {level} dB");
        }
    }
}

#[test]
fn images_are_140_db_down() {
    for rate in [8_000, 11_025, 11_026, 16_000, 22_050] {
        for part in [0.1, 0.3, 0.45, 0.48, 0.495, 0.499] {
            let output = convert_all(rate, &sine(rate, f64::from(rate) * part, rate as usize), 5000);
            let low = f64::from(rate) / 48_000.0;
            let level = strongest_from(&output[8_000..8_000 + 8_192], low);
            assert!(level < -140.0, "{part} of {rate} Hz leaves {level} dB");
        }
    }
}

#[test]
fn the_band_is_flat_to_92_hundredths() {
    for rate in [
        8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000, 44_099,
    ] {
        let low = f64::from(rate.min(24_000)) / 2.0;
        for part in [0.05, 0.3, 0.6, 0.8, 0.9, 0.92] {
            let output = convert_all(rate, &sine(rate, low * part, rate as usize / 2), 5000);
            let middle = &output[3_000..9_000];
            let power = middle.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / middle.len() as f64;
            let level = 10.0 * (power / 0.125).log10();
            assert!(level.abs() < 0.11, "{part} at {rate} Hz: {level} dB");
        }
    }
}

#[test]
fn a_finished_converter_starts_afresh() {
    let input = sine(44_100, 440.0, 9_000);
    let mut resampler = Resampler::new(44_100, 24_000).unwrap();
    let mut first = Vec::new();
    resampler.push(&input, &mut first);
    resampler.finish(&mut first);
    let mut second = Vec::new();
    resampler.push(&input, &mut second);
    resampler.finish(&mut second);
    assert_eq!(first, second);
}

#[test]
fn odd_rates_work() {
    for rate in [1_000, 7_919, 44_101, 96_001] {
        let output = convert_all(rate, &sine(rate, 300.0, rate as usize), 1 << 16);
        assert_eq!(output.len(), 24_000);
        let (lag, purity) = lag_and_residue(&output, 300.0);
        assert!(
            lag.abs() < 0.01 && purity > 130.0,
            "{rate} Hz: {lag} samples, {purity} dB"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn length_is_exact_for_any_two_rates(
        from in 4_000u32..=384_000,
        to in prop::sample::select(vec![8_000u32, 16_000, 24_000, 48_000]),
        len in 0usize..5_000,
    ) {
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut out = Vec::new();
        resampler.push(&vec![0.5; len], &mut out);
        resampler.finish(&mut out);
        let exact = (len as f64 * f64::from(to) / f64::from(from) + 0.5).floor() as usize;
        prop_assert_eq!(out.len(), exact);
    }

    #[test]
    fn pieces_do_not_matter(rate in prop::sample::select(RATES.to_vec()), len in 0usize..20_000, piece in 1usize..9_000) {
        let input = sine(rate, 500.0, len);
        prop_assert_eq!(convert_all(rate, &input, piece), convert_all(rate, &input, usize::MAX));
    }
}
