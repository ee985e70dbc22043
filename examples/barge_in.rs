//! The user interrupts: the model stops at the word that was heard, here, in the history and on the server.
//!
//! ```text
//! cargo run --example barge_in
//! ```
//!
//! Runs on the emulator in this process; a task takes 20 ms of audio every 20 ms, as a loudspeaker does. Prints, with
//! numbers that differ a little:
//!
//! ```text
//! the model speaks
//! the user speaks
//! interrupted after 1.7s: "One two three"
//! in the history: "One two three"
//! ```

#[path = "support/local.rs"]
mod local;

use std::time::Duration;

use anyhow::Context as _;
use rt_client::playback::ChannelSink;
use rt_client::{Event, Session, Turn};
use rt_emulator::{Script, Step, Turn as Scripted};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let counting = Step::Say {
        text: "One two three four five six seven eight nine ten eleven twelve.".into(),
        lasting: Some(Duration::from_secs(6)),
    };
    let script = Script::default().turn(Scripted::default().step(counting));
    let (_emulator, endpoint, credentials) = local::emulator(script, "?model=gpt-realtime-2.1").await?;

    let (sink, mut speaker) = ChannelSink::new();
    let loudspeaker = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if speaker.next().await.is_none() {
                break;
            }
        }
    });
    let session = Session::builder(endpoint, credentials)
        .playback(sink)
        .connect()
        .await?;
    let mut events = session.events();
    session.send_text("Count to twelve.").await?;

    let mut item = None;
    while let Some(event) = events.next().await {
        match event {
            Event::Turn(Turn::ReplyStarted { .. }) => {
                println!("the model speaks");
                let user = session.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(1500)).await;
                    let question = rt_audio::read("fixtures/audio/question.wav")?;
                    user.send_audio(question).await?;
                    anyhow::Ok(())
                });
            }
            Event::Turn(Turn::UserStarted { .. }) => println!("the user speaks"),
            Event::Turn(Turn::Interrupted { item_id, heard, text }) => {
                println!("interrupted after {:.1}s: {:?}", heard.as_secs_f64(), &*text);
                item = item_id;
                break;
            }
            Event::Error(error) => anyhow::bail!(error),
            _ => {}
        }
    }
    let item = item.context("nothing was interrupted")?;
    let history = session.history().await?;
    let cut = history.iter().find(|known| known.id == item);
    println!("in the history: {:?}", &*cut.context("the item is gone")?.text);
    session.close().await;
    drop(session);
    loudspeaker.abort();
    Ok(())
}
