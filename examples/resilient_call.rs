//! A call that is cut off four times, and goes on each time as if nothing had been.
//!
//! ```text
//! cargo run --example resilient_call                                  (fixtures/audio/question.wav, twice)
//! cargo run --example resilient_call -- fixtures/audio/answer.wav
//! ```
//!
//! An audio file is spoken to the emulator through a bad line. Prints a timeline, then what the server truly heard. See
//! docs/reconnect.md.
//!
//! ```text
//!   1.459 s  ## reset in mid-sentence
//!   1.460 s  again in 115.470765ms: the connection ended without a close frame
//!   1.578 s  session 2 is open
//!   1.579 s  restored in 119.102388ms: 0 items, 1.5s of speech again, 0 lost
//!   ...
//! the server:
//!   connection 2: 0.00 s to 2.50 s of the call, sample for sample
//!   connection 4: 4.78 s to 7.28 s of the call, sample for sample
//! ```

#[path = "support/disturb.rs"]
mod disturb;
#[path = "support/timeline.rs"]
mod timeline;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rt_audio::pace::Pacer;
use rt_emulator::Emulator;
use rt_emulator::proxy::FaultProxy;
use rt_lowlevel::{Config, Connection, Credentials, Endpoint, Handle};
use rt_protocol::client_event::{InputAudioBufferAppend, SessionUpdate};
use rt_protocol::{Pcm16, RealtimeSession};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(1);
    let file = file.as_deref().unwrap_or("fixtures/audio/question.wav");
    let (speech, pause) = (rt_audio::read(file)?, Pcm16::silence(Duration::from_millis(1500)));
    let call = Pcm16::concat(&[speech.clone(), pause.clone(), speech, pause]);
    let emulator = Emulator::builder().start().await?;
    let proxy = FaultProxy::start(emulator.address()).await?;
    let url = proxy.url(&format!("{}?model=gpt-realtime-2.1", emulator.url()));
    // By default a dead line is noticed after 15 s, and 6 connects a minute are the most.
    let mut config = Config::default();
    config.retry.max_connects = 100;
    config.liveness.ping_interval = Duration::from_millis(300);
    config.liveness.ping_timeout = Duration::from_millis(900);
    let mut connection = Connection::builder(Endpoint::from_url(&url)?, Credentials::api_key("local")?)
        .config(config)
        .connect()
        .await?;
    let handle = connection.handle().clone();
    let session = RealtimeSession::new().transcription("gpt-live-transcribe");
    handle.send(SessionUpdate::new(session)).await?;

    let start = Instant::now();
    let talk = async {
        speak(&handle, &proxy, &call, start).await?;
        // What waits for the connection gets its time; then the last answer.
        while handle.stats().pending > 0 && !handle.state().borrow().is_closed() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        handle.close().await;
        anyhow::Ok(())
    };
    let timeline = async {
        while let Some(event) = connection.recv().await {
            timeline::tell(start, &event);
        }
    };
    tokio::join!(talk, timeline).0?;

    let (stats, said) = (handle.stats(), call.to_samples());
    println!("\nthe client: {stats:?}\nthe server:");
    for (connection, session) in emulator.journal().sessions() {
        for turn in session.commits() {
            let heard = Pcm16::from_le_bytes(turn.audio)?.to_samples();
            let place = said.windows(heard.len()).position(|window| window == heard);
            let from = place.context("the server heard what was never said")? as f64 / 24_000.0;
            let to = from + heard.len() as f64 / 24_000.0;
            println!("  connection {connection}: {from:.2} s to {to:.2} s of the call, sample for sample");
        }
    }
    ensure!(
        stats.accepted == stats.acknowledged + stats.superseded,
        "something was lost"
    );
    Ok(())
}

/// Speaks at the pace of speech; on the way something breaks four times, at so many percent of the call.
async fn speak(handle: &Handle, proxy: &FaultProxy, call: &Pcm16, start: Instant) -> anyhow::Result<()> {
    let mut breaks = vec![90, 80, 70, 50, 35, 15];
    let chunks: Vec<Pcm16> = call.chunks(Duration::from_millis(50)).collect();
    let count = chunks.len();
    let (mut pacer, mut sent) = (Pacer::new(chunks), 0);
    while let Some(chunk) = pacer.next().await {
        if let Some(percent) = breaks.pop_if(|percent| sent * 100 >= *percent * count) {
            println!(
                "{:7.3} s  ## {}",
                start.elapsed().as_secs_f64(),
                disturb::disturb(proxy, percent)
            );
        }
        handle.send(InputAudioBufferAppend::new(chunk)).await?;
        sent += 1;
    }
    Ok(())
}
