//! What stands behind the header of a frame: how the bits of its granules are to be read.

use super::bands::{BandTable, LINES};
use super::bits::Bits;
use super::header::Header;

/// How a granule is cut into blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One block.
    Long = 0,
    /// One block for the lowest frequencies, three for all others.
    Mixed = 1,
    /// Three blocks.
    Short = 2,
}

/// The window of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// Between long blocks.
    Normal = 0,
    /// In front of short blocks.
    Start = 1,
    /// Of short blocks.
    Short = 2,
    /// Behind short blocks.
    Stop = 3,
}

/// How one channel of a granule is coded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granule {
    /// The bits of its scale factors and values.
    pub(super) bits: usize,
    /// The lines that are coded in pairs.
    pub(super) pairs_end: usize,
    /// Where the second and the third region of those lines begin.
    pub(super) regions: [usize; 2],
    /// The table of each region.
    pub(super) tables: [u8; 3],
    /// Whether lines behind the pairs have the second table of quadruples.
    pub(super) second_quads: bool,
    /// Loudness of all, in quarters of a power of two.
    pub(super) gain: i32,
    /// What the widths of scale factors follow from.
    pub(super) compress: u32,
    /// Scale factors are halves of a power of two, or wholes.
    pub(super) whole_steps: bool,
    /// Whether high bands have more than their scale factors say.
    pub(super) emphasis: bool,
    /// What each of three blocks is less loud, in powers of four.
    pub(super) less: [u8; 3],
    /// How it is cut.
    pub(super) shape: Shape,
    /// The window.
    pub(super) window: Window,
    /// Whether the two lowest subbands have the normal window all the same.
    pub(super) mixed: bool,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Side {
    /// How many bytes in front of its own the frame begins.
    pub(super) back: usize,
    /// Which scale factors of the second granule are those of the first; by channel and group.
    pub(super) shared: [[bool; 4]; 2],
    /// By granule and channel, as many as the header says.
    pub(super) granules: [[Granule; 2]; 2],
    /// The bytes it takes.
    pub(super) length: usize,
}

/// A granule without anything.
pub(super) const NOTHING: Granule = Granule {
    bits: 0,
    pairs_end: 0,
    regions: [0; 2],
    tables: [0; 3],
    second_quads: false,
    gain: 0,
    compress: 0,
    whole_steps: false,
    emphasis: false,
    less: [0; 3],
    shape: Shape::Long,
    window: Window::Normal,
    mixed: false,
};

impl Side {
    /// Reads it from the bytes behind the header and the checksum. An error says what is wrong.
    pub(super) fn read(header: &Header, layout: &BandTable, bytes: &[u8]) -> Result<Self, &'static str> {
        let length = match (header.mpeg1, header.channels) {
            (true, 2) => 32,
            (false, 1) => 9,
            _ => 17,
        };
        let bytes = bytes.get(..length).ok_or("a frame ends early")?;
        let mut bits = Bits::new(bytes);
        let mut side = Self {
            back: bits.take(if header.mpeg1 { 9 } else { 8 }) as usize,
            shared: [[false; 4]; 2],
            granules: [[NOTHING; 2]; 2],
            length,
        };
        // Bits without a meaning.
        bits.take(match (header.mpeg1, header.channels) {
            (true, 1) => 5,
            (true, _) => 3,
            (false, channels) => u32::from(channels == 2) + 1,
        });
        if header.mpeg1 {
            for shared in side.shared[..header.channels].as_flattened_mut() {
                *shared = bits.flag();
            }
        }
        for granule in &mut side.granules[..header.granules()] {
            for channel in &mut granule[..header.channels] {
                *channel = Granule::read(&mut bits, header, layout)?;
            }
            if !header.mpeg1 && header.intensity {
                // What its number means there are places, none of which has an emphasis.
                granule[1].emphasis = false;
            }
        }
        Ok(side)
    }

    /// The bits of all granules.
    pub(super) fn bits(&self) -> usize {
        self.granules
            .as_flattened()
            .iter()
            .map(|granule| granule.bits)
            .sum()
    }
}

