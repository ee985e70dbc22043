//! Packets are decoded by symphonia's decoder too, which must agree: those of the fixture, and frames of random bits.
//! These have all windows, rates and kinds of stereo, scale factors shared between granules, and tables of every size, of
//! those with more bits the smallest. Mixed blocks, and intensity stereo of MPEG-2, are only held against
//! our other way to decode; bits in frames before are in the fixture.

#![expect(clippy::cast_possible_truncation, reason = "small numbers")]

mod damage;

use std::fs::File;

use symphonia::core::audio::{Channels, layouts};
use symphonia::core::codecs::audio::well_known::CODEC_ID_MP3;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::formats::FormatOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::bits::Writer;
use super::*;

/// Symphonia's decoder.
fn other(rate: u32, channels: usize) -> Box<dyn AudioDecoder> {
    let mut params = AudioCodecParameters::new();
    let layout = if channels == 1 {
        layouts::CHANNEL_LAYOUT_MONO
    } else {
        layouts::CHANNEL_LAYOUT_STEREO
    };
    let _: &Channels = &layout;
    params
        .for_codec(CODEC_ID_MP3)
        .with_sample_rate(rate)
        .with_channels(layout);
    symphonia::default::get_codecs()
        .make_audio_decoder(&params, &AudioDecoderOptions::default().gapless(false))
        .unwrap()
}

/// How far apart two signals are, in dB of the first.
#[derive(Default)]
struct Agreement {
    power: f64,
    error: f64,
}

impl Agreement {
    fn add(&mut self, ours: &[f32], theirs: &[f32]) {
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(theirs) {
            self.power += f64::from(*a).powi(2);
            self.error += (f64::from(*a) - f64::from(*b)).powi(2);
        }
    }

    fn decibels(&self) -> f64 {
        10.0 * (self.power / self.error.max(1e-300)).log10()
    }
}

/// The packets of the fixture, which is mono at 44,100 Hz.
fn fixture() -> Vec<Box<[u8]>> {
    let file = File::open("../../fixtures/audio/question.mp3").unwrap();
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut reader = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .unwrap();
    std::iter::from_fn(|| reader.next_packet().unwrap())
        .map(|packet| packet.data)
        .collect()
}

fn packet(data: &[u8]) -> Packet {
    Packet::new(0, Timestamp::ZERO, Duration::ZERO, data.to_vec())
}

#[test]
fn the_fixture_decodes_as_elsewhere() {
    let (mut mp3, mut other) = (Mp3::new(false), other(44_100, 1));
    let (mut ours, mut theirs, mut agreement) = (Vec::new(), Vec::new(), Agreement::default());
    for data in fixture() {
        let shape = mp3.decode(&data, &mut ours).unwrap();
        assert_eq!(shape, (44_100, Layout::usual(1)));
        let decoded = other.decode(&packet(&data)).unwrap();
        decoded.copy_to_vec_interleaved::<f32>(&mut theirs);
        agreement.add(&ours, &theirs);
    }
    assert!(agreement.decibels() > 120.0, "{}", agreement.decibels());
}

/// A frame of the kind in the fixture, whose bits are in front of it by so many bytes: mono, 44,100 Hz.
fn frame(reservoir: u16) -> Vec<u8> {
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0xc4]);
    let [high, low] = (reservoir << 7).to_be_bytes();
    (frame[4], frame[5]) = (high, low);
    frame
}

#[test]
fn a_silent_frame_and_one_whose_bits_are_missing() {
    for reservoir in [0, 300] {
        let mut samples = vec![1.0; 10];
        let (rate, layout) = Mp3::new(false).decode(&frame(reservoir), &mut samples).unwrap();
        assert_eq!((rate, layout), (44_100, Layout::usual(1)));
        assert_eq!(samples, vec![0.0; 1152], "{reservoir}");
    }
}

#[test]
fn bits_that_are_missing_later_are_an_error() {
    let (mut mp3, mut samples) = (Mp3::new(false), Vec::new());
    mp3.decode(&frame(300), &mut samples).unwrap();
    mp3.decode(&frame(0), &mut samples).unwrap();
    // What is no frame makes the decoder forget the bits of the one before.
    assert!(mp3.decode(&[0; 417], &mut samples).is_err());
    let error = mp3.decode(&frame(511), &mut samples).unwrap_err();
    assert_eq!(error, "a part of a frame is missing");
}

#[test]
fn what_is_no_frame_is_an_error() {
    let mut samples = Vec::new();
    assert!(Mp3::new(false).decode(&[], &mut samples).is_err());
    assert!(Mp3::new(false).decode(&[0; 417], &mut samples).is_err());
    for end in 0..417 {
        assert!(
            Mp3::new(false).decode(&frame(0)[..end], &mut samples).is_err(),
            "{end}"
        );
    }
    let mut layer2 = frame(0);
    layer2[1] = 0xfd;
    assert!(Mp3::new(false).decode(&layer2, &mut samples).is_err());
    // More bits than there are bytes.
    let mut long = frame(0);
    long[4..40].fill(0xff);
    (long[4], long[5]) = (0, 0);
    assert!(Mp3::new(false).decode(&long, &mut samples).is_err());
}

