use super::*;

#[expect(clippy::cast_possible_truncation, reason = "the amplitude fits")]
fn tone(ms: u64, amplitude: f64) -> Vec<i16> {
    (0..ms * PER_MS)
        .map(|n| ((n as f64 * 0.05).sin() * amplitude) as i16)
        .collect()
}

fn noise(ms: u64, amplitude: i16) -> Vec<i16> {
    let mut rng = fastrand::Rng::with_seed(7);
    (0..ms * PER_MS)
        .map(|_| rng.i16(-amplitude..=amplitude))
        .collect()
}

fn run(tuning: Tuning, pieces: &[Vec<i16>]) -> Vec<Heard> {
    Detector::new(tuning, 0).feed(&pieces.concat())
}

#[test]
fn one_phrase_is_one_turn_with_prefix_and_silence() {
    let heard = run(
        Tuning::default(),
        &[
            noise(1000, 20),
            tone(600, 9000.0),
            noise(900, 20),
            tone(20, 9000.0),
        ],
    );
    assert_eq!(
        heard,
        [
            Heard::Started { at: 700 * PER_MS },
            Heard::Stopped { at: 1800 * PER_MS }
        ],
        "start minus 300 ms, stop plus 200 ms, and the click at the end is no speech"
    );
}

#[test]
fn chunking_does_not_matter() {
    let all = [noise(500, 20), tone(400, 6000.0), noise(700, 20)].concat();
    let whole = Detector::new(Tuning::default(), 0).feed(&all);
    let mut detector = Detector::new(Tuning::default(), 0);
    let mut pieces = Vec::new();
    for piece in all.chunks(77) {
        pieces.extend(detector.feed(piece));
    }
    assert_eq!(whole.len(), 2);
    assert_eq!(whole, pieces);
}

#[test]
fn silence_duration_bridges_pauses() {
    let pieces = [
        noise(400, 20),
        tone(300, 9000.0),
        noise(400, 20),
        tone(300, 9000.0),
        noise(900, 20),
    ];
    assert_eq!(run(Tuning::default(), &pieces).len(), 4);
    assert_eq!(
        run(
            Tuning {
                silence_ms: 500,
                ..Tuning::default()
            },
            &pieces
        )
        .len(),
        2
    );
}

#[test]
fn threshold_decides_about_quiet_speech() {
    let pieces = [noise(500, 10), tone(400, 250.0), noise(600, 10)];
    assert!(
        run(
            Tuning {
                threshold: 0.9,
                ..Tuning::default()
            },
            &pieces
        )
        .is_empty()
    );
    assert_eq!(
        run(
            Tuning {
                threshold: 0.2,
                ..Tuning::default()
            },
            &pieces
        )
        .len(),
        2
    );
}

#[test]
fn steady_noise_is_not_speech_but_speech_over_it_is() {
    let hiss = noise(3000, 250);
    assert!(run(Tuning::default(), std::slice::from_ref(&hiss)).is_empty());
    assert_eq!(
        run(Tuning::default(), &[hiss.clone(), tone(500, 9000.0), hiss]).len(),
        2
    );
}

#[test]
fn loud_noise_is_one_turn_at_most_and_a_constant_none() {
    for amplitude in [600, 1000, 1500] {
        let heard = run(Tuning::default(), &[noise(60_000, amplitude)]);
        let [Heard::Started { at: 0 }, Heard::Stopped { at: end }] = heard[..] else {
            panic!("{amplitude}: {heard:?}");
        };
        assert!(
            (5000 * PER_MS..6000 * PER_MS).contains(&end),
            "{amplitude}: {end}"
        );
    }
    let speech = tone(500, 9000.0);
    let heard = run(
        Tuning::default(),
        &[noise(8000, 600), speech.clone(), noise(2000, 600)],
    );
    assert_eq!(heard.len(), 4, "speech is heard over the noise");
    // The noise stops, and softer speech is heard soon.
    let pieces = [
        noise(8000, 1500),
        noise(6000, 20),
        tone(500, 2000.0),
        noise(1000, 20),
    ];
    assert_eq!(run(Tuning::default(), &pieces).len(), 4);
    let constant = vec![1500; 10_000 * FRAME / 20];
    assert!(run(Tuning::default(), &[constant]).is_empty());
}

#[test]
fn turns_never_share_samples() {
    let heard = run(
        Tuning {
            prefix_ms: 2000,
            ..Tuning::default()
        },
        &[
            noise(300, 20),
            tone(300, 9000.0),
            noise(300, 20),
            tone(300, 9000.0),
            noise(300, 20),
        ],
    );
    let [
        Heard::Started { at: 0 },
        Heard::Stopped { at: end },
        Heard::Started { at: next },
        _,
    ] = heard[..]
    else {
        panic!("{heard:?}");
    };
    assert_eq!(next, end);
}
