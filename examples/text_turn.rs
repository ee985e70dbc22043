//! A question and an answer in writing.
//!
//! ```text
//! cargo run --example text_turn                                   (on the emulator, which repeats what it reads)
//! cargo run --example text_turn -- "Why is the sky blue?" openai  (OPENAI_API_KEY)
//! ```
//!
//! Prints the question, then the answer as it is written:
//!
//! ```text
//! > Hello! How are you?
//! Hello! How are you?
//! ```

#[path = "support/target.rs"]
mod target;
#[expect(dead_code, reason = "only how a response failed")]
#[path = "support/turns.rs"]
mod turns;

use std::io::Write as _;

use anyhow::{Context as _, bail};
use rt_lowlevel::{Connection, ConnectionEvent};
use rt_protocol::client_event::{ConversationItemCreate, ResponseCreate, SessionUpdate};
use rt_protocol::{Item, RealtimeSession, ServerEvent};
use target::Target;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let question = arguments
        .next()
        .unwrap_or_else(|| "Hello! How are you?".to_owned());
    let target = Target::named(arguments.next().as_deref().unwrap_or("local"), None).await?;

    let mut connection = Connection::builder(target.endpoint, target.credentials)
        .connect()
        .await?;
    let handle = connection.handle().clone();
    println!("> {question}");
    let session = RealtimeSession::new().text_only();
    handle.send(SessionUpdate::new(session)).await?;
    let question = Item::user_text(question);
    handle.send(ConversationItemCreate::new(question)).await?;
    handle.send(ResponseCreate::default()).await?;

    loop {
        match connection
            .recv()
            .await
            .context("the connection ended before the answer")?
        {
            ConnectionEvent::Server(ServerEvent::ResponseOutputTextDelta(event)) => {
                print!("{}", event.delta);
                std::io::stdout().flush()?;
            }
            ConnectionEvent::Server(ServerEvent::ResponseDone(done)) => match turns::failure(&done) {
                Some(why) => bail!(why),
                None => break,
            },
            // The question was said to the session that is gone.
            ConnectionEvent::Retrying(retrying) => bail!("the connection was lost: {}", retrying.cause),
            ConnectionEvent::Server(ServerEvent::Error(event)) => {
                bail!("the server: {}", event.error.message)
            }
            ConnectionEvent::Closed(closed) => bail!("the connection was lost: {:?}", closed.error),
            _ => {}
        }
    }
    println!();
    handle.close().await;
    Ok(())
}
