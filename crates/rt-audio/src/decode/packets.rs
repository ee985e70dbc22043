//! Containers of packets, by symphonia: Ogg, FLAC and MP3; MP4, ADTS, CAF and Matroska behind features.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::common::Limit;
use symphonia::core::errors::Error as Failure;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::codecs::{Decoded, Packeted, Stream};
use super::gapless::Gapless;
use super::input::Input;
use super::{Block, Decoder, Health, Wanted, formats, unsupported_codec};
use crate::error::{Error, ErrorKind};
use crate::info::{Codec, Container, Info, duration_of};
use crate::limits::Limits;
use crate::mix::Layout;

/// Failures in a row after which the rest of a file is given up.
const PATIENCE: u32 = 1000;

/// The most frames by which the last packet of a file may be shorter than the others.
const PARTIAL_PACKET: u64 = 4095;

/// The most frames of silence that stand for one packet.
const LONGEST_PACKET: u64 = 65_536;

/// The state of decoding.
pub(super) struct Packets {
    /// What the header says.
    info: Info,
    /// Reads packets.
    reader: Box<dyn FormatReader>,
    /// Decodes them.
    decoder: Packeted,
    /// What the caller makes of the frames.
    wanted: Wanted,
    /// What a stream may be at most.
    limits: Limits,
    /// Which packets are ours.
    track: u32,
    /// Rate and layout of what was decoded last: what silence is made of.
    shape: (u32, Layout),
    /// Removes the encoder's delay and padding.
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

/// What a container says about the audio in its first stream.
struct Trim {
    /// What to cut.
    gapless: Gapless,
    /// Frames that stay, if that is known.
    frames: Option<u64>,
}

/// Makes the decoder of an input.
pub(super) fn open(
    input: Input,
    container: Container,
    limits: &Limits,
    wanted: Wanted,
) -> Result<Packets, Error> {
    guard(|| Packets::open(input, container, limits, wanted)).unwrap_or_else(|_| {
        Err(Error::new(
            ErrorKind::Damaged,
            "the header is damaged: its reader panicked",
        ))
    })
}

impl Packets {
    /// Reads the headers and makes the codec.
    fn open(mut input: Input, container: Container, limits: &Limits, wanted: Wanted) -> Result<Self, Error> {
        let beyond = beyond_the_packets(&mut input, container)?;
        if beyond.cut {
            input.make_sequential();
        }
        let mut health = Health::default();
        let cut = beyond.cut;
        let stream = MediaSourceStream::new(Box::new(input), Default::default());
        let no_tags = MetadataOptions::default().limit_visual_bytes(Limit::Maximum(0));
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), no_tags)
            .map_err(not_opened)?;
        let container = formats::container_of(reader.format_info().format).unwrap_or(container);
        let track = audio_track(&*reader)?;
        let stream = Stream::new(track, container, wanted)?;
        let (rate, layout) = (stream.rate, stream.layout);
        limits.check_format(rate, layout.channels())?;
        // Without a header of its encoder, the length of an MP3 is a guess from its size, as is that of ADTS.
        let estimated = match container {
            Container::Mp3 => track.delay.is_none(),
            container => container == Container::Adts,
        };
        let trim = trim(track, &stream, container, &beyond);
        let duration = trim.frames.map(|frames| duration_of(frames, rate));
        if let (Some(duration), false) = (duration, estimated) {
            limits.check_duration(duration)?;
        }
        let info = Info {
            container,
            codec: stream.codec,
            sample_rate: rate,
            channels: u16::try_from(layout.channels()).unwrap_or(u16::MAX),
            duration,
            estimated: estimated && duration.is_some(),
        };
        let track = track.id;
        if cut {
            health.note("the file is cut");
        }
        Ok(Self {
            info,
            reader,
            decoder: stream.decoder,
            wanted,
            limits: limits.clone(),
            track,
            shape: (rate, stream.output),
            gapless: trim.gapless,
            promised: trim.frames.filter(|_| !estimated),
            decoded: 0,
            failures: 0,
            ended: false,
            health,
        })
    }

    /// One packet; `true` if the block has samples now.
    fn step(&mut self, block: &mut Block) -> Result<bool, Error> {
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
                self.fail(&error.to_string());
                return Ok(false);
            }
        };
        let (decoder, samples) = (&mut self.decoder, &mut block.samples);
        let decoded = guard(|| decoder.decode(&packet, samples)).or_else(|_| {
            // What a panic leaves behind is not used again, but the next packets are.
            let stream = Stream::new(audio_track(&*self.reader)?, self.info.container, self.wanted)?;
            self.decoder = stream.decoder;
            Ok::<_, Error>(Decoded::Failed("the decoder panicked".to_owned()))
        })?;
        match decoded {
            Decoded::Frames(rate, layout) => {
                self.failures = 0;
                self.shape = (rate, layout);
            }
            Decoded::Reset => return Ok(false),
            Decoded::Failed(problem) => {
                self.health.skipped += 1;
                self.fail(&problem);
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
        samples.clear();
        samples.resize(frames * self.shape.1.channels(), 0.0);
    }

    /// Notes a failure; after too many in a row, gives up.
    fn fail(&mut self, problem: &str) {
        self.health.note(format!("a part is damaged ({problem})"));
        self.failures = self.failures.saturating_add(1);
        if self.failures > PATIENCE {
            self.end(None);
        }
    }

    /// Ends the current stream: counts what is missing.
    fn end_stream(&mut self) {
        let promised = self.promised.take().unwrap_or_default();
        let missing = promised.saturating_sub(self.decoded);
        // Some containers count whole packets only.
        let slack = match self.info.container {
            Container::Caf | Container::Mp4 => PARTIAL_PACKET,
            _ => 0,
        };
        if missing > slack {
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
        let stream = Stream::new(track, self.info.container, self.wanted)?;
        // Of its channels mono no longer tells.
        self.limits.check_format(stream.rate, stream.layout.channels())?;
        let trim = trim(track, &stream, self.info.container, &Beyond::default());
        self.track = track.id;
        self.shape = (stream.rate, stream.output);
        self.decoder = stream.decoder;
        self.promised = trim.frames;
        self.gapless = trim.gapless;
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

/// What symphonia does not read of a container.
#[derive(Debug, Default)]
struct Beyond {
    /// The edit of an MP4 file.
    #[cfg(feature = "m4a")]
    edit: Option<super::mp4::Edit>,
    /// The padding of a Matroska file in nanoseconds.
    #[cfg(feature = "opus")]
    padding: u64,
    /// Whether the file ends before the container does.
    cut: bool,
}

/// Reads that, and goes back to the start.
fn beyond_the_packets(input: &mut Input, container: Container) -> Result<Beyond, Error> {
    let mut beyond = Beyond::default();
    match container {
        #[cfg(feature = "m4a")]
        Container::Mp4 => (beyond.edit, beyond.cut) = super::mp4::edit(input)?,
        #[cfg(feature = "opus")]
        Container::Matroska => {
            beyond.cut = super::mkv::is_cut(input)?;
            beyond.padding = if beyond.cut {
                0
            } else {
                super::mkv::padding(input)?
            };
        }
        Container::Ogg => beyond.cut = super::ogg::is_cut(input)?,
        _ => return Ok(beyond),
    }
    io::Seek::rewind(input).map_err(|error| Error::io("seeking failed", error))?;
    Ok(beyond)
}

/// What to cut from a stream.
#[cfg_attr(
    not(any(feature = "m4a", feature = "opus")),
    expect(unused_variables, reason = "only some containers tell more")
)]
fn trim(track: &Track, stream: &Stream, container: Container, beyond: &Beyond) -> Trim {
    let told = track.num_frames;
    let keep = |gapless, frames| Trim { gapless, frames };
    match (container, stream.codec) {
        (Container::Mp3, _) => match track.delay {
            Some(delay) => {
                let padding = track.padding.unwrap_or_default().into();
                keep(Gapless::padded(delay.into(), told, padding), told)
            }
            None => keep(Gapless::none(), told),
        },
        // The positions of Ogg count what is to be skipped, and may begin anywhere.
        (Container::Ogg, codec) => {
            let start = u64::try_from(track.start_ts.get()).unwrap_or_default();
            let before = if codec == Codec::Opus { stream.pre_skip } else { 0 };
            let frames = told.map(|end| end.saturating_sub(start).saturating_sub(before));
            keep(Gapless::delay(before), frames)
        }
        #[cfg(feature = "m4a")]
        (Container::Mp4, _) => match beyond.edit.map(|edit| edit.in_frames(stream.rate)) {
            Some((delay, body)) => {
                let left = told.map(|told| told.saturating_sub(delay));
                let frames = left.map(|left| body.unwrap_or(left).min(left)).or(body);
                keep(Gapless::cut_to(delay, body), frames)
            }
            None => keep(
                Gapless::delay(stream.pre_skip),
                told.map(|told| told - stream.pre_skip.min(told)),
            ),
        },
        #[cfg(feature = "opus")]
        (Container::Matroska, _) => {
            let tail = beyond.padding.saturating_mul(u64::from(stream.rate)) + 500_000_000;
            keep(Gapless::without_tail(stream.pre_skip, tail / 1_000_000_000), None)
        }
        _ => keep(Gapless::none(), told),
    }
}

/// The track to play.
fn audio_track(reader: &dyn FormatReader) -> Result<&Track, Error> {
    reader
        .default_track(TrackType::Audio)
        .or_else(|| reader.first_track(TrackType::Audio))
        .ok_or_else(|| match reader.tracks() {
            [] => Error::new(ErrorKind::Damaged, "the container holds no audio track"),
            _ => unsupported_codec("no stream in the container is known"),
        })
}

/// Why the container was not opened.
fn not_opened(error: Failure) -> Error {
    match error {
        Failure::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Error::io("reading failed", error)
        }
        Failure::Unsupported(_) => formats::unknown().with_source(error.to_string()),
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
}
