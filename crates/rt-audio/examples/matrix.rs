//! Compares what this crate decodes with what ffmpeg does; `tests/matrix/run.sh` makes the files and runs it.
//!
//! Prints a line for each file, and ends with a failure if one of them is not as it should be:
//!
//! ```text
//! wav-s16le-44k1-stereo.wav      WAV, PCM, 44100 Hz, 2 channels, 2.0 s    exact
//! mp3-320-stereo.mp3             MP3, 48000 Hz, 2 channels, 2.0 s         132.5 dB
//! wav-gsm.wav                    UnsupportedCodec: unsupported codec: GSM 06.10; convert it to ...
//! 160 of 160 files as they should be
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use rt_audio::{Error, Frames, Limits, g711};

/// The least ratio of signal to difference, in decibels.
const LEAST_SNR: f64 = 90.0;

/// A file decoded.
struct Decoded {
    info: String,
    samples: Vec<f32>,
    problem: Option<String>,
}

fn decode(mut frames: Frames) -> Result<Decoded, Error> {
    let mut samples = Vec::new();
    while let Some(block) = frames.next_block()? {
        samples.extend_from_slice(block);
    }
    Ok(Decoded {
        info: frames.info().to_string(),
        samples,
        problem: frames.report().problem,
    })
}

/// The ratio of the energies of the signal and of the difference.
fn snr(expected: &[f32], got: &[f32]) -> f64 {
    let (mut signal, mut noise) = (0.0, 1e-30);
    for (&expected, &got) in expected.iter().zip(got) {
        signal += f64::from(expected).powi(2);
        noise += (f64::from(expected) - f64::from(got)).powi(2);
    }
    10.0 * (signal / noise).log10()
}

/// Whether the samples are as expected, and how.
fn judge(expected: &str, reference: &[f32], got: &Decoded) -> (bool, String) {
    if let Some(problem) = &got.problem {
        return (false, format!("not whole: {problem}"));
    }
    let (told, came) = (reference.len(), got.samples.len());
    let same = reference
        .iter()
        .zip(&got.samples)
        .all(|(a, b)| a.to_bits() == b.to_bits());
    match expected {
        "exact" if same && told == came => (true, "exact".to_owned()),
        // The header tells the length, and ffmpeg plays what fills up the last block as well.
        "prefix" if same && came <= told && told - came < 8192 => {
            (true, format!("exact, {} filling samples dropped", told - came))
        }
        _ => {
            let snr = snr(reference, &got.samples);
            let text = format!("{snr:.1} dB, {came} samples, ffmpeg has {told}");
            // libmad leaves the last frames out.
            let lengths = match expected {
                "snr" => told == came,
                _ => expected == "libmad" && told.abs_diff(came) <= 2304,
            };
            (lengths && snr >= LEAST_SNR, text)
        }
    }
}

/// Decodes a file by its path and as a stream, and compares.
fn check(dir: &Path, name: &str, expected: &str) -> (bool, String) {
    let path = dir.join(name);
    let limits = Limits::default();
    let decoded = match Frames::open(&path, limits.clone()).and_then(decode) {
        Ok(decoded) => decoded,
        Err(error) => {
            let kind = format!("{:?}", error.kind());
            return (kind == expected, format!("{kind}: {error}"));
        }
    };
    let reference = fs::read(dir.join(format!("{name}.f32"))).unwrap_or_default();
    let reference: Vec<f32> = reference
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let (ok, text) = judge(expected, &reference, &decoded);
    let info = &decoded.info;
    // From a pipe the same samples must come, and the padding at the end of Matroska.
    let piped = fs::File::open(&path)
        .map(|file| Frames::from_stream(Pipe(file), limits).and_then(decode))
        .map(|piped| {
            piped.map(|piped| {
                let padded = info.starts_with("Matroska") && piped.samples.starts_with(&decoded.samples);
                padded || piped.samples == decoded.samples
            })
        });
    match piped {
        Ok(Ok(true)) => (ok, format!("{info:<52} {text}")),
        Ok(Ok(false)) => (false, format!("{info:<52} {text}; other samples from a pipe")),
        Ok(Err(error)) => (false, format!("{info:<52} {text}; from a pipe: {error}")),
        Err(error) => (false, error.to_string()),
    }
}

/// A file that is read like a pipe.
struct Pipe(fs::File);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(4096);
        self.0.read(&mut buffer[..most])
    }
}

/// Whether a cut file gives as much as ffmpeg finds in it: all but one packet of stereo, which ffmpeg makes up
/// of what there is.
fn check_cut(dir: &Path, name: &str, told: usize) -> (bool, String) {
    const PACKET: usize = 2 * 4608;
    let decoded = Frames::open(dir.join(name), Limits::default()).and_then(decode);
    let came = decoded.as_ref().map_or(0, |decoded| decoded.samples.len());
    let problem = match decoded {
        Ok(decoded) => decoded.problem.unwrap_or_else(|| "nothing is wrong".to_owned()),
        Err(error) => error.to_string(),
    };
    (
        came + PACKET > told,
        format!("{came} samples, ffmpeg has {told}; {problem}"),
    )
}

/// Compares all codes and all samples of G.711 with the files that ffmpeg made.
fn check_g711(dir: &Path) -> Vec<(String, bool)> {
    type Law = (&'static str, fn(u8) -> i16, fn(i16) -> u8);
    let laws: [Law; 2] = [
        ("alaw", g711::a_law_to_linear, g711::linear_to_a_law),
        ("mulaw", g711::mu_law_to_linear, g711::linear_to_mu_law),
    ];
    let read = |name: String| fs::read(dir.join(name)).unwrap_or_default();
    laws.iter()
        .flat_map(|(law, decode, encode)| {
            let samples: Vec<u8> = (0..=255).flat_map(|code| decode(code).to_le_bytes()).collect();
            let codes: Vec<u8> = (i16::MIN..=i16::MAX).map(encode).collect();
            [
                (
                    format!("256 codes of {law}"),
                    samples == read(format!("codes.{law}")),
                ),
                (
                    format!("65,536 samples in {law}"),
                    codes == read(format!("samples.{law}")),
                ),
            ]
        })
        .collect()
}

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1) else {
        eprintln!("the directory that tests/matrix/run.sh made is missing");
        return ExitCode::FAILURE;
    };
    let dir = Path::new(&dir);
    let list = fs::read_to_string(dir.join("list")).unwrap_or_default();
    let (mut good, mut all) = (0, 0);
    let mut tell = |name: &str, ok: bool, text: &str| {
        println!("{}{name:<30} {text}", if ok { "" } else { "WRONG " });
        (good, all) = (good + u32::from(ok), all + 1);
    };
    for line in list.lines() {
        let mut columns = line.split('\t');
        let (name, expected) = (
            columns.next().unwrap_or_default(),
            columns.next().unwrap_or_default(),
        );
        let (ok, text) = check(dir, name, expected);
        tell(name, ok, &text);
    }
    let cuts = fs::read_to_string(dir.join("cuts")).unwrap_or_default();
    for line in cuts.lines() {
        let (name, told) = line.split_once('\t').unwrap_or_default();
        let (ok, text) = check_cut(dir, name, told.parse().unwrap_or(usize::MAX));
        tell(name, ok, &text);
    }
    for (name, ok) in check_g711(dir) {
        tell("G.711", ok, &name);
    }
    println!("{good} of {all} as they should be");
    if good == all && all > 80 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
