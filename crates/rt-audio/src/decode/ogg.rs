//! Whether an Ogg file is cut.

use super::Input;
use crate::error::Error;

/// More than the largest page.
const TAIL: u64 = 68 * 1024;

/// Bytes of a page in front of its table of segments.
const HEAD: usize = 27;

/// Whether the last page ends behind the end of the file.
pub(super) fn is_cut(input: &mut Input) -> Result<bool, Error> {
    let Some(len) = input.len() else {
        return Ok(false);
    };
    let start = len.saturating_sub(TAIL);
    let mut tail = vec![0; usize::try_from(len - start).unwrap_or_default()];
    let there = input.read_at(start, &mut tail)?;
    Ok(ends_in_a_page(&tail[..there]))
}

/// Whether the last page is not whole.
fn ends_in_a_page(tail: &[u8]) -> bool {
    let Some(at) = tail.windows(5).rposition(|window| window == b"OggS\0") else {
        return false;
    };
    let page = &tail[at..];
    let Some(&segments) = page.get(HEAD - 1) else {
        return true;
    };
    let table = page.get(HEAD..HEAD + usize::from(segments));
    table.is_none_or(|table| {
        let body: usize = table.iter().map(|&size| usize::from(size)).sum();
        page.len() < HEAD + table.len() + body
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_part_of_a_page_is_a_cut() {
        let page = [b"OggS".as_slice(), &[0; 22], &[2, 3, 4], &[7; 7]].concat();
        let two = [page.as_slice(), &page].concat();
        for cut in 0..=two.len() {
            // Of the first bytes nobody can tell what they are.
            let told = cut % page.len() >= 5;
            assert_eq!(ends_in_a_page(&two[..cut]), told, "cut at {cut}");
        }
        assert!(!ends_in_a_page(&[page.as_slice(), b"junk"].concat()));
    }
}
