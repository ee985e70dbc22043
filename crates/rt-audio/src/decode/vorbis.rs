//! Vorbis I packets to interleaved floats, or to mono.
//!
//! Every step from a spectrum to samples is linear, and the channels of a packet have blocks of the same size: mono is
//! mixed from the spectra, and one channel is synthesized instead of all.

mod bits;
mod codebook;
mod floor;
mod residue;
mod setup;
mod synthesis;
#[cfg(test)]
mod tests;
mod vectors;

use bits::Bits;
use floor::Curve;
use residue::Room;
use setup::{Refused, Setup};
use synthesis::{Channel, Transforms};

use crate::error::{Error, ErrorKind};
use crate::mix::Layout;

/// The state of decoding.
pub(super) struct Vorbis {
    /// What the headers say.
    setup: Setup,
    /// Where the channels belong.
    layout: Layout,
    /// What each channel contributes to mono, in the order of the stream, if that is wanted.
    weights: Option<Vec<f32>>,
    /// The factors of floors.
    decibels: [f32; 256],
    /// From spectra to samples.
    transforms: Transforms,
    /// The channels of output.
    outputs: Vec<Channel>,
    /// The spectra of a packet, channel after channel.
    spectra: Vec<f32>,
    /// The floors of a packet, and whether there is one.
    curves: Vec<(Curve, bool)>,
    /// The channels of a packet that have no spectrum.
    silent: Vec<bool>,
    /// Room for residues.
    room: Room,
    /// The samples of a channel.
    plane: Vec<f32>,
}

impl Vorbis {
    /// Makes the decoder that the headers ask for; `None` if they ask for floors of the old kind.
    pub(super) fn new(headers: &[u8], mono: bool) -> Result<Option<Self>, Error> {
        let setup = match Setup::read(headers) {
            Ok(setup) => setup,
            Err(Refused::OldFloor) => return Ok(None),
            Err(Refused::Damaged) => {
                return Err(Error::new(
                    ErrorKind::Damaged,
                    "the Vorbis headers are damaged or cut",
                ));
            }
        };
        let layout = Layout::usual(setup.channels);
        let weights = (mono && setup.channels > 1).then(|| {
            let weights = layout.weights();
            let mut of_stream = weights.clone();
            for (n, weight) in weights.into_iter().enumerate() {
                of_stream[place(setup.channels, n)] = weight;
            }
            of_stream
        });
        let outputs = if weights.is_some() { 1 } else { setup.channels };
        Ok(Some(Self {
            layout,
            weights,
            decibels: floor::decibels(),
            transforms: Transforms::new(setup.sizes[0], setup.sizes[1]),
            outputs: (0..outputs).map(|_| Channel::default()).collect(),
            spectra: vec![0.0; setup.sizes[1] * setup.channels],
            curves: (0..setup.channels).map(|_| Default::default()).collect(),
            silent: Vec::new(),
            room: Room::default(),
            plane: Vec::new(),
            setup,
        }))
    }

    /// Frames per second.
    pub(super) fn rate(&self) -> u32 {
        self.setup.rate
    }

    /// Where the channels of the stream belong.
    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// What is decoded to.
    pub(super) fn output(&self) -> Layout {
        match self.weights {
            Some(_) => Layout::usual(1),
            None => self.layout,
        }
    }