#[test]
fn a_frame_that_does_not_say_its_length_is_its_packet() {
    let (mut free, mut said) = (Mp3::new(false), Mp3::new(false));
    let (mut ours, mut expected) = (Vec::new(), Vec::new());
    for mut data in fixture() {
        said.decode(&data, &mut expected).unwrap();
        data[2] &= 0x0f;
        free.decode(&data, &mut ours).unwrap();
        assert_eq!(ours, expected);
    }
}

/// Numbers, the same in each run.
struct Random(u32);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(self.0 >> 8) * u64::from(end)) >> 24) as u32
    }
}

/// How frames of random bits are made.
#[derive(Debug, Clone, Copy)]
struct Kind {
    rate_index: usize,
    /// What the header says of channels.
    mode: u8,
    /// Whether some short blocks are mixed.
    mixed: bool,
    /// Whether both channels may have blocks of different kinds.
    apart: bool,
}

/// The windows that are drawn from.
const WINDOWS: [u32; 6] = [0, 0, 1, 2, 2, 3];

/// The tables that are drawn from.
const TABLES: [u32; 16] = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 24];

const MONO: u8 = 0xc0;
const STEREO: u8 = 0x00;
const MID_SIDE: u8 = 0x60;
const INTENSITY: u8 = 0x50;
const BOTH: u8 = 0x70;

impl Kind {
    /// A frame whose bits begin in it.
    fn frame(self, random: &mut Random) -> Vec<u8> {
        let version = [3, 2, 0][self.rate_index / 3];
        // The highest bit rate, so that there is room.
        let header = [
            0xff,
            0xe3 | version << 3,
            0xe0 | (self.rate_index as u8 % 3) << 2,
            self.mode,
        ];
        let parsed = Header::read(&header).unwrap();
        let channels = parsed.channels as u32;
        let mut out = Writer::default();
        let mut block = || (random.below(6), self.mixed && random.below(2) == 0);
        let mut blocks = [[(0, false); 2]; 2];
        for granule in &mut blocks {
            *granule = [block(); 2];
            if self.apart {
                granule[1] = block();
            }
        }
        if parsed.mpeg1 {
            out.put(0, 9).put(0, if channels == 1 { 5 } else { 3 });
            for channel in 0..parsed.channels {
                // Only granules of long blocks share scale factors.
                let long = blocks
                    .iter()
                    .all(|granule| WINDOWS[granule[channel].0 as usize] != 2);
                out.put(if long { random.below(16) } else { 0 }, 4);
            }
        } else {
            out.put(0, 8).put(0, channels);
        }
        for granule in &blocks[..parsed.granules()] {
            for block in &granule[..parsed.channels] {
                Self::granule(parsed.mpeg1, *block, random, &mut out);
            }
        }
        let mut frame = [&header[..], &out.bytes()].concat();
        frame.resize_with(parsed.length.unwrap(), || random.below(256) as u8);
        frame
    }

    /// What is said of one channel of a granule: its bits are enough for all lines, which end where a table says.
    fn granule(mpeg1: bool, block: (u32, bool), random: &mut Random, out: &mut Writer) {
        let window = WINDOWS[block.0 as usize];
        let pairs = random.below(50);
        out.put(1000 + pairs * 14, 12)
            .put(pairs, 9)
            .put(170 + random.below(20), 8);
        out.put(
            random.below(if mpeg1 { 16 } else { 512 }),
            if mpeg1 { 4 } else { 9 },
        );
        let mut table = || TABLES[random.below(TABLES.len() as u32) as usize];
        let tables = [table(), table(), table()];
        if window > 0 {
            out.put(1, 1)
                .put(window, 2)
                .put(u32::from(block.1 && window == 2), 1);
            out.put(tables[0], 5).put(tables[1], 5);
            (0..3).for_each(|_| _ = out.put(random.below(8), 3));
        } else {
            out.put(0, 1);
            tables.iter().for_each(|table| _ = out.put(*table, 5));
            out.put(random.below(16), 4).put(random.below(8), 3);
        }
        if mpeg1 {
            out.put(random.below(2), 1);
        }
        out.put(random.below(4), 2);
    }
}

