//! The low-pass filter behind every conversion: a sinc under a Kaiser window.

use std::f64::consts::PI;

/// How far what lies beyond the stop band's edge is pushed down, in dB.
const ATTENUATION: f64 = 152.0;

/// A filter over continuous time. The unit of time is a sample of the rate whose Nyquist frequency is the
/// edge of the stop band, so that frequencies run from 0 to 0.5.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    /// The edge of the pass band.
    pass: f64,
    /// Where the response is half: between the edges of pass band and stop band.
    middle: f64,
    /// The filter is zero farther than this from its centre.
    half: f64,
    /// The shape of the window.
    shape: f64,
    /// The scale that makes its middle 1.
    scale: f64,
}

impl Kernel {
    /// A filter that passes up to `pass` and stops from `stop` on, in cycles per unit.
    pub(super) fn new(pass: f64, stop: f64) -> Self {
        // Kaiser's estimate of the length.
        let length = (ATTENUATION - 7.95) / (14.36 * (stop - pass)) + 1.0;
        let shape = 0.1102 * (ATTENUATION - 8.7);
        Self {
            pass,
            middle: f64::midpoint(pass, stop),
            half: length / 2.0,
            shape,
            scale: 1.0 / bessel(shape),
        }
    }

    /// Units from the centre to the end.
    pub(super) fn half(&self) -> f64 {
        self.half
    }

    /// The value at a time. The integral is 1 up to the accuracy of the design.
    pub(super) fn at(&self, time: f64) -> f64 {
        let place = time / self.half;
        if place.abs() >= 1.0 {
            return 0.0;
        }
        let window = self.window(place);
        let angle = 2.0 * PI * self.middle * time;
        let sinc = if angle.abs() < 1e-9 {
            1.0
        } else {
            angle.sin() / angle
        };
        2.0 * self.middle * sinc * window
    }

    /// The window at a place from -1 to 1.
    pub(super) fn window(&self, place: f64) -> f64 {
        bessel(self.shape * (1.0 - place * place).max(0.0).sqrt()) * self.scale
    }

    /// The response at `count` frequencies, `step` cycles per unit apart, from 0 on, all at most 0.5.
    ///
    /// In the pass band it is 1 as far as a float can tell, and calculating that would be most of the work of
    /// setting a conversion up.
    pub(super) fn response(&self, step: f64, count: usize) -> Vec<f64> {
        // Two taps per unit: the images of the response then lie far beyond 0.5.
        let mut taps = Vec::new();
        while (taps.len() as f64) < 2.0 * self.half {
            taps.push(self.at(taps.len() as f64 / 2.0));
        }
        let gain = |angle: f64| {
            // cos(n * angle) by recurrence: a call of the library for each would dominate.
            let turn = 2.0 * angle.cos();
            let (mut before, mut cosine) = (angle.cos(), 1.0);
            taps.iter().enumerate().fold(0.0, |sum, (n, tap)| {
                let sides = if n == 0 { 1.0 } else { 2.0 };
                let sum = sum + sides * tap * cosine;
                (before, cosine) = (cosine, turn * cosine - before);
                sum
            })
        };
        let unity = gain(0.0);
        let flat = |n: usize| step * n as f64 <= self.pass;
        (0..count)
            .map(|n| {
                if flat(n) {
                    1.0
                } else {
                    gain(PI * step * n as f64) / unity
                }
            })
            .collect()
    }
}

/// The modified Bessel function of the first kind and order zero.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_has_its_known_values() {
        for (x, value) in [
            (0.0, 1.0),
            (1.0, 1.266_065_877_752_008),
            (10.0, 2_815.716_628_466_254),
        ] {
            assert!((bessel(x) / value - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn passes_and_stops_where_it_should() {
        let kernel = Kernel::new(0.45, 0.5);
        let response = kernel.response(0.001, 501);
        assert!(response[..=450].iter().all(|gain| *gain == 1.0));
        // What is calculated goes on from there.
        let near = kernel.response(0.4501, 2);
        assert!((near[1] - 1.0).abs() < 1e-7, "{near:?}");
        assert!(response[500].abs() < 1e-7);
        assert!((response[475] - 0.5).abs() < 0.01);
        assert!(kernel.at(kernel.half()) == 0.0 && kernel.at(-1.3) == kernel.at(1.3));
    }
}
