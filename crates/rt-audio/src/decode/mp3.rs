//! Frames of MPEG audio, layer III, to interleaved floats, or to mono.
//!
//! Every step from the lines of a spectrum to samples is linear. Channels with blocks of the same kind are mixed as
//! spectra, others as samples of subbands; the synthesis, which is the greater part, is done once. Of the sum and the
//! difference of two channels only the sum is read. Mono is for 24 kHz: subbands above that are not made.

mod bands;
mod bits;
mod header;
mod huffman;
mod hybrid;
mod reservoir;
mod scale;
mod side;
mod stereo;
mod synthesis;
#[cfg(test)]
mod tests;
mod trig;

use bands::{BandTable, LINES};
use bits::Bits;
use header::Header;
use hybrid::{Lanes, Overlap, STEPS, SUBBANDS};
use reservoir::Reservoir;
use scale::Factors;
use side::{Granule, Side};
use synthesis::Synthesis;

use crate::mix::Layout;

/// Nothing above this frequency, in Hz, is heard of mono, which becomes 24 kHz.
const HIGHEST: u32 = 12_000;

/// Quarters of a power of two by which each of two channels is less loud in their mean.
const HALF: i32 = -4;

/// The same by which sum and difference are less loud: the square root of a half.
const ROOT_OF_HALF: i32 = -2;

/// The state of decoding.
pub(super) struct Mp3 {
    /// Whether only mono is wanted.
    mono: bool,
    /// Whether a frame was decoded.
    started: bool,
    /// What is known of the frames before, if there were any of the same kind.
    stream: Option<Stream>,
}

/// The state of decoding frames of one version and sample rate.
struct Stream {
    /// The header of the last frame.
    header: Header,
    /// The bands at this rate.
    table: BandTable,
    /// Subbands from here on are not made.
    limit: usize,
    /// Bits of the frames before.
    reservoir: Reservoir,
    /// By channel of the stream.
    factors: [Factors; 2],
    /// The values of a granule before they are scaled.
    values: [f32; LINES],
    /// The lines of a granule, by channel of the stream.
    lines: [[f32; LINES]; 2],
    /// The samples of a granule, by subband.
    samples: Lanes,
    /// By channel of output.
    outputs: [Output; 2],
}

/// One channel of output.
#[derive(Clone)]
struct Output {
    /// What the last granule left.
    overlap: Overlap,
    /// From subbands to the signal.
    synthesis: Synthesis,
}

impl Mp3 {
    /// A decoder of any MP3, to all channels or to mono.
    pub(super) fn new(mono: bool) -> Self {
        Self {
            mono,
            started: false,
            stream: None,
        }
    }

    /// Decodes a packet, which is a frame: its interleaved frames take the place of what was there. Returns their rate and
    /// what the channels are; an error says what is wrong.
    ///
    /// A stream that was cut begins with packets that need bits of packets before them. These are silent; later ones
    /// are damaged, as what they need was there once.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        samples: &mut Vec<f32>,
    ) -> Result<(u32, Layout), &'static str> {
        let Some(header) = Header::read(packet) else {
            self.stream = None;
            return Err("a packet is no frame of layer III");
        };
        let channels = if self.mono { 1 } else { header.channels };
        samples.resize(header.granules() * LINES * channels, 0.0);
        let mono = self.mono;
        let stream = match &mut self.stream {
            Some(stream) if stream.header.rate_index == header.rate_index => stream,
            none => none.insert(Stream::new(header, mono)),
        };
        match stream.decode(header, packet, mono, samples) {
            Ok(true) => self.started = true,
            Ok(false) if !self.started => samples.fill(0.0),
            Ok(false) => return Err("a part of a frame is missing"),
            Err(problem) => {
                self.stream = None;
                return Err(problem);
            }
        }
        Ok((header.rate(), Layout::usual(channels)))
    }
}

