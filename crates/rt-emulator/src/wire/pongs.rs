//! [`PongFilter`]: takes the Pongs out of a server's bytes, for a peer that lives but does not answer Pings.

/// Takes the Pongs out of a stream of unmasked frames, which may come in pieces.
#[derive(Debug, Default)]
pub(crate) struct PongFilter {
    /// The bytes of a header that is not whole.
    header: Vec<u8>,
    /// What is left of the payload under way.
    left: u64,
    /// Whether that frame is a Pong.
    drop: bool,
}

impl PongFilter {
    /// What of `bytes` goes on.
    pub(crate) fn filter(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        while !bytes.is_empty() {
            if self.left > 0 {
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                let (payload, rest) = bytes.split_at(length);
                if !self.drop {
                    out.extend_from_slice(payload);
                }
                self.left -= length as u64;
                bytes = rest;
                continue;
            }
            self.header.push(bytes[0]);
            bytes = &bytes[1..];
            if let Some(length) = payload_length(&self.header) {
                self.left = length;
                self.drop = self.header[0] & 0x0f == 0x0a;
                if !self.drop {
                    out.extend_from_slice(&self.header);
                }
                self.header.clear();
            }
        }
        out
    }
}

/// The length of the payload, if the header is whole. Servers do not mask.
fn payload_length(header: &[u8]) -> Option<u64> {
    let short = u64::from(header.get(1)? & 0x7f);
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => return Some(short),
    };
    let digits = header.get(2..2 + extended)?;
    Some(digits.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pongs_are_taken_out_however_the_bytes_come() {
        let mut text = vec![0x81, 126, 1, 0x2c];
        text.extend(vec![0x8a; 300]);
        let mut long = vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0];
        long.extend(vec![7; 0x1_0000]);
        let pong = [0x8a, 3, 1, 2, 3];
        let empty = [0x8a, 0];
        let ping = [0x89, 1, 9];
        let all = [&text[..], &pong, &empty, &ping, &long, &pong, &text].concat();
        let wanted = [&text[..], &ping, &long, &text].concat();
        for size in [1, 2, 3, 7, 1000, all.len()] {
            let mut filter = PongFilter::default();
            let out: Vec<u8> = all.chunks(size).flat_map(|piece| filter.filter(piece)).collect();
            assert!(out == wanted, "pieces of {size}");
        }
    }
}
