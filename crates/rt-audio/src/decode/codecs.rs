//! The codecs of packets: our own, symphonia's, and Opus. No type of theirs leaves this folder.

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known as codec};
use symphonia::core::errors::Error as Failure;
use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;

use super::flac::Flac;
use super::mp3::Mp3;
#[cfg(feature = "opus")]
use super::opus::{self, Head, Opus};
use super::vorbis::Vorbis;
use super::{Wanted, formats, unsupported_codec};
use crate::error::{Error, ErrorKind};
use crate::info::{Codec, Container};
use crate::mix::Layout;

/// The most channels of Vorbis that symphonia 0.6.1 is given: it undoes the coupling of more in the wrong order.
const VORBIS_CHANNELS: usize = 2;

/// A decoder of packets.
pub(super) enum Packeted {
    /// One of symphonia's.
    Symphonia(Box<dyn AudioDecoder>),
    /// FLAC.
    Flac(Box<Flac>),
    /// MP3.
    Mp3(Box<Mp3>),
    /// Vorbis.
    Vorbis(Box<Vorbis>),
    /// Opus.
    #[cfg(feature = "opus")]
    Opus(Box<Opus>),
}

/// What became of a packet.
pub(super) enum Decoded {
    /// Its frames, of this rate and layout.
    Frames(u32, Layout),
    /// Nothing: the decoder begins anew.
    Reset,
    /// It is damaged.
    Failed(String),
}

/// What is known of a stream before its first packet.
pub(super) struct Stream {
    /// Its decoder.
    pub(super) decoder: Packeted,
    /// Its codec.
    pub(super) codec: Codec,
    /// Its rate, or 0 if that is not known.
    pub(super) rate: u32,
    /// What its channels are.
    pub(super) layout: Layout,
    /// What it is decoded to: its channels, or mono.
    pub(super) output: Layout,
    /// Frames of Opus in front of the audio.
    pub(super) pre_skip: u64,
}

impl Stream {
    /// Makes the decoder of a track.
    pub(super) fn new(track: &Track, container: Container, wanted: Wanted) -> Result<Self, Error> {
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or_else(|| Error::new(ErrorKind::Damaged, "the container does not say what the codec is"))?;
        let codec = codec_of(params.codec)?;
        #[cfg(feature = "opus")]
        if codec == Codec::Opus {
            let head = params.extra_data.as_deref().unwrap_or_default();
            let head = Head::read(head, container == Container::Mp4)?;
            return Ok(Self {
                decoder: Packeted::Opus(Box::new(Opus::new(&head)?)),
                codec,
                rate: opus::RATE,
                layout: head.layout(),
                output: head.layout(),
                pre_skip: head.pre_skip.into(),
            });
        }
        let _ = container;
        if codec == Codec::Flac {
            let header = params.extra_data.as_deref().unwrap_or_default();
            let flac = Flac::new(header, wanted == Wanted::Mono)?;
            return Ok(Self {
                codec,
                rate: flac.rate(),
                layout: flac.layout(),
                output: flac.output(),
                pre_skip: 0,
                decoder: Packeted::Flac(Box::new(flac)),
            });
        }
        if codec == Codec::Mp3 {
            let layout = Layout::usual(params.channels.as_ref().map_or(0, Channels::count));
            let mono = wanted != Wanted::Channels;
            return Ok(Self {
                codec,
                rate: params.sample_rate.unwrap_or_default(),
                layout,
                output: if mono { Layout::usual(1) } else { layout },
                pre_skip: 0,
                decoder: Packeted::Mp3(Box::new(Mp3::new(mono))),
            });
        }
        if codec == Codec::Vorbis
            && let headers = params.extra_data.as_deref().unwrap_or_default()
            && let Some(vorbis) = Vorbis::new(headers, wanted != Wanted::Channels)?
        {
            return Ok(Self {
                codec,
                rate: vorbis.rate(),
                layout: vorbis.layout(),
                output: vorbis.output(),
                pre_skip: 0,
                decoder: Packeted::Vorbis(Box::new(vorbis)),
            });
        }
        let decoder =
            symphonia::default::get_codecs().make_audio_decoder(params, &AudioDecoderOptions::default());
        let decoder = decoder.map_err(|error| match error {
            Failure::Unsupported(_) => Error::new(
                ErrorKind::UnsupportedCodec,
                format!("this variant of {codec} is not decoded; {}", formats::ADVICE),
            )
            .with_source(error.to_string()),
            error => {
                Error::new(ErrorKind::Damaged, "the codec's header is damaged").with_source(error.to_string())
            }
        })?;
        let params = decoder.codec_params();
        let channels = params.channels.as_ref().map_or(0, Channels::count);
        if codec == Codec::Vorbis && channels > VORBIS_CHANNELS {
            return Err(unsupported_codec(
                "Vorbis with more than two channels and floors of type 0",
            ));
        }
        let layout = params.channels.as_ref().map_or(Layout::Discrete(0), layout_of);
        Ok(Self {
            codec,
            rate: params.sample_rate.unwrap_or_default(),
            layout,
            output: layout,
            pre_skip: 0,
            decoder: Packeted::Symphonia(decoder),
        })
    }
}

