//! Ogg, FLAC and MP3 (and ADPCM in WAV), by symphonia. No type of it leaves this file.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known as codec};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Failure;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known as format;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::gapless::Gapless;
use super::input::Input;
use super::{Block, Decoder, Health, sniff};
use crate::error::{Error, ErrorKind};
use crate::info::{Codec, Container, Info, duration_of};
use crate::limits::Limits;
use crate::mix::Layout;

/// Failures in a row after which the rest of a file is given up.
const PATIENCE: u32 = 1000;

/// The most frames of silence that stand for one packet.
const LONGEST_PACKET: u64 = 65_536;

/// The state of decoding.
pub(super) struct Packets {
    /// What the header says.
    info: Info,
    /// Reads packets.
    reader: Box<dyn FormatReader>,
    /// Decodes them.
    decoder: Box<dyn AudioDecoder>,
    /// Which packets are ours.
    track: u32,
    /// Rate and layout of what was decoded last: what silence is made of.
    shape: (u32, Layout),
    /// Removes an MP3 encoder's delay and padding.
    gapless: Gapless,
    /// Frames the header of the current stream promises.
    promised: Option<u64>,
    /// Frames of the current stream so far.
    decoded: u64,
    /// Failures since the last good packet.
    failures: u32,
    /// Whether the end was reached.
    ended: bool,
    /// What was wrong so far.
    health: Health,
}

/// Makes the decoder of an input.
pub(super) fn open(input: Input, limits: &Limits) -> Result<Packets, Error> {
    guard(|| Packets::open(input, limits)).unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Damaged,
            "the header is damaged: its reader panicked",
        ))
    })
}

impl Packets {
    /// Reads the headers and makes the codec.
    fn open(input: Input, limits: &Limits) -> Result<Self, Error> {
        let stream = MediaSourceStream::new(Box::new(input), Default::default());
        let no_tags = MetadataOptions::default().limit_visual_bytes(Limit::Maximum(0));
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), no_tags)
            .map_err(not_opened)?;
        let container = match reader.format_info().format {
            format::FORMAT_ID_WAVE => Container::Wav,
            format::FORMAT_ID_OGG => Container::Ogg,
            format::FORMAT_ID_FLAC => Container::Flac,
            _ => Container::Mp3,
        };
        let track = audio_track(&*reader)?;
        let decoder = make_decoder(track)?;
        let params = decoder.codec_params();
        let rate = params.sample_rate.unwrap_or_default();
        let layout = params.channels.as_ref().map_or(Layout::Discrete(0), layout_of);
        limits.check_format(rate, layout.channels())?;
        // Without a header of its encoder, the length of an MP3 is a guess from its size.
        let estimated = container == Container::Mp3 && track.delay.is_none();
        let duration = track.num_frames.map(|frames| duration_of(frames, rate));
        if let (Some(duration), false) = (duration, estimated) {
            limits.check_duration(duration)?;
        }
        let promised = track.num_frames.filter(|_| !estimated);
        let gapless = match (container, track.delay) {
            (Container::Mp3, Some(delay)) => {
                Gapless::new(delay.into(), promised, track.padding.unwrap_or_default().into())
            }
            _ => Gapless::none(),
        };
        let info = Info {
            container,
            codec: codec_of(params.codec)?,
            sample_rate: rate,
            channels: u16::try_from(layout.channels()).unwrap_or(u16::MAX),
            duration,
            estimated,
        };
        let track = track.id;
        let (failures, ended, health) = (0, false, Health::default());
        let shape = (rate, layout);
        Ok(Self {
            info,
            reader,
            decoder,
            track,
            shape,
            gapless,
            promised,
            decoded: 0,
            failures,
            ended,
            health,
        })
    }

    /// One packet; `true` if the block has samples now.
    fn step(&mut self, block: &mut Block) -> Result<bool, Error> {
        block.samples.clear();
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) if packet.track_id == self.track => packet,
            Ok(Some(_)) => return Ok(false),
            Ok(None) => {
                self.end(None);
                return Ok(false);
            }
            Err(Failure::ResetRequired) => {
                self.next_stream()?;
                return Ok(false);
            }
            Err(Failure::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.end(Some("the file ends in the middle of a packet"));
                return Ok(false);
            }
            Err(Failure::IoError(error)) => {
                self.ended = true;
                return Err(Error::io("reading failed", error));
            }
            Err(error) => {
                self.fail(&error);
                return Ok(false);
            }
        };
        match self.decoder.decode(&packet) {
            Ok(buffer) => {
                self.failures = 0;
                self.shape = (buffer.spec().rate(), layout_of(buffer.spec().channels()));
                buffer.copy_to_vec_interleaved(&mut block.samples);
            }
            Err(Failure::ResetRequired) => {
                self.decoder.reset();
                return Ok(false);
            }
            Err(error) => {
                self.health.skipped += 1;
                self.fail(&error);
                self.silence(&packet, &mut block.samples);
            }
        }
        (block.rate, block.layout) = self.shape;
        self.gapless.cut(&mut block.samples, block.layout.channels());
        self.decoded += (block.samples.len() / block.layout.channels().max(1)) as u64;
        Ok(!block.samples.is_empty())
    }

    /// Silence of a packet's length, so that what follows keeps its place.
    fn silence(&self, packet: &Packet, samples: &mut Vec<f32>) {
        let frames = packet.dur.get().min(LONGEST_PACKET);
        let frames = usize::try_from(frames).unwrap_or_default();
        samples.resize(frames * self.shape.1.channels(), 0.0);
    }

    /// Notes a failure; after too many in a row, gives up.
    fn fail(&mut self, error: &Failure) {
        self.health.note(format!("a part is damaged ({error})"));
        self.failures = self.failures.saturating_add(1);
        if self.failures > PATIENCE {
            self.end(None);
        }
    }

    /// Ends the current stream: counts what is missing.
    fn end_stream(&mut self) {
        let promised = self.promised.take().unwrap_or_default();
        let missing = promised.saturating_sub(self.decoded);
        if missing > 0 {
            self.health.note("the file ends early");
            *self.health.missing.get_or_insert(0) += missing;
        }
    }

    /// Ends everything. An unexpected end of a file that has all it promises is none.
    fn end(&mut self, problem: Option<&str>) {
        self.ended = true;
        let whole = self.promised.is_some_and(|promised| self.decoded >= promised)
            && self.info.container != Container::Ogg;
        self.end_stream();
        if let (Some(problem), false) = (problem, whole) {
            self.health.note(problem);
        }
    }

    /// Goes on with the next of several streams in one file.
    fn next_stream(&mut self) -> Result<(), Error> {
        self.end_stream();
        let track = audio_track(&*self.reader)?;
        self.decoder = make_decoder(track)?;
        self.track = track.id;
        self.promised = track.num_frames;
        self.decoded = 0;
        Ok(())
    }
}

