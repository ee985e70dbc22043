//! Sends an audio file, at the pace of speech or as fast as it goes, with a progress bar.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rt_audio::Source;
use rt_audio::pace::Pacer;
use rt_lowlevel::Handle;
use rt_protocol::client_event::{InputAudioBufferAppend, SessionUpdate};
use rt_protocol::session::Transcription;
use rt_protocol::{Pcm16, RealtimeSession};

/// What one message carries.
const CHUNK: Duration = Duration::from_millis(100);
/// Silence after the file, so that the service hears that the turn is over.
const SILENCE: Duration = Duration::from_millis(1000);

/// Sets the session up, then sends the file and a second of silence.
pub async fn send(
    handle: Handle,
    source: Source,
    transcription: Transcription,
    fast: bool,
    bar: ProgressBar,
) -> anyhow::Result<()> {
    let session = RealtimeSession::new()
        .instructions("Answer in one short sentence.")
        .transcription(transcription);
    handle.send(SessionUpdate::new(session)).await?;

    let silence = Pcm16::silence(SILENCE);
    let mut chunks = source.chunks(CHUNK);
    let pieces = chunks.by_ref().chain(silence.chunks(CHUNK).map(Ok));
    let mut pacer = Pacer::new(pieces);
    // A lead without end is no pace at all.
    if fast {
        pacer = pacer.lead(Duration::MAX);
    }
    while let Some(chunk) = pacer.next().await {
        let chunk = chunk?;
        bar.inc(u64::try_from(chunk.duration().as_millis())?);
        handle.send(InputAudioBufferAppend::new(chunk)).await?;
    }
    drop(pacer);
    let report = chunks.report();
    if !report.is_complete() {
        bar.suspend(|| eprintln!("warning: the file is damaged: {report}"));
    }
    Ok(())
}

/// A bar of the file's duration, on a terminal; nowhere else.
pub fn progress_bar(duration: Option<Duration>) -> ProgressBar {
    let millis = duration.map(|duration| (duration + SILENCE).as_millis());
    let bar = ProgressBar::new(
        millis
            .and_then(|millis| u64::try_from(millis).ok())
            .unwrap_or_default(),
    );
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} % sent");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
