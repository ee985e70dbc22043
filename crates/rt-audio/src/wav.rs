//! [`WavWriter`]: mono samples as a WAV file, while they come in.

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
/// use rt_audio::{WavEncoding, WavFormat, WavWriter};
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
/// use rt_audio::{Pcm16, WavWriter};
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
        self.run(|writer| writer.write_all(samples))?;
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

    /// Brings the sizes in the header up to date.
    fn update(&mut self) -> Result<(), Error> {
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
mod tests {
    use std::io::Cursor;

    use super::*;

    fn ramp(samples: i16) -> Pcm16 {
        (0..samples).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ramp.wav");
        write_wav(&path, &ramp(1000)).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 2044);
        assert_eq!(crate::read(&path).unwrap(), ramp(1000));
    }

    #[test]
    fn header_is_as_sox_writes_it() {
        let fixture = std::fs::read("../../fixtures/audio/hello.wav").unwrap();
        let audio = crate::read_bytes(fixture.clone()).unwrap();
        let mut writer = WavWriter::new(Cursor::new(Vec::new())).unwrap();
        writer.write(&audio).unwrap();
        assert_eq!(writer.duration(), audio.duration());
        assert!(writer.finish().unwrap().into_inner() == fixture);
    }

    #[test]
    fn a_file_that_is_cut_lacks_less_than_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.wav");
        let mut writer = WavWriter::create(&path).unwrap();
        for _ in 0..155 {
            writer.write(&ramp(480)).unwrap();
        }
        // What a crash leaves behind: a copy of the file as it is now, without flush or drop.
        let bytes = std::fs::read(&path).unwrap();
        let (audio, report) = crate::Source::from_bytes(bytes).unwrap().read_to_end().unwrap();
        assert!(report.is_complete(), "{report}");
        assert!(audio.duration() > Duration::from_secs(2), "{audio:?}");
        drop(writer);
        assert_eq!(crate::read(&path).unwrap().len(), 155 * 480);
    }

    #[test]
    fn g711_is_written_as_ffmpeg_writes_it() {
        for (encoding, tag, codes) in [
            (WavEncoding::ALaw, 6, [0xd5, 0x55, 0xfa]),
            (WavEncoding::MuLaw, 7, [0xff, 0x7e, 0xce]),
        ] {
            let format = WavFormat {
                sample_rate: 8_000,
                encoding,
            };
            let mut writer = WavWriter::with_format(Cursor::new(Vec::new()), format).unwrap();
            writer.write_samples(&[0, -8, 1000]).unwrap();
            assert_eq!(writer.duration(), Duration::from_micros(375));
            let error = writer.write(&ramp(3)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Resample, "{error}");
            let bytes = writer.finish().unwrap().into_inner();
            assert_eq!(bytes.len(), 58 + 4, "an odd chunk is padded");
            assert_eq!((bytes[20], bytes[46], bytes[54]), (tag, 3, 3));
            assert_eq!(bytes[58..61], codes, "{encoding:?}");
            let source = crate::Source::from_bytes(bytes).unwrap();
            assert_eq!(source.info().sample_rate, 8_000);
            let (_, report) = source.read_to_end().unwrap();
            assert!(report.is_complete(), "{report}");
        }
    }

    #[test]
    fn audio_of_24_khz_is_written_in_both_laws() {
        let dir = tempfile::tempdir().unwrap();
        for encoding in [WavEncoding::ALaw, WavEncoding::MuLaw] {
            let (path, ramp) = (dir.path().join("law.wav"), ramp(1000));
            let format = WavFormat {
                encoding,
                ..WavFormat::default()
            };
            let mut writer = WavWriter::create_with_format(&path, format).unwrap();
            writer.write(&ramp).unwrap();
            writer.finish().unwrap();
            let read = crate::read(&path).unwrap();
            let error = read.samples().zip(ramp.samples()).map(|(a, b)| (a - b).abs());
            assert_eq!(read.len(), 1000);
            // Half a step at this height, and the two low bits.
            assert!(error.max() <= Some(36), "{encoding:?}");
        }
    }

    #[test]
    fn an_empty_file_is_valid() {
        let bytes = WavWriter::new(Cursor::new(Vec::new()))
            .unwrap()
            .finish()
            .unwrap()
            .into_inner();
        assert!(crate::read_bytes(bytes).unwrap().is_empty());
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = write_wav("no/such/dir/a.wav", &Pcm16::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error
                .to_string()
                .starts_with("no/such/dir/a.wav: creating failed"),
            "{error}"
        );
    }
}
