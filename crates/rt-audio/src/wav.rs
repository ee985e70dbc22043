//! WAV files: [`write_wav`] for a whole one, [`WavWriter`] for samples while they come in, in a [`WavFormat`]. Any
//! [`Source`](crate::Source) reads them.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_protocol::Pcm16;

use crate::error::{Error, ErrorKind};
use crate::g711;
use crate::info::duration_of;

/// The most bytes of samples: the RIFF size counts them and the header in 32 bits.
const MOST: u32 = u32::MAX - 64;

/// How [`WavWriter`] writes a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum WavEncoding {
    /// 16 bits, as they are.
    #[default]
    Pcm16,
    /// G.711 A-law, 8 bits.
    ALaw,
    /// G.711 mu-law, 8 bits.
    MuLaw,
}

/// What [`WavWriter`] writes: mono samples of one encoding and rate.
///
/// ```
/// use rt_audio::wav::{WavEncoding, WavFormat, WavWriter};
/// let format = WavFormat { sample_rate: 8_000, encoding: WavEncoding::MuLaw };
/// let mut writer = WavWriter::with_format(std::io::Cursor::new(Vec::new()), format)?;
/// writer.write_samples(&[0; 160])?; // 20 ms.
/// assert_eq!(writer.finish()?.into_inner().len(), 58 + 160);
/// # Ok::<(), rt_audio::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WavFormat {
    /// Samples per second, in Hz.
    pub sample_rate: u32,
    /// How they are written.
    pub encoding: WavEncoding,
}

/// 24 kHz PCM16.
impl Default for WavFormat {
    fn default() -> Self {
        Self {
            sample_rate: Pcm16::SAMPLE_RATE,
            encoding: WavEncoding::Pcm16,
        }
    }
}

impl WavFormat {
    /// Bytes per sample.
    fn sample_bytes(self) -> u32 {
        if self.encoding == WavEncoding::Pcm16 { 2 } else { 1 }
    }

    /// The header of a file with so many bytes of samples. A-law and mu-law have a longer format chunk, and
    /// one that counts the samples.
    fn header(self, bytes: u32) -> Vec<u8> {
        let width = self.sample_bytes();
        let (tag, more): (u16, bool) = match self.encoding {
            WavEncoding::Pcm16 => (1, false),
            WavEncoding::ALaw => (6, true),
            WavEncoding::MuLaw => (7, true),
        };
        let mut header = b"RIFF....WAVEfmt ".to_vec();
        header.extend(if more { 18u32 } else { 16 }.to_le_bytes());
        header.extend(tag.to_le_bytes());
        header.extend(1u16.to_le_bytes());
        header.extend(self.sample_rate.to_le_bytes());
        header.extend(self.sample_rate.saturating_mul(width).to_le_bytes());
        header.extend(
            u32::from_le_bytes([if more { 1 } else { 2 }, 0, if more { 8 } else { 16 }, 0]).to_le_bytes(),
        );
        if more {
            header.extend(b"\0\0fact\x04\0\0\0");
            header.extend((bytes / width).to_le_bytes());
        }
        header.extend(b"data");
        header.extend(bytes.to_le_bytes());
        // A chunk of odd size is followed by a byte of padding.
        let riff = u32::try_from(header.len()).unwrap_or_default() - 8 + bytes + bytes % 2;
        header[4..8].copy_from_slice(&riff.to_le_bytes());
        header
    }
}

/// Writes a WAV file while the audio comes in.
///
/// The sizes in the header are written again for every second of audio, by [`flush`](Self::flush), by
/// [`finish`](Self::finish) and on drop. A file that is cut short is valid and lacks less than a second.
///
/// ```
/// use rt_audio::{Pcm16, wav::WavWriter};
/// let mut writer = WavWriter::new(std::io::Cursor::new(Vec::new()))?;
/// writer.write(&Pcm16::from_samples(&[1, -1]))?;
/// assert_eq!(writer.finish()?.into_inner().len(), 44 + 4);
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct WavWriter<W: Write + Seek> {
    /// The file; `None` after [`finish`](Self::finish).
    writer: Option<W>,
    /// What is written.
    format: WavFormat,
    /// Where the header is.
    start: u64,
    /// Bytes of samples written.
    bytes: u32,
    /// Bytes of samples that the header tells.
    told: u32,
    /// Whether something failed half way: the position may be another than behind the samples.
    dirty: bool,
    /// The file, for error messages.
    path: Option<PathBuf>,
}