#[test]
fn frames_of_random_bits_decode_as_elsewhere() {
    let mut random = Random(1);
    for rate_index in 0..9 {
        for mode in [MONO, STEREO, MID_SIDE, INTENSITY, BOTH] {
            // Symphonia has other places of intensity stereo in MPEG-2, and other mixed blocks.
            if mode & 0x50 == INTENSITY && rate_index >= 3 {
                continue;
            }
            let kind = Kind {
                rate_index,
                mode,
                mixed: false,
                apart: false,
            };
            let mut other = other(header::RATES[rate_index], if mode == MONO { 1 } else { 2 });
            let (mut mp3, mut agreement) = (Mp3::new(false), Agreement::default());
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..50 {
                let data = kind.frame(&mut random);
                mp3.decode(&data, &mut ours).unwrap();
                let decoded = other.decode(&packet(&data)).unwrap();
                decoded.copy_to_vec_interleaved::<f32>(&mut theirs);
                agreement.add(&ours, &theirs);
            }
            assert!(agreement.decibels() > 110.0, "{kind:?}: {}", agreement.decibels());
        }
    }
}

/// Frames to all channels and to mono: the mean of the former, and the latter. Each frame is of one of `modes`, or of
/// the kind's if there are none.
fn both_ways(kind: Kind, modes: &[u8], limited: bool) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random(kind.rate_index as u32 + 7);
    let (mut stereo, mut mono) = (Mp3::new(false), Mp3::new(true));
    let (mut channels, mut mixed) = (Vec::new(), Vec::new());
    let (mut expected, mut got) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        let mode = modes.get(random.below(modes.len() as u32) as usize);
        let mode = mode.copied().unwrap_or(kind.mode);
        let data = Kind { mode, ..kind }.frame(&mut random);
        let header = Header::read(&data).unwrap();
        let fresh = mono.stream.get_or_insert_with(|| Stream::new(header, true));
        if !limited {
            fresh.limit = SUBBANDS;
        }
        stereo.decode(&data, &mut channels).unwrap();
        assert_eq!(
            mono.decode(&data, &mut mixed).unwrap(),
            (header.rate(), Layout::usual(1))
        );
        let weights = Layout::usual(header.channels).weights();
        let frames = channels.chunks_exact(header.channels);
        expected.extend(frames.map(|frame| frame.iter().zip(&weights).map(|(a, b)| a * b).sum::<f32>()));
        got.extend_from_slice(&mixed);
    }
    (expected, got)
}

#[test]
fn mono_is_the_mean_of_the_channels() {
    for rate_index in [0, 2, 4, 8] {
        let all: &[u8] = &[STEREO, MID_SIDE, INTENSITY, BOTH];
        for (mode, modes, apart) in [
            (MONO, &[][..], false),
            (STEREO, &[], false),
            (STEREO, &[], true),
            (MID_SIDE, &[], false),
            (MID_SIDE, &[], true),
            (INTENSITY, &[], false),
            (BOTH, &[], true),
            (STEREO, all, false),
            (STEREO, all, true),
        ] {
            let kind = Kind {
                rate_index,
                mode,
                mixed: true,
                apart,
            };
            let (expected, got) = both_ways(kind, modes, false);
            let mut agreement = Agreement::default();
            agreement.add(&expected, &got);
            assert!(agreement.decibels() > 110.0, "{kind:?}: {}", agreement.decibels());
        }
    }
}

#[test]
fn mono_lacks_nothing_that_24_khz_can_hold() {
    for rate_index in 0..3 {
        let kind = Kind {
            rate_index,
            mode: MID_SIDE,
            mixed: false,
            apart: false,
        };
        let (expected, got) = both_ways(kind, &[], true);
        assert_ne!(expected, got);
        let resampled = |samples: &[f32]| {
            let mut resampler = crate::Resampler::new(header::RATES[rate_index], 24_000).unwrap();
            let mut out = Vec::new();
            resampler.push(samples, &mut out);
            resampler.finish(&mut out);
            out
        };
        // At both ends the frames are cut off, which is heard at all frequencies.
        let middle = |samples: &[f32]| samples[1000..samples.len() - 1000].to_vec();
        let (expected, got) = (resampled(&expected), resampled(&got));
        let mut agreement = Agreement::default();
        agreement.add(&middle(&expected), &middle(&got));
        assert!(agreement.decibels() > 90.0, "{kind:?}: {}", agreement.decibels());
    }
}

#[test]
fn channels_may_come_and_go() {
    let mut random = Random(3);
    let mut mp3 = Mp3::new(false);
    let mut samples = Vec::new();
    for n in 0..40 {
        let mode = [MONO, STEREO, MID_SIDE][n / 3 % 3];
        let rate_index = n / 20 * 4;
        let kind = Kind {
            rate_index,
            mode,
            mixed: true,
            apart: true,
        };
        let channels = if mode == MONO { 1 } else { 2 };
        let shape = mp3.decode(&kind.frame(&mut random), &mut samples).unwrap();
        assert_eq!(shape, (header::RATES[rate_index], Layout::usual(channels)));
        assert_eq!(samples.len(), channels * if rate_index < 3 { 1152 } else { 576 });
    }
}