impl Decoder for Packets {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, Error> {
        while !self.ended {
            match guard(|| self.step(block)) {
                Ok(Ok(false)) => {}
                Ok(done) => return done,
                Err(Panicked) => {
                    self.end(None);
                    self.health.note("the decoder panicked");
                }
            }
        }
        Ok(false)
    }

    fn health(&self) -> &Health {
        &self.health
    }
}

/// A panic below.
struct Panicked;

/// Runs foreign code on foreign data: a panic becomes a value. What it leaves behind is not used again.
fn guard<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Panicked)
}

/// The track to play.
fn audio_track(reader: &dyn FormatReader) -> Result<&Track, Error> {
    reader
        .default_track(TrackType::Audio)
        .or_else(|| reader.first_track(TrackType::Audio))
        .ok_or_else(|| match reader.tracks() {
            [] => Error::new(ErrorKind::Damaged, "the container holds no audio track"),
            _ => Error::new(
                ErrorKind::UnsupportedCodec,
                format!(
                    "unsupported codec: no stream in the container is known; {}",
                    sniff::ADVICE
                ),
            ),
        })
}

/// The codec of a track.
fn make_decoder(track: &Track) -> Result<Box<dyn AudioDecoder>, Error> {
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio())
        .ok_or_else(|| Error::new(ErrorKind::Damaged, "the container does not say what the codec is"))?;
    codec_of(params.codec)?;
    symphonia::default::get_codecs()
        .make_audio_decoder(
            params,
            &AudioDecoderOptions::default().gapless(params.codec != codec::CODEC_ID_MP3),
        )
        .map_err(|error| match error {
            Failure::Unsupported(_) => Error::new(
                ErrorKind::UnsupportedCodec,
                format!("this variant of the codec is not decoded; {}", sniff::ADVICE),
            )
            .with_source(error.to_string()),
            error => {
                Error::new(ErrorKind::Damaged, "the codec's header is damaged").with_source(error.to_string())
            }
        })
}

/// Our name of a codec, or the error that it is not decoded.
fn codec_of(id: AudioCodecId) -> Result<Codec, Error> {
    let name = match id {
        codec::CODEC_ID_FLAC => return Ok(Codec::Flac),
        codec::CODEC_ID_MP3 => return Ok(Codec::Mp3),
        codec::CODEC_ID_VORBIS => return Ok(Codec::Vorbis),
        codec::CODEC_ID_ADPCM_MS | codec::CODEC_ID_ADPCM_IMA_WAV => return Ok(Codec::Adpcm),
        codec::CODEC_ID_OPUS => "Opus",
        codec::CODEC_ID_SPEEX => "Speex",
        codec::CODEC_ID_MP1 => "MPEG audio layer I",
        codec::CODEC_ID_MP2 => "MPEG audio layer II",
        codec::CODEC_ID_AAC => "AAC",
        codec::CODEC_ID_ADPCM_G722 => "G.722",
        codec::CODEC_ID_ADPCM_G726 | codec::CODEC_ID_ADPCM_G726LE => "G.726",
        _ => "not known to this crate",
    };
    let advice = sniff::ADVICE;
    Err(Error::new(
        ErrorKind::UnsupportedCodec,
        format!("unsupported codec: {name}; {advice}"),
    ))
}

/// Our name of a channel layout.
fn layout_of(channels: &Channels) -> Layout {
    match channels {
        Channels::Positioned(positions) => Layout::Speakers(positions.bits()),
        other => Layout::Discrete(other.count()),
    }
}

/// Why the container was not opened.
fn not_opened(error: Failure) -> Error {
    match error {
        Failure::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Error::io("reading failed", error)
        }
        Failure::Unsupported(_) => {
            let advice = sniff::ADVICE;
            let message = format!("the content is no audio that is known here; {advice}");
            Error::new(ErrorKind::UnsupportedFormat, message).with_source(error.to_string())
        }
        error => {
            Error::new(ErrorKind::Damaged, "the header is damaged or cut").with_source(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_below_becomes_a_value() {
        assert!(guard(|| -> u8 { panic!("a decoder's bug") }).is_err());
        assert_eq!(guard(|| 7).ok(), Some(7));
    }

    #[test]
    fn codecs_that_are_not_decoded_are_named() {
        let error = codec_of(codec::CODEC_ID_OPUS).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedCodec);
        assert!(
            error
                .to_string()
                .starts_with("unsupported codec: Opus; convert it")
        );
        assert_eq!(codec_of(codec::CODEC_ID_VORBIS).unwrap(), Codec::Vorbis);
    }
}
