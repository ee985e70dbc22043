//! What an MP4 file says about the encoder's delay: its edit list, or the comment that iTunes writes.

use super::Input;
use crate::error::Error;

/// More boxes than this are not looked at.
const MOST_BOXES: usize = 100_000;

/// The largest table or comment that is read.
const MOST_BYTES: u64 = 1 << 16;

/// Which part of a track is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// In frames: what stands in front, and what follows and is played.
    Frames(u64, u64),
    /// From an edit list: start and length, each with its units per second.
    Units((u64, u64), (u64, u64)),
}

impl Edit {
    /// Frames in front, and those that follow and are played, if that is told.
    pub(super) fn in_frames(self, rate: u32) -> (u64, Option<u64>) {
        let frames = |(units, scale): (u64, u64)| {
            let exact = u128::from(units) * u128::from(rate) + u128::from(scale) / 2;
            u64::try_from(exact / u128::from(scale.max(1))).unwrap_or(u64::MAX)
        };
        match self {
            Self::Frames(delay, body) => (delay, Some(body)),
            Self::Units(start, length) => {
                // The length is often in milliseconds: only an exact one tells where to cut.
                let exact = length.1 >= u64::from(rate) && length.0 > 0;
                (frames(start), exact.then(|| frames(length)))
            }
        }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    /// Units per second of the whole file, and of the track in work.
    file_scale: u64,
    track_scale: u64,
    /// The edit of the track in work: its start in units of the track, its length in those of the file.
    edit: Option<(u64, u64)>,
    /// Whether the track in work is audio.
    audio: bool,
    /// Scale and edit of the first audio track.
    track: Option<(u64, Option<(u64, u64)>)>,
    /// Delay and length from iTunes.
    itunes: Option<(u64, u64)>,
    /// How many boxes were looked at.
    boxes: usize,
    /// Whether a box ends behind the end of the file.
    cut: bool,
}

/// Looks for the edit of the first audio track, and whether the file is cut.
pub(super) fn edit(input: &mut Input) -> Result<(Option<Edit>, bool), Error> {
    let mut found = Found::default();
    let end = input.len().unwrap_or(u64::MAX);
    walk(input, 0, end, 0, &mut found)?;
    if let Some((delay, body)) = found.itunes {
        return Ok((Some(Edit::Frames(delay, body)), found.cut));
    }
    let (scale, edit) = found.track.unwrap_or_default();
    let edit = edit.map(|(start, length)| Edit::Units((start, scale), (length, found.file_scale)));
    Ok((edit, found.cut))
}

/// Looks at the boxes between two places.
fn walk(input: &mut Input, mut at: u64, end: u64, depth: u32, found: &mut Found) -> Result<(), Error> {
    while at < end && found.boxes < MOST_BOXES {
        found.boxes += 1;
        let mut head = [0; 16];
        let there = input.read_at(at, &mut head)?;
        if there < 8 {
            break;
        }
        let size = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let (header, size) = match size {
            0 => (8, end - at),
            1 if there == 16 => (
                16,
                head[8..].iter().fold(0, |all, &byte| all << 8 | u64::from(byte)),
            ),
            size => (8, size),
        };
        if size < header {
            break;
        }
        found.cut |= depth == 0 && at.saturating_add(size) > end;
        let (body, next) = (at + header, at.saturating_add(size).min(end));
        let inside = match &head[4..8] {
            b"moov" | b"mdia" | b"edts" | b"udta" | b"ilst" => Some(0),
            b"meta" => Some(4),
            b"trak" => {
                (found.edit, found.audio, found.track_scale) = (None, false, 0);
                Some(0)
            }
            _ => None,
        };
        match (inside, &head[4..8]) {
            (Some(skipped), name) if depth < 8 => {
                walk(input, body + skipped, next, depth + 1, found)?;
                if name == b"trak" && found.audio {
                    found.track.get_or_insert((found.track_scale, found.edit));
                }
            }
            (_, b"mvhd") => found.file_scale = scale(&read(input, body, next)?),
            (_, b"mdhd") => found.track_scale = scale(&read(input, body, next)?),
            (_, b"hdlr") if depth == 3 => {
                found.audio = read(input, body, next)?.get(8..12) == Some(b"soun");
            }
            (_, b"elst") => found.edit = first_edit(&read(input, body, next)?),
            (_, b"----") => {
                let comment = itunes(&read(input, body, next)?);
                found.itunes = found.itunes.or(comment);
            }
            _ => {}
        }
        at = next;
    }
    Ok(())
}

/// The content of a box.
fn read(input: &mut Input, body: u64, end: u64) -> Result<Vec<u8>, Error> {
    let size = end.saturating_sub(body).min(MOST_BYTES);
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    let there = input.read_at(body, &mut bytes)?;
    bytes.truncate(there);
    Ok(bytes)
}

/// A number of so many bytes, or 0 if it is not there.
fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
    let bytes = bytes.get(at..at + len).unwrap_or_default();
    bytes.iter().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

/// The units per second in a header of a file or track.
fn scale(bytes: &[u8]) -> u64 {
    let long = bytes.first() == Some(&1);
    number(bytes, if long { 20 } else { 12 }, 4)
}

/// Start and length of the first edit that plays something.
fn first_edit(bytes: &[u8]) -> Option<(u64, u64)> {
    let width = if bytes.first() == Some(&1) { 8 } else { 4 };
    let nothing = if width == 8 { u64::MAX } else { u64::from(u32::MAX) };
    let entries = bytes.get(8..)?.chunks_exact(2 * width + 4);
    entries
        .map(|entry| (number(entry, width, width), number(entry, 0, width)))
        .find(|&(start, _)| start != nothing)
}

/// Delay and length from a comment named iTunSMPB: hexadecimal numbers, of which the second to fourth are
/// the delay, the padding and the length.
fn itunes(bytes: &[u8]) -> Option<(u64, u64)> {
    let name = bytes.windows(8).position(|window| window == b"iTunSMPB")?;
    let data = name + bytes[name..].windows(4).position(|window| window == b"data")?;
    let text = std::str::from_utf8(bytes.get(data + 12..)?).ok()?;
    let mut numbers = text
        .split_ascii_whitespace()
        .map(|word| u64::from_str_radix(word, 16));
    let (_, delay) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    let (_, length) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (length > 0 && delay < 1 << 16).then_some((delay, length))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes(), name.as_slice(), body].concat()
    }

    fn header(scale: u32) -> Vec<u8> {
        [vec![0; 12], scale.to_be_bytes().to_vec(), vec![0; 8]].concat()
    }

    fn file(file_scale: u32, length: u32, more: &[u8]) -> Vec<u8> {
        let edits = [0, 2, 7, u32::MAX, 0, length, 1024, 0];
        let edits: Vec<u8> = edits.iter().flat_map(|number| number.to_be_bytes()).collect();
        let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0soun\0\0\0\0");
        let media = [boxed(b"mdhd", &header(44_100)), handler].concat();
        let track = [boxed(b"edts", &boxed(b"elst", &edits)), boxed(b"mdia", &media)].concat();
        let movie = [
            boxed(b"mvhd", &header(file_scale)),
            boxed(b"trak", &track),
            more.to_vec(),
        ]
        .concat();
        [
            boxed(b"ftyp", b"M4A "),
            boxed(b"mdat", &[7; 99]),
            boxed(b"moov", &movie),
        ]
        .concat()
    }

    fn edit_of(bytes: Vec<u8>) -> Option<(u64, Option<u64>)> {
        let mut input = Input::new(Box::new(Cursor::new(bytes))).unwrap();
        edit(&mut input).unwrap().0.map(|edit| edit.in_frames(44_100))
    }

    #[test]
    fn the_edit_list_tells_delay_and_sometimes_length() {
        assert_eq!(edit_of(file(1000, 2500, &[])), Some((1024, None)));
        assert_eq!(edit_of(file(44_100, 100_001, &[])), Some((1024, Some(100_001))));
    }

    #[test]
    fn the_comment_of_itunes_comes_first() {
        let text = b" 00000000 00000840 000001CA 0000000000030D40 00000000";
        let data = boxed(b"data", &[b"\0\0\0\x01\0\0\0\0".as_slice(), text].concat());
        let name = boxed(b"name", b"\0\0\0\0iTunSMPB");
        let comment = boxed(b"----", &[name, data].concat());
        let meta = [vec![0; 4], boxed(b"ilst", &comment)].concat();
        let more = boxed(b"udta", &boxed(b"meta", &meta));
        assert_eq!(edit_of(file(1000, 2500, &more)), Some((0x840, Some(200_000))));
    }

    #[test]
    fn any_cut_and_any_nesting_end() {
        let whole = file(44_100, 100_001, &[]);
        for cut in 0..whole.len() {
            let mut input = Input::new(Box::new(Cursor::new(whole[..cut].to_vec()))).unwrap();
            let (_, told) = edit(&mut input).unwrap();
            // Between the boxes, and in the first bytes of one, nobody can tell.
            assert!(told || cut < 20 || (119..127).contains(&cut), "cut at {cut}");
        }
        let mut deep = vec![0; 20];
        for _ in 0..1000 {
            deep = boxed(b"moov", &deep);
        }
        assert_eq!(edit_of(deep), None);
        assert_eq!(edit_of(b"\0\0\0\0moov".repeat(500)), None);
    }
}