    /// Decodes a packet: its interleaved frames take the place of what was there. The first packet has none. An error
    /// says what is wrong.
    pub(super) fn decode(&mut self, packet: &[u8], samples: &mut Vec<f32>) -> Result<(), &'static str> {
        let mut bits = Bits::new(packet);
        if bits.flag() != Some(false) {
            return Err("a packet holds no audio");
        }
        let width = usize::BITS - (self.setup.modes.len() - 1).leading_zeros();
        let mode = bits
            .take(width)
            .and_then(|mode| self.setup.modes.get(mode as usize));
        let mode = mode.ok_or("a packet is of a mode that is not defined")?;
        if mode.long {
            // The shape of the window, which follows from the blocks themselves.
            bits.take(2).ok_or("a packet ends early")?;
        }
        let (long, mapping) = (mode.long, usize::from(mode.mapping));
        let size = self.setup.sizes[usize::from(long)];
        let end = self.spectra(&mut bits, mapping, size);
        self.synthesize(long, size, end, samples);
        Ok(())
    }

    /// Decodes the spectra of all channels; returns where they end: behind are zeros.
    fn spectra(&mut self, bits: &mut Bits<'_>, mapping: usize, size: usize) -> usize {
        let setup = &mut self.setup;
        let mapping = &setup.mappings[mapping];
        for ((curve, there), &part) in self.curves.iter_mut().zip(&mapping.parts) {
            let floor = &setup.floors[usize::from(mapping.coded[usize::from(part)].0)];
            let read = floor.curve(bits, &setup.books, curve);
            *there = read == Some(true);
            if read.is_none() {
                bits.end();
            }
        }
        // If one of a pair has a spectrum, both have.
        let silent = &mut self.silent;
        silent.clear();
        silent.extend(self.curves.iter().map(|(_, there)| !there));
        for &(magnitude, angle) in &mapping.couplings {
            let both = silent[magnitude] && silent[angle];
            (silent[magnitude], silent[angle]) = (both, both);
        }
        let spectra = &mut self.spectra[..size * setup.channels];
        let mut end = 0;
        for (_, residue, channels) in &mapping.coded {
            // A packet of a few bits can be silent in many channels: that costs no more than the zeros.
            if channels.iter().all(|channel| silent[*channel]) {
                for channel in channels {
                    spectra[channel * size..(channel + 1) * size].fill(0.0);
                }
                continue;
            }
            let residue = &setup.residues[usize::from(*residue)];
            let (books, room) = (&mut setup.books, &mut self.room);
            end = end.max(residue.decode(bits, books, room, (spectra, size), (channels, silent)));
        }
        // The last one coded is the first one to be undone.
        for &(magnitude, angle) in mapping.couplings.iter().rev() {
            let (first, second) = spectra.split_at_mut(magnitude.max(angle) * size);
            let low = magnitude.min(angle) * size;
            let (first, second) = (&mut first[low..low + end], &mut second[..end]);
            if magnitude < angle {
                uncouple(first, second);
            } else {
                uncouple(second, first);
            }
        }
        let planes = spectra
            .chunks_exact_mut(size)
            .zip(&self.curves)
            .zip(&mapping.parts);
        for ((plane, (curve, there)), &part) in planes {
            let floor = &setup.floors[usize::from(mapping.coded[usize::from(part)].0)];
            if *there {
                floor.apply(curve, &self.decibels, &mut plane[..end]);
            } else {
                plane.fill(0.0);
            }
        }
        end
    }

    /// Makes samples of the spectra.
    fn synthesize(&mut self, long: bool, size: usize, end: usize, samples: &mut Vec<f32>) {
        let spectra = &mut self.spectra[..size * self.setup.channels];
        if let Some(weights) = &self.weights {
            let (mono, others) = spectra.split_at_mut(size);
            let mono = &mut mono[..end];
            mono.iter_mut().for_each(|value| *value *= weights[0]);
            for (plane, weight) in others.chunks_exact(size).zip(&weights[1..]) {
                mono.iter_mut()
                    .zip(plane)
                    .for_each(|(to, from)| *to += from * weight);
            }
        }
        let channels = self.outputs.len();
        if channels == 1 {
            return self.outputs[0].synthesize(&mut self.transforms, long, &mut spectra[..size], samples);
        }
        for n in 0..channels {
            let from = place(channels, n) * size;
            let spectrum = &mut spectra[from..from + size];
            self.outputs[n].synthesize(&mut self.transforms, long, spectrum, &mut self.plane);
            samples.resize(self.plane.len() * channels, 0.0);
            let places = samples.iter_mut().skip(n).step_by(channels);
            places.zip(&self.plane).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Magnitude and angle to two channels.
fn uncouple(magnitude: &mut [f32], angle: &mut [f32]) {
    for (m, a) in magnitude.iter_mut().zip(angle) {
        let other = if *m > 0.0 { *m - a.abs() } else { *m + a.abs() };
        // The one that is the greater has the magnitude.
        (*m, *a) = if *a > 0.0 { (*m, other) } else { (other, *m) };
    }
}

/// Where the stream has a channel of ours: Vorbis has the centre second and low frequencies last, we have the order of
/// WAVE.
fn place(channels: usize, n: usize) -> usize {
    let order: &[usize] = match channels {
        3 => &[0, 2, 1],
        5 => &[0, 2, 1, 3, 4],
        6 => &[0, 2, 1, 5, 3, 4],
        7 => &[0, 2, 1, 6, 5, 3, 4],
        8 => &[0, 2, 1, 7, 5, 6, 3, 4],
        _ => return n,
    };
    order[n]
}
