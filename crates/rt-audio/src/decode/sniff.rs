//! What an input is, by its first bytes.

/// What helps with everything that is not read.
pub(crate) const ADVICE: &str = "convert it to one of WAV, FLAC, Ogg Vorbis or MP3, \
                                 for example with `ffmpeg -i INPUT -ar 24000 -ac 1 OUTPUT.wav`";

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// No bytes at all.
    Empty,
    /// WAV and its relatives.
    Wav,
    /// A container of packets that is read.
    Packets,
    /// A container that is read, with a codec in it that is not.
    Codec(&'static str),
    /// Something known that is not read.
    Other(&'static str),
    /// Nothing known; it may still be MP3 behind some junk.
    Unknown,
}

/// Known beginnings: where the bytes stand, the bytes, what they mean. The first packet of Ogg is at 28.
const KNOWN: &[(usize, &[u8], Content)] = &[
    (28, b"OpusHead", Content::Codec("Opus")),
    (28, b"Speex   ", Content::Codec("Speex")),
    (28, b"CELT    ", Content::Codec("CELT")),
    (0, b"OggS", Content::Packets),
    (0, b"fLaC", Content::Packets),
    (0, b"ID3", Content::Packets),
    (4, b"ftyp", Content::Other("an MP4 file (M4A, AAC)")),
    (0, b"\x1a\x45\xdf\xa3", Content::Other("a Matroska or WebM file")),
    (0, b"FORM", Content::Other("an AIFF file")),
    (0, b"caff", Content::Other("a CAF file")),
    (0, b".snd", Content::Other("an AU file")),
    (0, b"#!AMR", Content::Other("an AMR file")),
    (0, b"#!SILK", Content::Other("a SILK file")),
    (0, b"\x02#!SILK", Content::Other("a SILK file")),
    (0, b"\x30\x26\xb2\x75", Content::Other("a WMA file")),
    (0, b"MAC ", Content::Other("a Monkey's Audio file")),
    (0, b"wvpk", Content::Other("a WavPack file")),
    (0, b"FLV", Content::Other("a Flash video file")),
    (0, b"MThd", Content::Other("a MIDI file")),
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
        [0xff, second, ..] if second & 0xe6 == 0xe2 => Content::Packets,
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Content::Other("an AAC stream (ADTS)"),
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
        assert_eq!(sniff(b""), Content::Empty);
        assert_eq!(sniff(b"RIFF\x24\0\0\0WAVEfmt "), Content::Wav);
        assert_eq!(sniff(b"RF64\xff\xff\xff\xffWAVEds64"), Content::Wav);
        assert_eq!(sniff(b"OggS\0\x02"), Content::Packets);
        assert_eq!(sniff(b"fLaC\0"), Content::Packets);
        assert_eq!(sniff(b"ID3\x04\0"), Content::Packets);
        assert_eq!(sniff(b"\xff\xfb\x90\x64"), Content::Packets);
        assert_eq!(sniff(b"\xff\xf3\x90\x64"), Content::Packets);
    }

    #[test]
    fn names_what_it_does_not_read() {
        assert_eq!(
            sniff(b"\0\0\0\x20ftypM4A "),
            Content::Other("an MP4 file (M4A, AAC)")
        );
        assert_eq!(sniff(b"\xff\xf1\x50\x80"), Content::Other("an AAC stream (ADTS)"));
        assert_eq!(sniff(b"RIFF\0\0\0\0AVI LIST"), Content::Other("an AVI file"));
        assert_eq!(
            sniff(b"OggS\0\x02................\0\0\0\0\x01\x50Speex   1.2"),
            Content::Codec("Speex")
        );
        assert_eq!(sniff(b"<html>\n"), Content::Other("text, not audio"));
        assert_eq!(sniff("é".as_bytes()), Content::Other("text, not audio"));
        assert_eq!(sniff(&"né".as_bytes()[..2]), Content::Other("text, not audio"));
        assert_eq!(sniff(&[0; 64]), Content::Unknown);
        assert_eq!(sniff(&[0x80, 3, 0xfe]), Content::Unknown);
    }
}
