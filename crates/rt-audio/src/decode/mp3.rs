//! MP3 frames to interleaved floats, by nanomp3-core.

use nanomp3_core::{DecodeError, Decoder, FrameInfo, MAX_SAMPLES_PER_FRAME};

use crate::mix::Layout;

/// The state of decoding.
pub(super) struct Mp3 {
    /// The decoder of frames.
    decoder: Decoder,
    /// Whether a frame was decoded.
    started: bool,
}

impl Mp3 {
    /// A decoder of any MP3.
    pub(super) fn new() -> Self {
        Self {
            decoder: Decoder::new(),
            started: false,
        }
    }

    /// Decodes a packet of so many frames: they take the place of what was there; returns their rate and what the
    /// channels are. An error says what is wrong.
    ///
    /// A stream that was cut begins with packets that need bits of packets before them. These are silent; later ones
    /// are damaged, as what they need was there once.
    pub(super) fn decode(
        &mut self,
        packet: &[u8],
        frames: usize,
        samples: &mut Vec<f32>,
    ) -> Result<(u32, Layout), String> {
        samples.resize(MAX_SAMPLES_PER_FRAME, 0.0);
        let (_, decoded) = self.decoder.decode(packet, samples);
        let channels = |info: &FrameInfo| usize::from(info.channels.num());
        let info = match decoded {
            Ok(info) => {
                samples.truncate(info.samples_produced * channels(&info));
                self.started = true;
                info
            }
            Err(DecodeError::ReservoirUnavailable(info)) if !self.started => {
                samples.truncate(frames.saturating_mul(channels(&info)));
                samples.fill(0.0);
                info
            }
            Err(DecodeError::ReservoirUnavailable(_)) => {
                return Err("a part of a frame is missing".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        };
        Ok((info.sample_rate, Layout::usual(channels(&info))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of the kind in the fixture, whose bits are in front of it by so many bytes: mono, 44,100 Hz.
    fn frame(reservoir: u16) -> Vec<u8> {
        let mut frame = vec![0; 417];
        frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0xc4]);
        let [high, low] = (reservoir << 7).to_be_bytes();
        (frame[4], frame[5]) = (high, low);
        frame
    }

    #[test]
    fn a_silent_frame_and_one_whose_bits_are_missing() {
        let mut mp3 = Mp3::new();
        for reservoir in [0, 300] {
            let mut samples = vec![1.0; 10];
            let (rate, layout) = mp3.decode(&frame(reservoir), 1152, &mut samples).unwrap();
            assert_eq!((rate, layout), (44_100, Layout::usual(1)));
            assert_eq!(samples, vec![0.0; 1152], "{reservoir}");
            mp3 = Mp3::new();
        }
    }

    #[test]
    fn bits_that_are_missing_later_are_an_error() {
        let (mut mp3, mut samples) = (Mp3::new(), Vec::new());
        mp3.decode(&frame(300), 1152, &mut samples).unwrap();
        mp3.decode(&frame(0), 1152, &mut samples).unwrap();
        // What is no frame makes the decoder forget the bits of the one before.
        assert!(mp3.decode(&[0; 417], 1152, &mut samples).is_err());
        let error = mp3.decode(&frame(511), 1152, &mut samples).unwrap_err();
        assert_eq!(error, "a part of a frame is missing");
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let mut samples = Vec::new();
        assert!(Mp3::new().decode(&[], 1152, &mut samples).is_err());
        assert!(Mp3::new().decode(&[0; 417], 1152, &mut samples).is_err());
    }
}
