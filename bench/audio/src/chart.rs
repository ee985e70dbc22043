//! Line charts as SVG.

use std::fmt::Write as _;

/// A line: its name, its colour, and its points.
pub struct Line {
    /// The name in the legend.
    pub name: String,
    /// A colour of SVG.
    pub colour: &'static str,
    /// x and y.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
pub struct Chart {
    /// Above everything.
    pub title: &'static str,
    /// Below and beside the axes.
    pub labels: (&'static str, &'static str),
    /// From where to where, and the distance of the lines of the grid.
    pub x: (f64, f64, f64),
    /// As `x`.
    pub y: (f64, f64, f64),
    /// What is drawn.
    pub lines: Vec<Line>,
}

impl Chart {
    /// The chart as SVG.
    pub fn svg(&self) -> String {
        let (left, top, width, height) = (70.0, 40.0, 620.0, 320.0);
        let x = |value: f64| left + (value - self.x.0) / (self.x.1 - self.x.0) * width;
        let y = |value: f64| {
            let value = value.clamp(self.y.0.min(self.y.1), self.y.0.max(self.y.1));
            top + (self.y.1 - value) / (self.y.1 - self.y.0) * height
        };
        let mut svg = String::from(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 440\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"720\" height=\"440\" fill=\"white\"/>\n",
        );
        let mut put = |line: String| writeln!(svg, "{line}").expect("writing to a string");
        put(format!("<text x=\"{left}\" y=\"22\" font-size=\"14\">{}</text>", self.title));
        for value in steps(self.x) {
            let at = x(value);
            put(format!("<path d=\"M{at:.1} {top}v{height}\" stroke=\"#ddd\"/>"));
            put(format!("<text x=\"{at:.1}\" y=\"376\" text-anchor=\"middle\">{value}</text>"));
        }
        for value in steps(self.y) {
            let at = y(value);
            put(format!("<path d=\"M{left} {at:.1}h{width}\" stroke=\"#ddd\"/>"));
            put(format!("<text x=\"62\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>", at + 4.0));
        }
        put(format!("<text x=\"380\" y=\"396\" text-anchor=\"middle\">{}</text>", self.labels.0));
        put(format!(
            "<text transform=\"translate(18 200) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            self.labels.1
        ));
        for (n, line) in self.lines.iter().enumerate() {
            let points: Vec<String> =
                line.points.iter().map(|&(a, b)| format!("{:.1},{:.1}", x(a), y(b))).collect();
            put(format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>",
                points.join(" "),
                line.colour
            ));
            let at = 80.0 + 150.0 * n as f64;
            put(format!("<path d=\"M{at} 420h24\" stroke=\"{}\" stroke-width=\"3\"/>", line.colour));
            put(format!("<text x=\"{}\" y=\"424\">{}</text>", at + 30.0, line.name));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The lines of a grid.
fn steps((from, to, step): (f64, f64, f64)) -> impl Iterator<Item = f64> {
    let count = ((to - from) / step).round() as i32;
    (0..=count).map(move |n| from + step * f64::from(n))
}
