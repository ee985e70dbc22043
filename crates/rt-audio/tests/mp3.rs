//! MP3 as it is found: without the header of its encoder, behind tags, behind junk.

use rt_audio::{Pcm16, Source, read_bytes};

/// The fixture, whose first frame is the header of its encoder.
fn question() -> Vec<u8> {
    std::fs::read("../../fixtures/audio/question.mp3").unwrap_or_default()
}

/// Where the second frame starts.
fn second_frame(bytes: &[u8]) -> usize {
    (4..bytes.len())
        .find(|&at| bytes[at..].starts_with(&bytes[..2]))
        .unwrap_or_default()
}

/// The lag of the second signal, in samples.
fn lag(a: &Pcm16, b: &Pcm16) -> usize {
    let (a, b) = (a.to_samples(), b.to_samples());
    let score = |lag: usize| -> i64 {
        a.iter()
            .zip(&b[lag..])
            .skip(10_000)
            .take(8_000)
            .map(|(&x, &y)| i64::from(x) * i64::from(y))
            .sum()
    };
    (0..2_000).max_by_key(|&lag| score(lag)).unwrap_or_default()
}

#[test]
fn without_the_encoders_header_nothing_is_trimmed_and_the_length_is_a_guess() {
    let whole = question();
    let bare = whole[second_frame(&whole)..].to_vec();
    let source = Source::from_bytes(bare).unwrap();
    assert!(source.info().estimated);
    let (audio, report) = source.read_to_end().unwrap();
    assert!(report.is_complete(), "{report}");
    // 127 frames of 1,152 samples, where the header trims 1,105 in front: 601 samples at 24 kHz.
    assert_eq!(audio.len(), 127 * 1152 * 240 / 441);
    assert_eq!(lag(&read_bytes(whole).unwrap(), &audio), 601);
}

#[test]
fn tags_and_junk_around_the_frames_change_nothing() {
    let whole = question();
    let expected = read_bytes(whole.clone()).unwrap();
    let mut id3v2 = b"ID3\x03\0\0\0\0\x10\0".to_vec();
    id3v2.extend([0; 2048]);
    let mut id3v1 = b"TAG".to_vec();
    id3v1.extend([b' '; 125]);
    for (what, front, back) in [
        ("tags", id3v2.clone(), id3v1.clone()),
        ("a tag in front", id3v2, Vec::new()),
        ("a tag behind", Vec::new(), id3v1),
        ("zeros in front", vec![0; 3000], Vec::new()),
        ("zeros behind", Vec::new(), vec![0; 3000]),
    ] {
        let audio = read_bytes([front, whole.clone(), back].concat()).unwrap();
        assert!(
            audio == expected,
            "{what}: {} samples for {}",
            audio.len(),
            expected.len()
        );
    }
}
