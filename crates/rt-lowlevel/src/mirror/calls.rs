//! Ids of function calls, as a client may write them.

use rt_protocol::limits::CALL_ID_CHARS;

/// The id under which a new session is told of a call: the same, unless it is too long for a client. The same id always
/// becomes the same.
pub(super) fn short(call_id: &str) -> String {
    if call_id.chars().count() <= CALL_ID_CHARS {
        return call_id.to_owned();
    }
    // FNV-1a: the same in every process.
    let hash = call_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("call_{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays() {
        for id in ["", "call_1", &"c".repeat(32), &"ü".repeat(32)] {
            assert_eq!(short(id), id);
        }
    }

    #[test]
    fn what_is_too_long_becomes_short_and_stays_apart() {
        let long = |n: u32| format!("call_{}_{n}", "x".repeat(40));
        assert_eq!(short("a".repeat(33).as_str()), "call_c0c1caa84f11146c");
        let ids: std::collections::HashSet<String> = (0..1000).map(|n| short(&long(n))).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 21));
        assert_eq!(short(&long(7)), short(&long(7)));
    }
}
