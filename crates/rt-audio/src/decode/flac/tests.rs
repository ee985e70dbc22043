//! Every packet is decoded by symphonia's decoder too, which must agree bit for bit.

use std::fs::File;

use proptest::prelude::*;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::*;
use crate::mix::Mixer;

/// The packets of a fixture, and the two decoders.
fn open(name: &str) -> (Vec<Packet>, Flac, Box<dyn AudioDecoder>) {
    let file = File::open(format!("../../fixtures/audio/{name}")).unwrap();
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
    let other = symphonia::default::get_codecs()
        .make_audio_decoder(&params, &AudioDecoderOptions::default())
        .unwrap();
    let packets = std::iter::from_fn(|| reader.next_packet().unwrap()).collect();
    (
        packets,
        Flac::new(&params.extra_data.unwrap(), false).unwrap(),
        other,
    )
}

/// What symphonia makes of a packet; `None` if it fails.
fn reference(decoder: &mut dyn AudioDecoder, data: &[u8]) -> Option<Vec<f32>> {
    let packet = Packet::new(0, Timestamp::new(0), Duration::new(0), data);
    let decode = || {
        let mut samples = Vec::new();
        decoder
            .decode(&packet)
            .ok()?
            .copy_to_vec_interleaved(&mut samples);
        Some(samples)
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).ok()?
}

#[test]
fn the_fixtures_decode_as_elsewhere() {
    for name in ["hello.flac", "hello.oga", "question.flac"] {
        let (packets, mut flac, mut other) = open(name);
        let mut samples = Vec::new();
        assert!(packets.len() > 5);
        for packet in packets {
            flac.decode(&packet.data, &mut samples).unwrap();
            assert!(
                Some(&samples) == reference(&mut *other, &packet.data).as_ref(),
                "{name}"
            );
        }
    }
}

/// Writes bits, the highest first.
#[derive(Default)]
struct Writer(Vec<bool>);

impl Writer {
    fn put(&mut self, value: i64, width: u32) {
        self.0.extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
    }

