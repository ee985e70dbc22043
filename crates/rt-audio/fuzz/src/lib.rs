//! What every target does: decode to the end, as a file and as a pipe, to all channels and to mono.

use std::io::Cursor;
use std::time::Duration;

use rt_audio::{Frames, Limits, Options};

/// A panic that the crate catches is no finding; one that it does not is, and still ends the process.
pub fn quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Decodes the bytes and checks what comes out.
///
/// # Panics
/// If something is wrong with it.
pub fn decode(data: &[u8]) {
    let limits = Limits::default().max_duration(Duration::from_secs(20)).max_buffered(1 << 20);
    let from_file = Frames::from_bytes(data.to_vec(), limits.clone());
    let from_pipe = Frames::from_stream(Cursor::new(data.to_vec()), limits.clone());
    for mut frames in [from_file, from_pipe].into_iter().flatten() {
        while let Ok(Some(samples)) = frames.next_block() {
            let count = samples.len();
            assert!((1..=1 << 22).contains(&count), "a block of {count}");
            assert!(count.is_multiple_of(frames.channels()), "no whole frames");
        }
        assert!(frames.next_block().is_ok_and(|block| block.is_none()), "it goes on after the end");
        assert!(frames.report().decoded <= Duration::from_secs(21), "beyond the limit");
    }
    // Mono is not only mixed from channels: Vorbis is decoded to it.
    let source = Options::new().limits(limits).from_bytes(data.to_vec());
    if let Ok(Ok((audio, report))) = source.map(rt_audio::Source::read_to_end) {
        assert!(audio.duration() <= Duration::from_secs(21), "mono beyond the limit");
        assert!(report.decoded <= Duration::from_secs(21), "beyond the limit");
    }
}
