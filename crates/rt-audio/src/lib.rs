//! Audio files to 24 kHz mono PCM16, the audio of real-time voice APIs, and back.
//!
//! ```
//! use rt_audio::{Source, wav::WavWriter};
//! use std::time::Duration;
//!
//! # let dir = tempfile::tempdir().expect("a directory");
//! # let out = dir.path().join("out.wav");
//! let source = Source::open("../../fixtures/audio/question.ogg")?;
//! println!("{}", source.info()); // Ogg, Vorbis, 48000 Hz, 2 channels, 3.3 s
//!
//! let mut writer = WavWriter::create(out)?;
//! let mut chunks = source.chunks(Duration::from_millis(20));
//! while let Some(chunk) = chunks.next() {
//!     writer.write(&chunk?)?; // A `Pcm16` of 480 samples.
//!     let _percent = chunks.progress().fraction().map(|done| done * 100.0);
//! }
//! writer.finish()?;
//! println!("{}", chunks.report()); // 3.3 s decoded
//! # assert!(chunks.report().is_complete());
//! # Ok::<(), rt_audio::Error>(())
//! ```
//!
//! [`read`] and [`wav::write_wav`] do the same for whole files. For audio that does not come from a file:
//!
//! | from | to | with |
//! |---|---|---|
//! | samples of any rate and layout, as they come | [`Pcm16`] | [`Converter`] |
//! | any rate | any rate | [`Resampler`] |
//! | a microphone, whose clock is not ours | any rate, at our pace | [`live::LiveResampler`] |
//! | [`Pcm16`] | G.711 at 8 kHz, and back | [`telephone`] |
//! | a file or a buffer | chunks in real time | `pace::Pacer` (feature `tokio`) |
//! | [`Pcm16`] | peak, RMS, clipped samples; without silence | [`levels`] |
//! | [`Pcm16`] | where somebody speaks | `vad::Vad` (feature `vad`) |
//!
//! # What it is not
//!
//! It does not play or record, and has no effects and no encoders but WAV and G.711. It needs no async
//! runtime; the feature `tokio` adds only `pace`, which releases chunks in real time.
//!
//! # What is read
//!
//! The content decides, not the file name.
//!
//! <!-- formats: begin -->
//! | container | usual names | codecs | feature | from a pipe |
//! |---|---|---|---|---|
//! | WAV | wav, wave, rf64, w64 | integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law; ADPCM (Microsoft, IMA) | always | as it comes |
//! | AIFF | aiff, aif, aifc | integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law; ADPCM (IMA) | always | as it comes |
//! | AU | au, snd | integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law | always | as it comes |
//! | CAF | caf | integers of 8, 16, 24, 32 bits; floats of 32, 64 bits; A-law; mu-law; ADPCM (IMA) | always | as it comes |
//! | FLAC | flac | FLAC | always | as it comes |
//! | Ogg | ogg, oga | Vorbis; FLAC | always | as it comes |
//! | MP3 | mp3 | MP3 | always | as it comes |
//! | Ogg | opus, ogg | Opus | `opus` | as it comes |
//! | Matroska | webm, mka, mkv | Opus; Vorbis; FLAC; MP3; with the feature `m4a` also AAC | `opus` | as it comes |
//! | MP4 | m4a, mp4, mov, 3gp | AAC (low complexity); ALAC; MP3; with the feature `opus` also Opus | `m4a` | kept in memory |
//! | ADTS | aac | AAC (low complexity) | `m4a` | as it comes |
//! | CAF | caf | AAC (low complexity); ALAC | `m4a` | kept in memory |
//! <!-- formats: end -->
//!
//! [`formats`] is the same list for programs. Anything else is an error that names what it is and what helps:
//! AMR, WMA, GSM in WAV, AAC with SBR or more than two channels, and so on.
//!
//! - From a path, from memory, from any `Read + Seek`, and from a pipe ([`Source::from_stream`]).
//! - WAV, AU, CAF and Wave64 headers may have the sizes that pipes write (0, 0xFFFFFFFF): the samples go on
//!   to the end.
//! - What an encoder put in front and behind is removed where the file tells it: the delay and padding of
//!   MP3 with a Xing or LAME header, the edit list or iTunes' comment of MP4, the pre-skip and the end of Opus
//!   (that of WebM only if it is no pipe).
//! - Files joined into one are read to the end (MP3, Ogg).
//! - [`Frames`] gives what is in the file, before mixing and conversion: the same samples as ffmpeg, bit for
//!   bit for lossless codecs.
//!
//! # What happens to the samples
//!
//! - Decoding is to 32-bit floats; channels are mixed to mono by their layout, with weights whose sum is 1,
//!   so that nothing clips.
//! - The rate is converted by FFT, in phase and without delay: `n` samples at `rate` become exactly
//!   `round(n * 24000 / rate)`. Aliases and images are 140 dB down, and the band is flat to 0.92 of the lower
//!   Nyquist frequency.
//! - One rounding at the end, saturating; with [`Options::dither`] TPDF noise before it. 24 kHz mono PCM16
//!   passes bit for bit.
//!
//! # Damage and limits
//!
//! What can be decoded of a damaged file is, with silence for the packets that cannot, and [`Report`] says
//! what was wrong; [`read`] makes an error of it. A panic in a decoder is caught (if panics unwind, as they do
//! unless the program is built with `panic = "abort"`). [`Limits`] bound duration, channels and sample rate
//! before anything is allocated.
//!
//! # Features
//!
//! - `m4a` (off by default): MP4, M4A and MOV with AAC or ALAC, AAC streams, CAF with AAC or ALAC.
//! - `opus` (off by default): Opus in Ogg, and WebM and Matroska.
//! - `all-formats`: both.
//! - `tokio` (off by default): `pace::Pacer`.
//! - `vad` (off by default): `vad::Vad`.

mod converter;
mod decode;
mod error;
mod frames;
mod info;
pub mod levels;
mod limits;
pub mod live;
mod mix;
#[cfg(feature = "tokio")]
pub mod pace;
mod pipeline;
mod quantize;
mod resample;
mod source;
mod stage;
pub mod telephone;
#[cfg(feature = "vad")]
pub mod vad;
pub mod wav;

pub use converter::Converter;
pub use decode::{Format, formats};
pub use error::{Error, ErrorKind};
pub use frames::Frames;
pub use info::{Codec, Container, Info, Report};
pub use limits::Limits;
pub use resample::Resampler;
pub use rt_protocol::{Pcm16, g711};
pub use source::{Chunks, Options, Progress, Source, read, read_bytes};
