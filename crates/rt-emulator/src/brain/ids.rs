//! [`Ids`]: names in the shape of the real server's, repeatable from a seed.

/// The letters ids are made of.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Makes ids and padding.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    /// The source of letters.
    rng: fastrand::Rng,
    /// Counts up, so that two ids never meet.
    count: u64,
}

impl Ids {
    /// The same seed gives the same ids.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            count: 0,
        }
    }

    /// `len` letters.
    fn letters(&mut self, len: usize) -> String {
        (0..len)
            .map(|_| char::from(ALPHABET[self.rng.usize(..ALPHABET.len())]))
            .collect()
    }

    /// `prefix_` and 21 letters, the first eight of them a counter.
    fn id(&mut self, prefix: &str) -> String {
        self.count += 1;
        let mut counter = [b'0'; 8];
        let mut rest = self.count;
        for place in counter.iter_mut().rev() {
            *place = ALPHABET[usize::try_from(rest % 62).unwrap_or(0)];
            rest /= 62;
        }
        format!(
            "{prefix}_{}{}",
            String::from_utf8_lossy(&counter),
            self.letters(13)
        )
    }

    /// `event_…`
    pub(crate) fn event(&mut self) -> String {
        self.id("event")
    }

    /// `sess_…`
    pub(crate) fn session(&mut self) -> String {
        self.id("sess")
    }

    /// `conv_…`
    pub(crate) fn conversation(&mut self) -> String {
        self.id("conv")
    }

    /// `item_…`
    pub(crate) fn item(&mut self) -> String {
        self.id("item")
    }

    /// `resp_…`
    pub(crate) fn response(&mut self) -> String {
        self.id("resp")
    }

    /// `call_…`, within the 32 characters a client may send back.
    pub(crate) fn call(&mut self) -> String {
        format!("call_{}", self.letters(16))
    }

    /// The padding of a delta: it fills the text up to a multiple of 16 characters.
    pub(crate) fn obfuscation(&mut self, delta: &str) -> String {
        let len = 16 - delta.chars().count() % 16;
        self.letters(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_repeat_from_a_seed_and_never_collide() {
        let (mut one, mut two) = (Ids::new(5), Ids::new(5));
        assert_eq!(one.item(), two.item());
        let mut seen: Vec<String> = (0..5000).map(|_| one.event()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5000);
        assert!(one.call().len() <= 32);
    }

    #[test]
    fn padding_hides_the_length() {
        let mut ids = Ids::new(0);
        let padded = |ids: &mut Ids, text: &str| text.chars().count() + ids.obfuscation(text).len();
        assert_eq!(padded(&mut ids, " there"), 16);
        assert_eq!(padded(&mut ids, "!"), 16);
        assert_eq!(padded(&mut ids, "0123456789abcdef"), 32);
    }
}
