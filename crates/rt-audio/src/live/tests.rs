#![expect(clippy::cast_possible_truncation, reason = "the nearest float is wanted")]

use std::f64::consts::TAU;

use super::*;

/// What a simulation of two devices found.
struct Outcome {
    /// The last of what was taken.
    tail: Vec<f32>,
    /// The least and the most buffered at the end of a second, in seconds, in the second half.
    range: (f64, f64),
}

/// Pushes and takes pieces at the times two clocks say, with some delay by chance; the input's runs faster by
/// `ppm` millionths.
fn simulate(live: &mut LiveResampler, ppm: f64, pieces: (usize, usize), seconds: f64) -> Outcome {
    let start = Instant::now();
    let (from, to) = (
        f64::from(live.rates.0) * (1.0 + ppm * 1e-6),
        f64::from(live.rates.1),
    );
    let (mut pushed, mut taken, mut state) = (0usize, 0usize, 1u32);
    let mut late = |most: f64| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) * most
    };
    let mut outcome = Outcome {
        tail: Vec::new(),
        range: (f64::MAX, 0.0),
    };
    let (mut push_at, mut take_at, mut second) = (0.0, 0.0, 0.0);
    while taken as f64 / to < seconds {
        if push_at <= take_at {
            // A tone of the input's own clock.
            let piece: Vec<f32> = (pushed..pushed + pieces.0)
                .map(|n| (0.5 * (TAU * (500.0 * n as f64 / from).fract()).sin()) as f32)
                .collect();
            live.push(&piece, start + Duration::from_secs_f64(push_at));
            pushed += pieces.0;
            push_at = (pushed + pieces.0) as f64 / from + late(0.004);
        } else {
            let mut piece = vec![0.0; pieces.1];
            live.take(&mut piece, start + Duration::from_secs_f64(take_at));
            taken += pieces.1;
            if taken as f64 / to > seconds - 1.0 {
                outcome.tail.extend(piece);
            }
            if take_at > seconds / 2.0 && take_at > second + 1.0 {
                second = take_at;
                let buffered = live.average / to;
                outcome.range = (outcome.range.0.min(buffered), outcome.range.1.max(buffered));
            }
            take_at = (taken + pieces.1) as f64 / to + late(0.004);
        }
    }
    outcome
}

#[test]
fn the_level_stays_at_the_target_whichever_clock_is_faster() {
    let target = Duration::from_millis(120);
    for ppm in [-250.0, 180.0] {
        let mut live = LiveResampler::new(4_000, 4_000, target).unwrap();
        let outcome = simulate(&mut live, ppm, (40, 80), 160.0);
        assert_eq!((live.missing(), live.dropped()), (0, 0), "{ppm} ppm");
        // The target or up to a piece more, and there it stays.
        let goal = live.goal / 4_000.0;
        assert!((0.12..0.15).contains(&goal), "{goal} s");
        let (least, most) = outcome.range;
        let steady = least > goal - 0.003 && most < goal + 0.003;
        assert!(steady, "{ppm} ppm: {least} to {most} s for {goal}");
        assert!(
            (live.drift_ppm() - ppm).abs() < 120.0,
            "{ppm} ppm: {}",
            live.drift_ppm()
        );
    }
}

#[test]
fn a_tone_stays_pure_and_in_tune() {
    let mut live = LiveResampler::new(48_000, 24_000, Duration::from_millis(60)).unwrap();
    assert!(live.conversion_latency() < Duration::from_millis(20));
    let tail = simulate(&mut live, 100.0, (480, 480), 6.0).tail;
    // The best fit of a tone near 500 Hz: the correction moves within a second by less than shows.
    let best = (-40..=40)
        .map(|step| {
            let hertz = 500.0 * (1.0 + f64::from(step) * 25e-6);
            let (mut ss, mut sc, mut cc, mut sx, mut cx, mut xx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
            for (n, &x) in tail.iter().take(4_800).enumerate() {
                let (s, c) = (TAU * hertz * n as f64 / 24_000.0).sin_cos();
                let x = f64::from(x);
                (ss, sc, cc) = (ss + s * s, sc + s * c, cc + c * c);
                (sx, cx, xx) = (sx + s * x, cx + c * x, xx + x * x);
            }
            let determinant = ss * cc - sc * sc;
            let fit = (sx * (sx * cc - cx * sc) + cx * (cx * ss - sx * sc)) / determinant;
            10.0 * (fit / (xx - fit).max(1e-12)).log10()
        })
        .fold(f64::MIN, f64::max);
    assert!(best > 60.0, "{best} dB");
}

#[test]
fn an_interruption_is_counted_and_recovers() {
    let start = Instant::now();
    let at = |millis: u64| start + Duration::from_millis(millis);
    let mut live = LiveResampler::new(16_000, 24_000, Duration::from_millis(60)).unwrap();
    let mut piece = [0.0; 480];
    for n in 0..100 {
        live.push(&[0.25; 320], at(20 * n));
        live.take(&mut piece, at(20 * n + 1));
    }
    assert!(piece.iter().all(|x| (x - 0.25).abs() < 0.01));
    assert_eq!((live.missing(), live.dropped()), (0, 0));
    // The microphone stops for a second: silence, counted once.
    for n in 100..150 {
        live.take(&mut piece, at(20 * n));
    }
    assert!(piece.iter().all(|&x| x == 0.0));
    let missing = live.missing();
    assert!(missing > 0 && missing < 480, "{missing}");
    // Then the sender stops for five: what is too old is dropped.
    for n in 150..400 {
        live.push(&[0.25; 320], at(20 * n));
    }
    assert!(live.dropped() > 24_000 * 3);
    assert!(
        live.buffered() < Duration::from_millis(650),
        "{:?}",
        live.buffered()
    );
    live.take(&mut piece, at(8_001));
    assert!(piece.iter().all(|x| (x - 0.25).abs() < 0.01));
}

#[test]
fn rates_are_checked_and_debug_prints_no_audio() {
    assert!(LiveResampler::new(0, 24_000, Duration::ZERO).is_err());
    assert!(LiveResampler::new(48_000, 1_000_000, Duration::ZERO).is_err());
    let mut live = LiveResampler::new(48_000, 24_000, Duration::ZERO).unwrap();
    live.push(&[0.123; 4_800], Instant::now());
    assert!(!format!("{live:?}").contains("0.12"));
}
