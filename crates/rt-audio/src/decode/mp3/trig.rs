//! Trigonometry when the crate is compiled, so that no decoder has to begin with it.

/// The ratio of a circle's circumference to its diameter.
pub(super) const PI: f64 = std::f64::consts::PI;

/// The cosine of an angle from 0 to pi.
pub(super) const fn cosine(angle: f64) -> f64 {
    let (x, sign) = if angle > PI / 2.0 {
        (PI - angle, -1.0)
    } else {
        (angle, 1.0)
    };
    let (mut term, mut sum, mut n) = (1.0, 0.0, 0.0);
    while n < 24.0 {
        sum += term;
        term *= -x * x / ((n + 1.0) * (n + 2.0));
        n += 2.0;
    }
    sum * sign
}

/// The sine of an angle from 0 to pi.
pub(super) const fn sine(angle: f64) -> f64 {
    cosine(if angle > PI / 2.0 {
        angle - PI / 2.0
    } else {
        PI / 2.0 - angle
    })
}

/// The square root of a number from 1 to 4.
pub(super) const fn square_root(x: f64) -> f64 {
    let (mut root, mut step) = (1.5, 0);
    while step < 10 {
        root = (root + x / root) / 2.0;
        step += 1;
    }
    root
}

/// 1 / (2 cos(angle)), for an angle below pi / 2.
#[expect(clippy::cast_possible_truncation, reason = "32-bit floats are wanted")]
pub(super) const fn half_secant(angle: f64) -> f32 {
    (0.5 / cosine(angle)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_exact_as_the_library() {
        for n in 0..=1000 {
            let x = PI * f64::from(n) / 1000.0;
            assert!((cosine(x) - x.cos()).abs() < 1e-14, "{x}");
            assert!((sine(x) - x.sin()).abs() < 1e-14, "{x}");
            assert!((square_root(x.max(1.0)) - x.max(1.0).sqrt()).abs() < 1e-15);
        }
    }
}