impl Packeted {
    /// Decodes a packet: its interleaved frames take the place of what was there. If there are none, what was
    /// there may stay: emptying the vector first would have it filled with zeros for every packet.
    pub(super) fn decode(&mut self, packet: &Packet, samples: &mut Vec<f32>) -> Decoded {
        match self {
            Self::Symphonia(decoder) => match decoder.decode(packet) {
                Ok(buffer) => {
                    buffer.copy_to_vec_interleaved(samples);
                    Decoded::Frames(buffer.spec().rate(), layout_of(buffer.spec().channels()))
                }
                Err(Failure::ResetRequired) => {
                    decoder.reset();
                    Decoded::Reset
                }
                Err(error) => Decoded::Failed(error.to_string()),
            },
            Self::Flac(decoder) => match decoder.decode(&packet.data, samples) {
                Ok(()) => Decoded::Frames(decoder.rate(), decoder.output()),
                Err(problem) => Decoded::Failed(problem.to_owned()),
            },
            Self::Mp3(decoder) => match decoder.decode(&packet.data, samples) {
                Ok((rate, layout)) => Decoded::Frames(rate, layout),
                Err(problem) => Decoded::Failed(problem.to_owned()),
            },
            Self::Vorbis(decoder) => match decoder.decode(&packet.data, samples) {
                Ok(()) => {
                    let layout = decoder.output();
                    cut_end(packet, layout, samples);
                    cut_start(packet, layout, samples);
                    Decoded::Frames(decoder.rate(), layout)
                }
                Err(problem) => Decoded::Failed(problem.to_owned()),
            },
            #[cfg(feature = "opus")]
            Self::Opus(decoder) => match decoder.decode(&packet.data, samples) {
                Ok(()) => {
                    let layout = decoder.layout();
                    cut_end(packet, layout, samples);
                    Decoded::Frames(opus::RATE, layout)
                }
                Err(problem) => Decoded::Failed(problem),
            },
        }
    }
}

/// Drops the frames at the end that the container says are none.
fn cut_end(packet: &Packet, layout: Layout, samples: &mut Vec<f32>) {
    let frames = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX);
    let kept = samples
        .len()
        .saturating_sub(frames.saturating_mul(layout.channels()));
    samples.truncate(kept);
}

/// The same at the start.
fn cut_start(packet: &Packet, layout: Layout, samples: &mut Vec<f32>) {
    let frames = usize::try_from(packet.trim_start.get()).unwrap_or(usize::MAX);
    let cut = frames.saturating_mul(layout.channels()).min(samples.len());
    samples.drain(..cut);
}