impl WavWriter<BufWriter<File>> {
    /// Creates a file of 24 kHz PCM16, or empties the one that is there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such directory, [`ErrorKind::Io`] if writing fails.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::create_with_format(path, WavFormat::default())
    }

    /// Creates a file of this format, or empties the one that is there.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_with_format(path: impl AsRef<Path>, format: WavFormat) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |error: Error| error.with_path(Some(path));
        let file = File::create(path).map_err(|error| named(Error::io("creating failed", error)))?;
        let mut writer = Self::with_format(BufWriter::new(file), format).map_err(named)?;
        writer.path = Some(path.to_path_buf());
        Ok(writer)
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// Starts a file of 24 kHz PCM16 at the writer's position. The writer should be buffered.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if writing or seeking fails.
    pub fn new(writer: W) -> Result<Self, Error> {
        Self::with_format(writer, WavFormat::default())
    }

    /// Starts a file of this format at the writer's position. The writer should be buffered.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_format(mut writer: W, format: WavFormat) -> Result<Self, Error> {
        let start = begin(&mut writer, format).map_err(|error| Error::io("writing failed", error))?;
        Ok(Self {
            writer: Some(writer),
            format,
            start,
            bytes: 0,
            told: 0,
            dirty: false,
            path: None,
        })
    }

    /// Appends audio of 24 kHz.
    ///
    /// # Errors
    /// As [`write_samples`](Self::write_samples), and [`ErrorKind::Resample`] if the file has another rate:
    /// convert the audio first.
    pub fn write(&mut self, audio: &Pcm16) -> Result<(), Error> {
        if self.format.sample_rate != Pcm16::SAMPLE_RATE {
            let rate = self.format.sample_rate;
            let message = format!("audio of 24000 Hz does not fit in a file of {rate} Hz; convert it first");
            return Err(Error::new(ErrorKind::Resample, message).with_path(self.path.as_deref()));
        }
        match self.format.encoding {
            WavEncoding::Pcm16 => self.append(audio.as_bytes()),
            _ => self.write_samples(&audio.to_samples()),
        }
    }

    /// Appends samples of the file's rate.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if writing fails, [`ErrorKind::Limit`] beyond the 4 GiB of a WAV file (24 hours of
    /// 24 kHz PCM16).
    pub fn write_samples(&mut self, samples: &[i16]) -> Result<(), Error> {
        let bytes: Vec<u8> = match self.format.encoding {
            WavEncoding::Pcm16 => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            WavEncoding::ALaw => samples
                .iter()
                .map(|&sample| g711::linear_to_a_law(sample))
                .collect(),
            WavEncoding::MuLaw => samples
                .iter()
                .map(|&sample| g711::linear_to_mu_law(sample))
                .collect(),
        };
        self.append(&bytes)
    }

    /// Appends samples as they are written.
    fn append(&mut self, samples: &[u8]) -> Result<(), Error> {
        let added = u32::try_from(samples.len()).ok();
        let bytes = added
            .and_then(|added| self.bytes.checked_add(added))
            .filter(|&bytes| bytes <= MOST);
        let Some(bytes) = bytes else {
            let message = "a WAV file holds no more than 4 GiB; start another one";
            return Err(Error::new(ErrorKind::Limit, message).with_path(self.path.as_deref()));
        };
        if self.dirty {
            self.update()?;
        }
        self.dirty = true;
        self.run(|writer| writer.write_all(samples))?;
        self.dirty = false;
        self.bytes = bytes;
        // Every second the sizes in the header are brought up to date.
        let second = self.format.sample_rate.saturating_mul(self.format.sample_bytes());
        if self.bytes - self.told >= second {
            self.update()
        } else {
            Ok(())
        }
    }

    /// Writes everything through, the sizes in the header included.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if writing or seeking fails.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.update()?;
        self.run(Write::flush)
    }

    /// Completes the file and returns the writer, positioned behind the audio.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if writing or seeking fails.
    pub fn finish(mut self) -> Result<W, Error> {
        self.flush()?;
        if self.bytes % 2 == 1 {
            self.run(|writer| writer.write_all(&[0]).and_then(|()| writer.flush()))?;
        }
        self.writer
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Io, "the file was finished before"))
    }

    /// How much audio was written.
    #[must_use]
    pub fn duration(&self) -> Duration {
        duration_of(
            u64::from(self.bytes / self.format.sample_bytes()),
            self.format.sample_rate,
        )
    }

    /// Brings the sizes in the header up to date, and the position after something failed.
    fn update(&mut self) -> Result<(), Error> {
        if self.told == self.bytes && !self.dirty {
            return Ok(());
        }
        self.dirty = true;
        let (start, bytes) = (self.start, self.bytes);
        let header = self.format.header(bytes);
        self.run(|writer| {
            writer.seek(SeekFrom::Start(start))?;
            writer.write_all(&header)?;
            writer
                .seek(SeekFrom::Start(start + header.len() as u64 + u64::from(bytes)))
                .map(drop)
        })?;
        self.told = bytes;
        self.dirty = false;
        Ok(())
    }

    /// Does something with the writer.
    fn run(&mut self, run: impl FnOnce(&mut W) -> io::Result<()>) -> Result<(), Error> {
        self.writer
            .as_mut()
            .map_or(Ok(()), run)
            .map_err(|error| Error::io("writing failed", error).with_path(self.path.as_deref()))
    }
}

/// Writes the first header; returns where it stands.
fn begin<W: Write + Seek>(writer: &mut W, format: WavFormat) -> io::Result<u64> {
    let start = writer.stream_position()?;
    writer.write_all(&format.header(0))?;
    Ok(start)
}

impl<W: Write + Seek> Drop for WavWriter<W> {
    fn drop(&mut self) {
        // A failure has nobody to go to here; `finish` is for those who want to know.
        let _ = self.flush();
    }
}

impl<W: Write + Seek> fmt::Debug for WavWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WavWriter")
            .field("path", &self.path)
            .field("duration", &self.duration())
            .finish_non_exhaustive()
    }
}

/// Writes audio as a WAV file.
///
/// # Errors
/// As [`WavWriter::create`] and [`WavWriter::write`].
pub fn write_wav(path: impl AsRef<Path>, audio: &Pcm16) -> Result<(), Error> {
    let mut writer = WavWriter::create(path)?;
    writer.write(audio)?;
    writer.finish().map(drop)
}

#[cfg(test)]
mod tests;
