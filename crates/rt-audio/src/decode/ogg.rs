//! Whether an Ogg file is cut.

use super::Input;
use crate::error::Error;

/// How much of the end is read: most often the last page is in it; then more than the largest page.
const TAILS: [u64; 2] = [8 * 1024, 68 * 1024];

/// Bytes of a page in front of its table of segments.
const HEAD: usize = 27;

/// Whether the last page ends behind the end of the file.
pub(super) fn is_cut(input: &mut Input) -> Result<bool, Error> {
    let Some(len) = input.len() else {
        return Ok(false);
    };
    for tail in TAILS {
        let start = len.saturating_sub(tail);
        let mut tail = vec![0; usize::try_from(len - start).unwrap_or_default()];
        let there = input.read_at(start, &mut tail)?;
        if let Some(cut) = ends_in_a_page(&tail[..there]) {
            return Ok(cut);
        }
    }
    Ok(false)
}

/// Whether the last page is not whole; `None` if none begins here.
fn ends_in_a_page(tail: &[u8]) -> Option<bool> {
    let at = tail.windows(5).rposition(|window| window == b"OggS\0")?;
    let page = &tail[at..];
    let whole = page.get(HEAD - 1).is_some_and(|&segments| {
        let table = page.get(HEAD..HEAD + usize::from(segments));
        table.is_some_and(|table| {
            let body: usize = table.iter().map(|&size| usize::from(size)).sum();
            page.len() >= HEAD + table.len() + body
        })
    });
    Some(!whole)
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
            let there = cut >= 5;
            assert_eq!(ends_in_a_page(&two[..cut]), there.then_some(told), "cut at {cut}");
        }
        assert_eq!(ends_in_a_page(&[page.as_slice(), b"junk"].concat()), Some(false));
    }

    #[test]
    fn a_page_that_begins_far_from_the_end_is_found() {
        let file = include_bytes!("../../../../fixtures/audio/hello.oga");
        for (len, wanted) in [(file.len(), false), (17_458, true)] {
            let bytes = std::io::Cursor::new(file[..len].to_vec());
            let mut input = Input::new(Box::new(bytes)).unwrap();
            assert_eq!(is_cut(&mut input).unwrap(), wanted, "{len}");
        }
    }
}