impl Granule {
    /// Reads one channel of a granule.
    fn read(bits: &mut Bits<'_>, header: &Header, layout: &BandTable) -> Result<Self, &'static str> {
        let mut granule = Self {
            bits: bits.take(12) as usize,
            pairs_end: bits.take(9) as usize * 2,
            gain: i32::from(bits.small(8)),
            compress: bits.take(if header.mpeg1 { 4 } else { 9 }),
            ..NOTHING
        };
        if granule.pairs_end > LINES {
            return Err("a frame has more lines than a spectrum");
        }
        if bits.flag() {
            granule.window = match bits.take(2) {
                1 => Window::Start,
                2 => Window::Short,
                3 => Window::Stop,
                _ => return Err("a frame has a window that is not defined"),
            };
            granule.mixed = bits.flag();
            granule.shape = match (granule.window, granule.mixed) {
                (Window::Short, false) => Shape::Short,
                (Window::Short, true) => Shape::Mixed,
                _ => Shape::Long,
            };
            granule.tables = [bits.small(5), bits.small(5), 0];
            granule.less = [bits.small(3), bits.small(3), bits.small(3)];
            let first = match granule.shape {
                Shape::Long => layout.long_end(8),
                Shape::Mixed | Shape::Short => layout.short_end(3),
            };
            granule.regions = [first, LINES];
        } else {
            granule.tables = [bits.small(5), bits.small(5), bits.small(5)];
            let first = bits.take(4) as usize + 1;
            let second = bits.take(3) as usize + 1;
            granule.regions = [layout.long_end(first), layout.long_end(first + second)];
        }
        // In MPEG-2 it follows from the widths of scale factors.
        granule.emphasis = if header.mpeg1 {
            bits.flag()
        } else {
            granule.compress >= 500
        };
        granule.whole_steps = bits.flag();
        granule.second_quads = bits.flag();
        Ok(granule)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bits::Writer;
    use super::*;

    const MONO: [u8; 4] = [0xff, 0xfb, 0x90, 0xc4];

    fn read(header: [u8; 4], bytes: &[u8]) -> Result<Side, &'static str> {
        let header = Header::read(&header).unwrap();
        Side::read(&header, &BandTable::new(header.rate_index), bytes)
    }

    #[test]
    fn every_field_is_where_it_belongs() {
        let mut out = Writer::default();
        out.put(300, 9).put(0, 5).put(0b1010, 4);
        out.put(1234, 12).put(100, 9).put(200, 8).put(7, 4).put(0, 1);
        out.put(1, 5)
            .put(2, 5)
            .put(3, 5)
            .put(4, 4)
            .put(5, 3)
            .put(0b101, 3);
        out.put(99, 12)
            .put(288, 9)
            .put(1, 8)
            .put(0, 4)
            .put(1, 1)
            .put(2, 2)
            .put(1, 1);
        out.put(30, 5)
            .put(31, 5)
            .put(1, 3)
            .put(2, 3)
            .put(3, 3)
            .put(0b010, 3);
        let side = read(MONO, &out.bytes()).unwrap();
        assert_eq!((side.back, side.length, side.bits()), (300, 17, 1333));
        assert_eq!(side.shared[0], [true, false, true, false]);
        let [[long, _], [short, _]] = side.granules;
        assert_eq!((long.pairs_end, long.gain, long.compress), (200, 200, 7));
        assert_eq!((long.tables, long.regions), ([1, 2, 3], [20, 62]));
        assert!(long.emphasis && !long.whole_steps && long.second_quads);
        assert_eq!((long.shape, long.window), (Shape::Long, Window::Normal));
        assert_eq!((short.shape, short.window), (Shape::Mixed, Window::Short));
        assert_eq!((short.tables, short.regions), ([30, 31, 0], [36, LINES]));
        assert_eq!((short.pairs_end, short.less), (576, [1, 2, 3]));
        assert!(!short.emphasis && short.whole_steps && !short.second_quads);
    }

    #[test]
    fn places_of_intensity_stereo_have_no_emphasis() {
        // In MPEG-1 both have what the flag says.
        for (version, extension, expected) in [
            (0xf3, 0x10, [true, false]),
            (0xf3, 0x30, [true, false]),
            (0xf3, 0x20, [true, true]),
            (0xfb, 0x10, [true, true]),
        ] {
            let mut out = Writer::default();
            let mpeg1 = version == 0xfb;
            out.put(0, if mpeg1 { 9 + 3 + 8 } else { 8 + 2 });
            for _ in 0..2 {
                out.put(0, 12 + 9 + 8);
                out.put(if mpeg1 { 0 } else { 500 }, if mpeg1 { 4 } else { 9 });
                out.put(0, 1 + 15 + 4 + 3);
                out.put(if mpeg1 { 0b100 } else { 0 }, if mpeg1 { 3 } else { 2 });
            }
            out.put(0, 18).put(0, 20).put(0, 30).put(0, 30).put(0, 30);
            let side = read([0xff, version, 0x90, 0x40 | extension], &out.bytes()).unwrap();
            let emphasis = side.granules[0].map(|granule| granule.emphasis);
            assert_eq!(emphasis, expected, "{version:x}, {extension:x}");
        }
    }

    #[test]
    fn impossible_numbers_are_errors() {
        assert!(read(MONO, &[0; 16]).is_err());
        let mut lines = Writer::default();
        lines.put(0, 18).put(0, 12).put(289, 9).put(0, 200);
        assert!(read(MONO, &lines.bytes()).is_err());
        let mut window = Writer::default();
        window.put(0, 18).put(0, 33).put(1, 1).put(0, 200);
        assert!(read(MONO, &window.bytes()).is_err());
    }
}
