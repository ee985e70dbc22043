//! A session that is listened to by one value with a method for each kind of event.
//!
//! ```text
//! cargo run --example event_handler
//! ```
//!
//! Runs on the emulator in this process, which gives back what it reads. Prints:
//!
//! ```text
//! connection: Connected
//! User: Hello!
//! Assistant: Hello!
//! User: And goodbye.
//! Assistant: And goodbye.
//! 2 replies, 5 pieces of text
//! ```

#[path = "support/local.rs"]
mod local;

use std::sync::{Arc, Mutex};

use rt_client::lowlevel::State;
use rt_client::{Error, EventHandler, Line, Session, Transcript, Turn, async_trait};
use rt_emulator::Script;

/// What was counted.
#[derive(Debug, Default)]
struct Counts {
    replies: u32,
    pieces: u32,
}

/// Prints and counts, and says goodbye after the first answer.
struct Listener {
    counts: Arc<Mutex<Counts>>,
    done: Option<tokio::sync::oneshot::Sender<()>>,
}

#[async_trait]
impl EventHandler for Listener {
    async fn on_state(&mut self, _session: &Session, state: State) {
        if state == State::Connected {
            println!("connection: {state:?}");
        }
    }

    async fn on_transcript(&mut self, _session: &Session, transcript: Transcript) {
        if let (false, Ok(mut counts)) = (transcript.is_final, self.counts.lock()) {
            counts.pieces += 1;
        }
    }

    async fn on_line(&mut self, _session: &Session, line: Line) {
        println!("{:?}: {}", line.speaker, line.text);
    }

    async fn on_turn(&mut self, session: &Session, turn: Turn) {
        if !matches!(turn, Turn::ReplyEnded { .. }) {
            return;
        }
        let replies = self.counts.lock().map_or(0, |mut counts| {
            counts.replies += 1;
            counts.replies
        });
        if replies == 1 {
            // Sent and not waited for: the reply comes to this handler too.
            if let Err(error) = session.send_text("And goodbye.").await {
                self.on_error(session, error).await;
            }
        } else if let Some(done) = self.done.take() {
            let _ = done.send(());
        }
    }

    async fn on_error(&mut self, _session: &Session, error: Error) {
        eprintln!("{error}");
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (_emulator, endpoint, credentials) =
        local::emulator(Script::parrot(), "?model=gpt-realtime-2.1").await?;
    let counts = Arc::new(Mutex::new(Counts::default()));
    let (done, over) = tokio::sync::oneshot::channel();
    let listener = Listener {
        counts: counts.clone(),
        done: Some(done),
    };
    let session = Session::builder(endpoint, credentials)
        .text_only()
        .handler(listener)
        .connect()
        .await?;
    session.send_text("Hello!").await?;
    over.await?;
    session.close().await;
    if let Ok(counts) = counts.lock() {
        println!("{} replies, {} pieces of text", counts.replies, counts.pieces);
    }
    Ok(())
}
