//! What the end of a Matroska file says about padding.

use super::Input;
use crate::error::Error;

/// How much of the end is looked at.
const TAIL: u64 = 64 * 1024;

/// How many places that look like a padding are looked at: by chance there is one in megabytes.
const CANDIDATES: usize = 64;

/// How long a padding may be, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;

/// The padding behind the last block in nanoseconds, or 0 if none is told.
pub(super) fn padding(input: &mut Input) -> Result<u64, Error> {
    let Some(len) = input.len() else {
        return Ok(0);
    };
    let start = len.saturating_sub(TAIL);
    let mut tail = vec![0; usize::try_from(len - start).unwrap_or_default()];
    let there = input.read_at(start, &mut tail)?;
    Ok(padding_in(&tail[..there]))
}

/// The last DiscardPadding that is the end of a BlockGroup.
fn padding_in(tail: &[u8]) -> u64 {
    let candidates = tail.windows(3).enumerate().rev();
    candidates
        .filter(|(_, bytes)| bytes[..2] == [0x75, 0xa2] && (0x81..=0x88).contains(&bytes[2]))
        .take(CANDIDATES)
        .find_map(|(at, bytes)| {
            let (value, end) = (at + 3, at + 3 + usize::from(bytes[2] & 0x0f));
            let value = tail.get(value..end)?;
            let padding = value.iter().fold(0u64, |all, &byte| all << 8 | u64::from(byte));
            let positive = value.first().is_some_and(|&byte| byte < 0x80);
            (positive && padding <= LONGEST && is_in_group(&tail[..at], end)).then_some(padding)
        })
        .unwrap_or_default()
}

/// Whether a BlockGroup begins here somewhere and ends there.
fn is_in_group(before: &[u8], end: usize) -> bool {
    let mut groups = before.iter().enumerate().rev().filter(|&(_, &byte)| byte == 0xa0);
    groups.any(|(at, _)| {
        size(&before[at + 1..]).is_some_and(|(width, size)| (at + 1 + width) as u64 + size == end as u64)
    })
}

/// Whether the segment, which holds everything, ends behind the end of the file.
pub(super) fn is_cut(input: &mut Input) -> Result<bool, Error> {
    let Some(len) = input.len() else {
        return Ok(false);
    };
    let mut start = [0; 256];
    let there = input.read_at(0, &mut start)?;
    Ok(segment_end(&start[..there]).is_some_and(|end| end > len))
}

/// Where the segment ends, if it says so.
fn segment_end(start: &[u8]) -> Option<u64> {
    let (header, body) = size(start.get(4..)?)?;
    let segment = 4 + header + usize::try_from(body).ok()?;
    let rest = start.get(segment..)?;
    if !rest.starts_with(b"\x18\x53\x80\x67") {
        return None;
    }
    let (width, size) = size(&rest[4..])?;
    // All bits set: it is not known.
    let known = size != (1 << (7 * width)) - 1;
    known.then(|| (segment + 4 + width) as u64 + size)
}

/// A size, and of how many bytes it is.
fn size(bytes: &[u8]) -> Option<(usize, u64)> {
    let width = bytes.first()?.leading_zeros() as usize + 1;
    let bytes = bytes.get(..width).filter(|_| width <= 8)?;
    let all = bytes.iter().fold(0u64, |all, &byte| all << 8 | u64::from(byte));
    Some((width, all & !(1 << (7 * width))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_padding_of_the_last_group_is_found() {
        let block = [0xa1, 0x84, 0x81, 0, 0, 0x80];
        // 6.5 ms.
        let padding = [0x75, 0xa2, 0x83, 0x63, 0x2e, 0xa0];
        let group = [[0xa0, 0x80 | 12].as_slice(), &block, &padding].concat();
        assert_eq!(padding_in(&group), 6_500_000);
        assert_eq!(
            padding_in(&[&[9; 400], group.as_slice(), &[1; 50]].concat()),
            6_500_000
        );
        // The same bytes in the middle of something else.
        assert_eq!(padding_in(&[&[9; 400], padding.as_slice(), &[1; 50]].concat()), 0);
        // Many that are none hide it: the search has an end.
        let hidden = |others| [group.as_slice(), &padding.repeat(others)].concat();
        assert_eq!(padding_in(&hidden(CANDIDATES - 1)), 6_500_000);
        assert_eq!(padding_in(&hidden(CANDIDATES)), 0);
        let negative = [0xa0, 0x85, 0x75, 0xa2, 0x82, 0xff, 0xff];
        assert_eq!(padding_in(&negative), 0);
        for cut in 0..group.len() {
            padding_in(&group[..cut]);
        }
    }

    #[test]
    fn the_segment_tells_where_it_ends() {
        let start = |size: &[u8]| [b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67", size, &[0; 9]].concat();
        assert_eq!(segment_end(&start(&[0x85])), Some(12 + 5));
        assert_eq!(segment_end(&start(&[0x40, 0x85])), Some(13 + 0x85));
        assert_eq!(
            segment_end(&start(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
            None
        );
        assert_eq!(segment_end(&start(&[0xff])), None);
        for cut in 0..20 {
            segment_end(&start(&[0x40, 0x85])[..cut]);
        }
    }
}