/// Our name of a codec, or the error that it is not decoded.
fn codec_of(id: AudioCodecId) -> Result<Codec, Error> {
    let name = match id {
        codec::CODEC_ID_FLAC => return Ok(Codec::Flac),
        codec::CODEC_ID_MP3 => return Ok(Codec::Mp3),
        codec::CODEC_ID_VORBIS => return Ok(Codec::Vorbis),
        codec::CODEC_ID_AAC if cfg!(feature = "m4a") => return Ok(Codec::Aac),
        codec::CODEC_ID_ALAC if cfg!(feature = "m4a") => return Ok(Codec::Alac),
        codec::CODEC_ID_OPUS if cfg!(feature = "opus") => return Ok(Codec::Opus),
        codec::CODEC_ID_OPUS => return Err(formats::without_feature("Opus", "opus")),
        codec::CODEC_ID_AAC => return Err(formats::without_feature("AAC", "m4a")),
        codec::CODEC_ID_ALAC => return Err(formats::without_feature("ALAC", "m4a")),
        codec::CODEC_ID_SPEEX => "Speex",
        codec::CODEC_ID_MP1 => "MPEG audio layer I",
        codec::CODEC_ID_MP2 => "MPEG audio layer II",
        codec::CODEC_ID_AC3 => "AC-3",
        codec::CODEC_ID_EAC3 => "E-AC-3",
        codec::CODEC_ID_DCA => "DTS",
        _ => "not known to this crate",
    };
    Err(unsupported_codec(name))
}

/// Our name of a channel layout.
fn layout_of(channels: &Channels) -> Layout {
    match channels {
        Channels::Positioned(positions) => Layout::Speakers(positions.bits()),
        other => Layout::Discrete(other.count()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use symphonia::core::audio::layouts;
    use symphonia::core::codecs::CodecParameters;
    use symphonia::core::codecs::audio::AudioCodecParameters;
    use symphonia::core::formats::probe::Hint;
    use symphonia::core::io::MediaSourceStream;

    use super::*;

    /// The first track of the Vorbis fixture, which is stereo.
    fn vorbis() -> Track {
        let file = File::open("../../fixtures/audio/question.ogg").unwrap();
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let reader = symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            Default::default(),
            Default::default(),
        );
        reader.unwrap().tracks()[0].clone()
    }

    /// A track of stereo at 48,000 Hz.
    fn stereo(codec: AudioCodecId, header: &[u8]) -> Track {
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(codec)
            .with_sample_rate(48_000)
            .with_channels(layouts::CHANNEL_LAYOUT_STEREO)
            .with_extra_data(header.into());
        let mut track = Track::new(0);
        track.with_codec_params(CodecParameters::Audio(params));
        track
    }

    #[test]
    fn of_lossy_codecs_alone_mono_is_made_where_lossless_ones_stay_as_they_are() {
        let mut info = [0; 34];
        // Blocks of 4,096 frames; 48,000 Hz, two channels, 16 bits.
        info[..4].copy_from_slice(&[0x10, 0, 0x10, 0]);
        info[10..14].copy_from_slice(&(48_000_u32 << 12 | 1 << 9 | 15 << 4).to_be_bytes());
        for (track, of_lossy) in [
            (vorbis(), 1),
            (stereo(codec::CODEC_ID_MP3, &[]), 1),
            (stereo(codec::CODEC_ID_FLAC, &info), 2),
        ] {
            for (wanted, channels) in [
                (Wanted::Channels, 2),
                (Wanted::Mono, 1),
                (Wanted::MonoOfLossy, of_lossy),
            ] {
                let stream = Stream::new(&track, Container::Ogg, wanted).unwrap();
                let (codec, layout) = (stream.codec, stream.layout);
                assert_eq!(layout, Layout::usual(2), "{codec}, {wanted:?}");
                assert_eq!(stream.output, Layout::usual(channels), "{codec}, {wanted:?}");
            }
        }
    }

    #[test]
    fn codecs_that_are_not_decoded_are_named() {
        let error = codec_of(codec::CODEC_ID_SPEEX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedCodec);
        let message = error.to_string();
        assert!(
            message.starts_with("unsupported codec: Speex; convert it"),
            "{message}"
        );
        assert_eq!(codec_of(codec::CODEC_ID_VORBIS).unwrap(), Codec::Vorbis);
        assert_eq!(codec_of(codec::CODEC_ID_OPUS).is_ok(), cfg!(feature = "opus"));
    }
}
