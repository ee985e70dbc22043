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

/// A writer that fails once: of the write with this number it takes three bytes.
struct FailsOnce {
    inner: Cursor<Vec<u8>>,
    left: Option<usize>,
}

impl Write for FailsOnce {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left {
            Some(0) => {
                self.left = None;
                let taken = bytes.len().min(3);
                self.inner.write_all(&bytes[..taken])?;
                return Err(io::Error::other("the disk is full"));
            }
            Some(left) => self.left = Some(left - 1),
            None => {}
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for FailsOnce {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn after_a_failure_writing_goes_on_where_it_was() {
    let (first, second) = (ramp(100), ramp(200));
    let mut whole = WavWriter::new(Cursor::new(Vec::new())).unwrap();
    whole.write(&first).unwrap();
    whole.write(&second).unwrap();
    let whole = whole.finish().unwrap().into_inner();
    // The header, samples, the header once more, samples: the last two fail here.
    for (fails, between) in [(3, true), (3, false), (2, true), (2, false)] {
        let writer = FailsOnce {
            inner: Cursor::new(Vec::new()),
            left: Some(fails),
        };
        let mut writer = WavWriter::new(writer).unwrap();
        writer.write(&first).unwrap();
        assert_eq!(writer.flush().is_err(), fails == 2);
        if fails == 3 {
            let error = writer.write(&second).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        }
        if between {
            writer.flush().unwrap();
        }
        writer.write(&second).unwrap();
        let bytes = writer.finish().unwrap().inner.into_inner();
        assert!(bytes == whole, "{fails}, {between}");
    }
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