impl Stream {
    /// Silence.
    fn new(header: Header, mono: bool) -> Self {
        let output = Output {
            overlap: Overlap::new(),
            synthesis: Synthesis::new(),
        };
        // One subband reaches into its neighbours, and no further.
        let needed = (HIGHEST as usize * 2 * SUBBANDS).div_ceil(header.rate() as usize) + 1;
        Self {
            header,
            table: BandTable::new(header.rate_index),
            limit: if mono { needed.min(SUBBANDS) } else { SUBBANDS },
            reservoir: Reservoir::default(),
            factors: [Factors::new(), Factors::new()],
            values: [0.0; LINES],
            lines: [[0.0; LINES]; 2],
            samples: [[0.0; SUBBANDS]; STEPS],
            outputs: [output.clone(), output],
        }
    }

    /// Decodes a frame; `false` if bits in front of it are missing.
    fn decode(
        &mut self,
        header: Header,
        packet: &[u8],
        mono: bool,
        samples: &mut [f32],
    ) -> Result<bool, &'static str> {
        const SHORT: &str = "a frame ends early";
        if header.channels > self.header.channels {
            // What was mono was on both sides.
            self.outputs[1] = self.outputs[0].clone();
        }
        self.header = header;
        let frame = packet.get(..header.length.unwrap_or(packet.len())).ok_or(SHORT)?;
        let body = frame.get(if header.checksum { 6 } else { 4 }..).ok_or(SHORT)?;
        let side = Side::read(&header, &self.table, body)?;
        let body = body.get(side.length..).unwrap_or_default();
        if side.bits() > (body.len() + side.back) * 8 {
            return Err("a frame has more bits than there is room for");
        }
        if !self.reservoir.begin(side.back, body) {
            self.reservoir.end(0);
            return Ok(false);
        }
        let mut at = 0;
        for granule in 0..header.granules() {
            if mono && header.channels == 2 {
                self.mixed_granule(&side, granule, at);
            } else {
                self.granule(&side, granule, at);
            }
            at += side.granules[granule]
                .iter()
                .map(|channel| channel.bits)
                .sum::<usize>();
        }
        self.reservoir.end(at);
        let channels = if mono { 1 } else { header.channels };
        for (channel, output) in self.outputs[..channels].iter_mut().enumerate() {
            output
                .synthesis
                .synthesize(header.granules(), samples, channel, channels);
        }
        Ok(true)
    }

    /// Decodes a granule to the subbands of all channels. Its bits begin at `at`.
    fn granule(&mut self, side: &Side, granule: usize, at: usize) {
        let channels = &side.granules[granule][..self.header.channels];
        let more = if self.header.mid_side { ROOT_OF_HALF } else { 0 };
        let mut ends = [0; 2];
        let mut at = at;
        for (n, channel) in channels.iter().enumerate() {
            ends[n] = self.lines::<false>(side, granule, n, at, more, n);
            at += channel.bits;
        }
        if self.stereo(channels, ends) {
            ends = [ends[0].max(ends[1]); 2];
        }
        let channels = channels.iter().zip(&self.lines).zip(&mut self.outputs);
        for (((channel, lines), output), end) in channels.zip(ends) {
            let bands = self.table.bands(channel.shape);
            let samples = &mut self.samples;
            let subbands = output
                .overlap
                .synthesize(channel, bands, lines, end, self.limit, samples);
            output.synthesis.take(granule, samples, subbands);
        }
    }

    /// Decodes a granule of two channels to the subbands of their mean.
    fn mixed_granule(&mut self, side: &Side, granule: usize, at: usize) {
        let header = self.header;
        let channels = &side.granules[granule];
        let [first, second] = channels;
        let bands = self.table.bands(first.shape).clone();
        let same = (first.shape, first.window, first.mixed) == (second.shape, second.window, second.mixed);
        let subbands = if same && !header.intensity {
            // The mean of both channels is their sum as it is coded.
            let more = if header.mid_side { ROOT_OF_HALF } else { HALF };
            let mut end = self.lines::<false>(side, granule, 0, at, more, 0);
            if !header.mid_side {
                end = end.max(self.lines::<true>(side, granule, 1, at + first.bits, more, 0));
            } else if granule == 0 && side.shared[1] != [false; 4] {
                // The other granule may not be skipped.
                let mut bits = Bits::at(self.reservoir.bytes(), at + first.bits);
                self.factors[1].read(&mut bits, &header, second, false, [false; 4]);
            }
            let overlap = &mut self.outputs[0].overlap;
            overlap.synthesize(first, &bands, &self.lines[0], end, self.limit, &mut self.samples)
        } else {
            let more = HALF + if header.mid_side { ROOT_OF_HALF } else { 0 };
            let mut ends = [0; 2];
            ends[0] = self.lines::<false>(side, granule, 0, at, more, 0);
            ends[1] = self.lines::<false>(side, granule, 1, at + first.bits, more, 1);
            if self.stereo(channels, ends) {
                ends = [ends[0].max(ends[1]); 2];
            }
            let [left, right] = &mut self.lines;
            let overlap = &mut self.outputs[0].overlap;
            if same {
                add(left, right);
                overlap.synthesize(
                    first,
                    &bands,
                    left,
                    ends[0].max(ends[1]),
                    self.limit,
                    &mut self.samples,
                )
            } else {
                let subbands =
                    overlap.synthesize(first, &bands, left, ends[0], self.limit, &mut self.samples);
                let (mut other, mut samples) = (Overlap::new(), [[0.0; SUBBANDS]; STEPS]);
                let bands = self.table.bands(second.shape);
                let others = other.synthesize(second, bands, right, ends[1], self.limit, &mut samples);
                overlap.add(&other);
                add_subbands(&mut self.samples, subbands, &samples, others)
            }
        };
        self.outputs[0].synthesis.take(granule, &self.samples, subbands);
    }

    /// Reads one channel of a granule, whose bits begin at `at`, into the lines of a channel, or adds it to what is there.
    /// Returns where its lines end.
    fn lines<const ADD: bool>(
        &mut self,
        side: &Side,
        granule: usize,
        channel: usize,
        at: usize,
        more: i32,
        to: usize,
    ) -> usize {
        let header = self.header;
        let coded = &side.granules[granule][channel];
        let intensity = header.intensity && channel == 1;
        let shared = if granule == 1 {
            side.shared[channel]
        } else {
            [false; 4]
        };
        let mut bits = Bits::at(self.reservoir.bytes(), at);
        let factors = &mut self.factors[channel];
        factors.read(&mut bits, &header, coded, intensity, shared);
        // Where the second channel ends tells what is intensity stereo: it is read to its end.
        let bands = self.table.bands(coded.shape);
        let limit = if header.intensity {
            LINES
        } else {
            bands.read_to(self.limit * STEPS)
        };
        let values = &mut self.values;
        let end = huffman::read(&mut bits, coded, at + coded.bits, limit, values);
        factors.apply::<ADD>(coded, bands, more, values, end, &mut self.lines[to]);
        end
    }

    /// Makes left and right of two channels that are coded together; `false` if they are not.
    fn stereo(&mut self, channels: &[Granule], ends: [usize; 2]) -> bool {
        let [_, second] = channels else { return false };
        if self.header.intensity {
            let bands = self.table.bands(second.shape);
            stereo::intensity(&self.header, second, bands, &self.factors[1], &mut self.lines);
        } else if self.header.mid_side {
            let end = ends[0].max(ends[1]);
            let [mid, side] = &mut self.lines;
            stereo::mid_side(&mut mid[..end], &mut side[..end]);
        } else {
            return false;
        }
        true
    }
}

/// Adds samples to others.
fn add(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// Adds samples of so many subbands to those of others; returns of how many subbands there are any then.
fn add_subbands(to: &mut Lanes, subbands: usize, from: &Lanes, others: usize) -> usize {
    for (to, from) in to.iter_mut().zip(from) {
        to[subbands..].fill(0.0);
        add(&mut to[..others], &from[..others]);
    }
    subbands.max(others)
}
