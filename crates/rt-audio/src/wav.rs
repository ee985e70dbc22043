//! [`WavWriter`]: 24 kHz mono PCM16 as a WAV file.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_protocol::Pcm16;

use crate::error::{Error, ErrorKind};
use crate::info::duration_of;

/// Bytes of the header.
const HEADER: u32 = 44;

/// The most bytes of samples: the RIFF size counts them and the rest of the header in 32 bits.
const MOST: u32 = u32::MAX - (HEADER - 8) - 1;

/// After so many bytes, one second, the sizes in the header are brought up to date.
const UPDATE: u32 = 48_000;

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
    /// Creates a file, or empties the one that is there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such directory, [`ErrorKind::Io`] if writing fails.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |error: Error| error.with_path(Some(path));
        let file = File::create(path).map_err(|error| named(Error::io("creating failed", error)))?;
        let mut writer = Self::new(BufWriter::new(file)).map_err(named)?;
        writer.path = Some(path.to_path_buf());
        Ok(writer)
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// Starts a file at the writer's position. The writer should be buffered.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if writing or seeking fails.
    pub fn new(mut writer: W) -> Result<Self, Error> {
        let start = begin(&mut writer).map_err(|error| Error::io("writing failed", error))?;
        Ok(Self {
            writer: Some(writer),
            start,
            bytes: 0,
            told: 0,
            path: None,
        })
    }

    /// Appends audio.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if writing fails, [`ErrorKind::Limit`] beyond the 4 GiB of a WAV file (24 hours).
    pub fn write(&mut self, audio: &Pcm16) -> Result<(), Error> {
        let added = u32::try_from(audio.as_bytes().len()).ok();
        let bytes = added
            .and_then(|added| self.bytes.checked_add(added))
            .filter(|&bytes| bytes <= MOST);
        let Some(bytes) = bytes else {
            let message = "a WAV file holds no more than 4 GiB; start another one";
            return Err(Error::new(ErrorKind::Limit, message).with_path(self.path.as_deref()));
        };
        self.run(|writer| writer.write_all(audio.as_bytes()))?;
        self.bytes = bytes;
        if self.bytes - self.told >= UPDATE {
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
        self.writer
            .take()
            .ok_or_else(|| Error::new(ErrorKind::Io, "the file was finished before"))
    }

    /// How much audio was written.
    #[must_use]
    pub fn duration(&self) -> Duration {
        duration_of(
            u64::from(self.bytes) / Pcm16::BYTES_PER_SAMPLE as u64,
            Pcm16::SAMPLE_RATE,
        )
    }

    /// Brings the sizes in the header up to date.
    fn update(&mut self) -> Result<(), Error> {
        let (start, bytes) = (self.start, self.bytes);
        self.run(|writer| {
            writer.seek(SeekFrom::Start(start))?;
            writer.write_all(&header(bytes))?;
            writer
                .seek(SeekFrom::Start(start + u64::from(HEADER) + u64::from(bytes)))
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
fn begin<W: Write + Seek>(writer: &mut W) -> io::Result<u64> {
    let start = writer.stream_position()?;
    writer.write_all(&header(0))?;
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

/// The header of a file with so many bytes of samples.
fn header(bytes: u32) -> [u8; HEADER as usize] {
    let rate = Pcm16::SAMPLE_RATE;
    let mut header = *b"RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0........\x02\0\x10\0data....";
    header[4..8].copy_from_slice(&(bytes + HEADER - 8).to_le_bytes());
    header[24..28].copy_from_slice(&rate.to_le_bytes());
    header[28..32].copy_from_slice(&(rate * 2).to_le_bytes());
    header[40..44].copy_from_slice(&bytes.to_le_bytes());
    header
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
