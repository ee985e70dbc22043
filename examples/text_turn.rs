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

use std::io::Write as _;

use anyhow::{Context as _, bail};
use rt_lowlevel::{Connection, ConnectionEvent};
use rt_protocol::client_event::{ConversationItemCreate, ResponseCreate, SessionUpdate};
use rt_protocol::session::Modality;
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
    let session = RealtimeSession {
        output_modalities: vec![Modality::Text].into(),
        ..Default::default()
    };
    handle
        .send(
            SessionUpdate {
                session: session.into(),
                ..Default::default()
            }
            .into(),
        )
        .await?;
    let item = Item::user_text(question.as_str());
    handle
        .send(
            ConversationItemCreate {
                item,
                ..Default::default()
            }
            .into(),
        )
        .await?;
    handle.send(ResponseCreate::default().into()).await?;

    println!("> {question}");
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
            ConnectionEvent::Server(ServerEvent::ResponseDone(_)) => break,
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
