//! Audio files to 24 kHz mono PCM16, the audio of real-time voice APIs, and back.
//!
//! ```
//! use rt_audio::{Source, WavWriter};
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
//! [`read`] and [`write_wav`] do the same for whole files.
//!
//! # What it is not
//!
//! It does not play or record, and has no effects and no encoders but WAV. It needs no async runtime; the
//! feature `tokio` adds only `pace`, which releases chunks in real time.
//!
//! # What is read
//!
//! The content decides, not the file name.
//!
//! | container | codecs |
//! |---|---|
//! | WAV, RIFX, RF64, BW64 | integers of 8 to 32 bits, floats of 32 and 64 bits, A-law, mu-law, Microsoft and IMA ADPCM; also with the sizes that pipes write (0, 0xFFFFFFFF) |
//! | FLAC | FLAC |
//! | Ogg | Vorbis, FLAC |
//! | MP3, with ID3 and APE tags | MP3; the encoder's delay and padding are removed if its header tells them |
//!
//! Anything else is an error that names what it is and what helps: Opus, AAC, M4A, WebM, AIFF and so on.
//!
//! # What happens to the samples
//!
//! - Decoding is to 32-bit floats; channels are mixed to mono by their layout, with weights whose sum is 1,
//!   so that nothing clips.
//! - The rate is converted by FFT, in phase and without delay: `n` samples at `rate` become exactly
//!   `round(n * 24000 / rate)`.
//! - One rounding at the end, saturating. 24 kHz mono PCM16 passes bit for bit.
//!
//! # Damage and limits
//!
//! What can be decoded of a damaged file is, with silence for the packets that cannot, and [`Report`] says
//! what was wrong; [`read`] makes an error of it. A panic in a decoder is caught. [`Limits`] bound
//! duration, channels and sample rate before anything is allocated.
//!
//! # Features
//!
//! - `tokio` (off by default): `pace::Pacer`.

mod decode;
mod error;
mod g711;
mod info;
mod limits;
mod mix;
#[cfg(feature = "tokio")]
pub mod pace;
mod pipeline;
mod quantize;
mod resample;
mod source;
mod wav;

pub use error::{Error, ErrorKind};
pub use info::{Codec, Container, Info, Report};
pub use limits::Limits;
pub use rt_protocol::Pcm16;
pub use resample::Resampler;
pub use source::{Chunks, Options, Progress, Source, read, read_bytes};
pub use wav::{WavWriter, write_wav};