    fn rice(&mut self, value: i64, low: u32) {
        let folded = value << 1 ^ value >> 63;
        self.0.extend((0..folded >> low).map(|_| false));
        self.put(1, 1);
        self.put(folded, low);
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter()
                .enumerate()
                .fold(0, |byte, (n, bit)| byte | u8::from(*bit) << (7 - n))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// How a channel is to be written.
#[derive(Debug, Clone)]
struct Channel {
    kind: u32,
    wasted: u32,
    precision: u32,
    shift: u32,
    low: u32,
    partitions: u32,
    seed: u64,
}

fn channel() -> impl Strategy<Value = Channel> {
    let kind = prop_oneof![Just(0_u32), Just(1), 8..13_u32, 32..64_u32];
    (
        kind,
        0..3_u32,
        1..16_u32,
        0..16_u32,
        0..32_u32,
        0..3_u32,
        any::<u64>(),
    )
        .prop_map(
            |(kind, wasted, precision, shift, low, partitions, seed)| Channel {
                kind,
                wasted,
                precision,
                shift,
                low,
                partitions,
                seed,
            },
        )
}

impl Channel {
    /// Writes a channel of numbers at random: whatever they are, they mean something.
    fn write(&self, to: &mut Writer, width: u32, frames: usize) {
        let mut state = self.seed | 1;
        let mut random = |bits: u32| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if bits == 0 {
                0
            } else {
                state.cast_signed() >> (64 - bits)
            }
        };
        to.put(i64::from(self.kind) << 1 | i64::from(self.wasted > 0), 8);
        if self.wasted > 0 {
            to.put(1, self.wasted);
        }
        let width = width - self.wasted;
        match self.kind {
            0 => to.put(random(width), width),
            1 => (0..frames).for_each(|_| to.put(random(width), width)),
            kind => {
                // The newest sample's first.
                let coefficients = match kind {
                    8 => vec![],
                    9 => vec![1],
                    10 => vec![2, -1],
                    11 => vec![3, -3, 1],
                    12 => vec![4, -6, 4, -1],
                    kind => (31..kind).map(|_| random(self.precision)).collect(),
                };
                let samples: Vec<i64> = (0..frames.max(coefficients.len()))
                    .map(|_| random(width))
                    .collect();
                self.write_predicted(to, width, frames, &samples, coefficients);
            }
        }
    }

    /// Writes samples as what a predictor gets wrong of them: so none leaves the width, beyond which decoders differ.
    fn write_predicted(
        &self,
        to: &mut Writer,
        width: u32,
        frames: usize,
        samples: &[i64],
        mut coefficients: Vec<i64>,
    ) {
        let linear = self.kind >= 32;
        let (order, shift) = (coefficients.len(), if linear { self.shift } else { 0 });
        let wrong = loop {
            let wrong = |at: usize| {
                let before = samples[..at].iter().rev().zip(&coefficients);
                let sum: i64 = before.map(|(sample, by)| sample * by).sum();
                samples[at] - (sum >> shift)
            };
            let wrong: Vec<i64> = (order..samples.len()).map(wrong).collect();
            if wrong.iter().all(|wrong| wrong.abs() < 1 << 30) {
                break wrong;
            }
            coefficients.iter_mut().for_each(|by| *by /= 2);
        };
        samples[..order].iter().for_each(|&sample| to.put(sample, width));
        if linear {
            to.put(i64::from(self.precision) - 1, 4);
            to.put(i64::from(shift), 5);
            coefficients.iter().for_each(|&by| to.put(by, self.precision));
        }
        to.put(1, 2);
        to.put(i64::from(self.partitions), 4);
        let mut wrong = &wrong[..];
        for part in 0..1 << self.partitions {
            let len = (frames >> self.partitions).saturating_sub(if part == 0 { order } else { 0 });
            let (part, rest) = wrong.split_at(len.min(wrong.len()));
            wrong = rest;
            let bits = part.iter().map(|wrong| 65 - wrong.abs().leading_zeros()).max();
            // Some codes are longer than a word.
            let zeros = 4 + u32::from(self.seed.is_multiple_of(8)) * 5;
            let low = self.low.max(bits.unwrap_or(0).saturating_sub(zeros));
            to.put(i64::from(low), 5);
            if low == 31 {
                to.put(31, 5);
                part.iter().for_each(|&wrong| to.put(wrong, 31));
            } else {
                part.iter().for_each(|&wrong| to.rice(wrong, low));
            }
        }
    }
}

/// A frame of two channels.
fn frame(channels: &[Channel; 2], coding: u32, width: (u32, u32), frames: usize) -> Vec<u8> {
    let mut header = Writer::default();
    header.put(0xfff8, 16);
    header.put(0x70, 8);
    header.put(i64::from(coding << 4 | width.0 << 1), 8);
    header.put(0, 8);
    header.put(frames as i64 - 1, 16);
    let sum = crc8(&header.bytes());
    header.put(sum.into(), 8);
    for (n, channel) in channels.iter().enumerate() {
        let side = (coding == 9 && n == 0) || ((coding == 8 || coding == 10) && n == 1);
        channel.write(&mut header, width.1 + u32::from(side), frames);
    }
    header.put(0, 7);
    let mut bytes = header.bytes();
    bytes.extend([0, 0]);
    bytes
}

/// The header of a stream of two channels with 16 bits, and blocks of up to 4,096 frames.
const STREAM: [u8; 34] = {
    let mut info = [0; 34];
    (info[1], info[2], info[10], info[11], info[12], info[13]) = (16, 16, 0x0a, 0xc4, 0x42, 0xf0);
    info
};

proptest! {
    /// Frames of every kind of channel decode as elsewhere.
    #[test]
    fn frames_decode_as_elsewhere(
        channels in [channel(), channel()],
        coding in prop::sample::select(vec![1_u32, 8, 9, 10]),
        width in prop::sample::select(vec![(1_u32, 8_u32), (4, 16), (6, 24)]),
        frames in (10_usize..40).prop_map(|n| n * 4),
        cut in 0_usize..4,
    ) {
        let mut bytes = frame(&channels, coding, width, frames);
        let params = {
            let (.., other) = open("question.flac");
            let mut params = other.codec_params().clone();
            params.extra_data = Some(STREAM.into());
            params
        };
        let mut other = symphonia::default::get_codecs()
            .make_audio_decoder(&params, &AudioDecoderOptions::default())
            .unwrap();
        // The whole frame, or a part of it.
        if cut == 0 {
            bytes.truncate(bytes.len() / 2);
        }
        let mut samples = Vec::new();
        let ours = Flac::new(&STREAM, false).unwrap().decode(&bytes, &mut samples);
        match reference(&mut *other, &bytes) {
            Some(theirs) => {
                prop_assert_eq!(ours, Ok(()));
                prop_assert!(samples == theirs);
                let mut mono = Vec::new();
                let mut to_mono = Flac::new(&STREAM, true).unwrap();
                prop_assert_eq!(to_mono.output(), Layout::usual(1));
                prop_assert_eq!(to_mono.decode(&bytes, &mut mono), Ok(()));
                let mut mixed = Vec::new();
                Mixer::new(to_mono.layout()).mix_into(&samples, &mut mixed);
                prop_assert!(mono == mixed);
            }
            None if cut == 0 => {}
            None => prop_assert!(order_is_too_long(&channels, frames)),
        }
    }

    /// What is damaged is an error or noise, and no panic.
    #[test]
    fn damage_is_no_panic(at in 0_usize..2000, bytes in prop::collection::vec(any::<u8>(), 1..8)) {
        let (packets, mut flac, _) = open("question.flac");
        let mut data = packets[1].data.to_vec();
        let at = at.min(data.len() - bytes.len());
        data[at..at + bytes.len()].copy_from_slice(&bytes);
        let mut samples = Vec::new();
        if flac.decode(&data, &mut samples).is_ok() {
            prop_assert!(samples.len() <= 65_535);
        }
    }
}

/// Whether a partition is shorter than what the predictor begins with.
fn order_is_too_long(channels: &[Channel; 2], frames: usize) -> bool {
    channels.iter().any(|channel| {
        let order = match channel.kind {
            kind @ 8..=12 => kind - 8,
            kind @ 32.. => kind - 31,
            _ => 0,
        };
        (order as usize) > frames >> channel.partitions
    })
}

#[test]
fn headers_that_are_damaged_are_refused() {
    assert!(Flac::new(&STREAM, false).is_ok());
    for cut in 0..34 {
        assert_eq!(
            Flac::new(&STREAM[..cut], false).err().unwrap().kind(),
            ErrorKind::Damaged
        );
    }
    let mut flac = Flac::new(&STREAM, false).unwrap();
    let mut samples = Vec::new();
    assert!(flac.decode(&[], &mut samples).is_err());
    assert!(flac.decode(&[0xff, 0xf8, 0xff], &mut samples).is_err());
    // The checksum of the header.
    let channels = [0, 1].map(|seed| Channel {
        kind: 0,
        wasted: 0,
        precision: 1,
        shift: 0,
        low: 0,
        partitions: 0,
        seed,
    });
    let mut bytes = frame(&channels, 1, (4, 16), 40);
    assert!(flac.decode(&bytes, &mut samples).is_ok());
    assert_eq!(samples.len(), 80);
    bytes[7] ^= 1;
    assert!(flac.decode(&bytes, &mut samples).is_err());
}
