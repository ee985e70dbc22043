//! What an input is, by its first bytes.

use crate::info::Container;

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// No bytes at all.
    Empty,
    /// WAV and its relatives.
    Wav,
    /// Sony Wave64.
    Wave64,
    /// AIFF and AIFF-C.
    Aiff,
    /// AU.
    Au,
    /// CAF.
    Caf,
    /// A container of packets that is read.
    Packets(Container),
    /// One that is read with a feature, of this name and the feature's.
    Feature(Container, &'static str, &'static str),
    /// A container that is read, with a codec in it that is read with the feature.
    FeatureCodec(&'static str, &'static str),
    /// A container that is read, with a codec in it that is not.
    Codec(&'static str),
    /// Something known that is not read.
    Other(&'static str),
    /// Nothing known; it may still be MP3 behind some junk.
    Unknown,
}

/// The first 16 bytes of Wave64.
const WAVE64: &[u8] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00";

/// An MP4 file.
const MP4: Content = Content::Feature(Container::Mp4, "an MP4 file (M4A, AAC)", "m4a");

/// Known beginnings: where the bytes stand, the bytes, what they mean. The first packet of Ogg is at 28.
const KNOWN: &[(usize, &[u8], Content)] = &[
    (28, b"OpusHead", Content::FeatureCodec("Opus", "opus")),
    (28, b"Speex   ", Content::Codec("Speex")),
    (28, b"CELT    ", Content::Codec("CELT")),
    (0, b"OggS", Content::Packets(Container::Ogg)),
    (0, b"fLaC", Content::Packets(Container::Flac)),
    (0, b"ID3", Content::Packets(Container::Mp3)),
    (4, b"ftyp", MP4),
    (4, b"moov", MP4),
    (4, b"styp", MP4),
    (
        0,
        b"\x1a\x45\xdf\xa3",
        Content::Feature(Container::Matroska, "a Matroska or WebM file", "opus"),
    ),
    (8, b"AIFF", Content::Aiff),
    (8, b"AIFC", Content::Aiff),
    (0, b"caff", Content::Caf),
    (0, b".snd", Content::Au),
    (0, WAVE64, Content::Wave64),
    (0, b"#!AMR", Content::Other("an AMR file")),
    (0, b"#!SILK", Content::Other("a SILK file")),
    (0, b"\x02#!SILK", Content::Other("a SILK file")),
    (0, b"\x30\x26\xb2\x75", Content::Other("a WMA file")),
    (0, b"MAC ", Content::Other("a Monkey's Audio file")),
    (0, b"wvpk", Content::Other("a WavPack file")),
    (0, b"TTA1", Content::Other("a True Audio file")),
    (0, b"MPCK", Content::Other("a Musepack file")),
    (0, b"MP+", Content::Other("a Musepack file")),
    (0, b"\x0b\x77", Content::Other("an AC-3 stream")),
    (0, b"\x7f\xfe\x80\x01", Content::Other("a DTS stream")),
    (0, b"FLV", Content::Other("a Flash video file")),
    (0, b"MThd", Content::Other("a MIDI file")),
    (0, b"Creative Voice File", Content::Other("a VOC file")),
    (0, b"NIST_1A", Content::Other("a NIST SPHERE file")),
    (0, b"PK\x03\x04", Content::Other("a ZIP archive")),
    (0, b"\x1f\x8b", Content::Other("a gzip archive")),
    (0, b"%PDF", Content::Other("a PDF document")),
    (0, b"\x89PNG", Content::Other("a PNG image")),
    (0, b"\xff\xd8\xff", Content::Other("a JPEG image")),
    (0, b"\x7fELF", Content::Other("a program")),
];

/// Says what begins with these bytes.
pub(crate) fn sniff(start: &[u8]) -> Content {
    if start.is_empty() {
        return Content::Empty;
    }
    if matches!(start.get(..4), Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64")) {
        return match start.get(8..12) {
            Some(b"WAVE") => Content::Wav,
            Some(b"AVI ") => Content::Other("an AVI file"),
            Some(b"WEBP") => Content::Other("a WebP image"),
            _ => Content::Other("a RIFF file without WAVE content"),
        };
    }
    for (at, bytes, content) in KNOWN {
        if start.get(*at..at + bytes.len()) == Some(bytes) {
            return *content;
        }
    }
    match start {
        // MPEG audio has its layer in bits 1 and 2 of the second byte; ADTS has zeros there.
        [0xff, second, ..] if second & 0xe6 == 0xe2 => Content::Packets(Container::Mp3),
        [0xff, second, ..] if second & 0xf6 == 0xf0 => {
            Content::Feature(Container::Adts, "an AAC stream (ADTS)", "m4a")
        }
        _ if is_text(start) => Content::Other("text, not audio"),
        _ => Content::Unknown,
    }
}

/// Whether the bytes are text in UTF-8, of which the last character may be cut.
fn is_text(start: &[u8]) -> bool {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_it_reads() {
        let mp3 = Content::Packets(Container::Mp3);
        for (start, content) in [
            (b"".as_slice(), Content::Empty),
            (b"RIFF\x24\0\0\0WAVEfmt ", Content::Wav),
            (b"RF64\xff\xff\xff\xffWAVEds64", Content::Wav),
            (b"FORM\0\0\0\x40AIFCFVER", Content::Aiff),
            (b"caff\0\x01\0\0desc", Content::Caf),
            (b".snd\0\0\0\x18", Content::Au),
            (b"OggS\0\x02", Content::Packets(Container::Ogg)),
            (b"fLaC\0", Content::Packets(Container::Flac)),
            (b"ID3\x04\0", mp3),
            (b"\xff\xfb\x90\x64", mp3),
            (b"\xff\xf3\x90\x64", mp3),
            (b"\0\0\0\x20ftypM4A ", MP4),
        ] {
            assert_eq!(sniff(start), content, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn names_what_it_does_not_read() {
        let aac = Content::Feature(Container::Adts, "an AAC stream (ADTS)", "m4a");
        for (start, content) in [
            (b"\xff\xf1\x50\x80".as_slice(), aac),
            (b"RIFF\0\0\0\0AVI LIST", Content::Other("an AVI file")),
            (b"#!AMR-WB\n", Content::Other("an AMR file")),
            (
                b"OggS\0\x02................\0\0\0\0\x01\x50Speex   1.2",
                Content::Codec("Speex"),
            ),
            (b"<html>\n", Content::Other("text, not audio")),
            ("é".as_bytes(), Content::Other("text, not audio")),
            (&"né".as_bytes()[..2], Content::Other("text, not audio")),
            (&[0; 64], Content::Unknown),
            (&[0x80, 3, 0xfe], Content::Unknown),
        ] {
            assert_eq!(sniff(start), content, "{}", start.escape_ascii());
        }
    }
}
