//! Packets are decoded by symphonia's decoder too, which must agree.

use std::fs::File;

use proptest::prelude::*;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::*;

/// The packets of the fixture, its headers and the other decoder.
fn open() -> (Vec<Packet>, Box<[u8]>, Box<dyn AudioDecoder>) {
    let file = File::open("../../fixtures/audio/question.ogg").unwrap();
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut reader = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .unwrap();
    let track = reader.default_track(TrackType::Audio).unwrap();
    let params = track.codec_params.as_ref().unwrap().audio().unwrap().clone();
    let options = AudioDecoderOptions::default().gapless(false);
    let other = symphonia::default::get_codecs()
        .make_audio_decoder(&params, &options)
        .unwrap();
    let packets = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
    (packets, params.extra_data.unwrap(), other)
}

fn decoder(headers: &[u8], mono: bool) -> Vorbis {
    Vorbis::new(headers, mono).unwrap().unwrap()
}

#[test]
fn the_fixture_decodes_as_elsewhere_and_mono_is_its_mean() {
    let (packets, headers, mut other) = open();
    let (mut stereo, mut mono) = (decoder(&headers, false), decoder(&headers, true));
    assert_eq!(
        (stereo.rate(), stereo.output(), mono.output()),
        (48_000, Layout::usual(2), Layout::usual(1))
    );
    let (mut ours, mut mixed, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut power, mut error) = (0.0, 0.0);
    for (n, packet) in packets.iter().enumerate() {
        stereo.decode(&packet.data, &mut ours).unwrap();
        mono.decode(&packet.data, &mut mixed).unwrap();
        other
            .decode(packet)
            .unwrap()
            .copy_to_vec_interleaved::<f32>(&mut theirs);
        if n == 0 {
            assert!(ours.is_empty() && mixed.is_empty());
            continue;
        }
        assert_eq!((ours.len(), mixed.len() * 2), (theirs.len(), theirs.len()));
        for ((ours, theirs), mixed) in ours.chunks(2).zip(theirs.chunks(2)).zip(&mixed) {
            power += f64::from(theirs[0]).powi(2) + f64::from(theirs[1]).powi(2);
            error += f64::from(ours[0] - theirs[0]).powi(2) + f64::from(ours[1] - theirs[1]).powi(2);
            assert!((mixed - (ours[0] + ours[1]) / 2.0).abs() < 1e-6);
        }
    }
    // What is left is the rounding of 32-bit floats.
    assert!(power > 1.0 && error < power * 1e-13, "{error} of {power}");
}

#[test]
fn headers_cut_anywhere_are_refused() {
    let (_, headers, _) = open();
    for cut in (0..headers.len()).step_by(7) {
        assert!(Vorbis::new(&headers[..cut], false).is_err(), "cut at {cut}");
    }
    let laced = |comment: &[u8]| {
        let lengths = [2, 30, u8::try_from(comment.len()).unwrap()];
        [&lengths, &headers[..30], comment, &headers[30..]].concat()
    };
    assert!(Vorbis::new(&laced(b"\x03vorbis"), true).unwrap().is_some());
    assert!(Vorbis::new(&laced(b"\x03vorbis")[..30], true).is_err());
}

proptest! {
    /// Damaged headers are refused or make a decoder that gives something; damaged packets are noise.
    #[test]
    fn damage_is_no_panic(
        header in prop::bool::ANY,
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..6),
        packet in 1_usize..20,
        mono in prop::bool::ANY,
    ) {
        let (packets, headers, _) = open();
        let mut headers = headers.to_vec();
        let mut packet = packets[packet].data.to_vec();
        let target = if header { &mut headers } else { &mut packet };
        let at = at.index(target.len());
        let end = target.len().min(at + bytes.len());
        target[at..end].copy_from_slice(&bytes[..end - at]);
        let Ok(Some(mut vorbis)) = Vorbis::new(&headers, mono) else { return Ok(()) };
        let mut samples = Vec::new();
        for data in [&packets[1].data, &packet.into_boxed_slice(), &packets[2].data] {
            if vorbis.decode(data, &mut samples).is_ok() {
                prop_assert!(samples.len() <= 4096 * vorbis.output().channels());
            }
        }
    }
}

/// Magnitude and angle by the table of the specification.
#[test]
fn coupling_is_undone_as_specified() {
    for (m, a, wanted) in [
        (3.0, 1.0, (3.0, 2.0)),
        (3.0, -1.0, (2.0, 3.0)),
        (-3.0, 1.0, (-3.0, -2.0)),
        (-3.0, -1.0, (-2.0, -3.0)),
        (0.0, 2.0, (0.0, 2.0)),
        (0.0, -2.0, (2.0, 0.0)),
    ] {
        let (mut left, mut right) = ([m], [a]);
        uncouple(&mut left, &mut right);
        assert_eq!((left[0], right[0]), wanted, "{m} and {a}");
    }
}
