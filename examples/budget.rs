//! What a session costs, and where it stops.
//!
//! ```text
//! cargo run --example budget
//! ```
//!
//! Runs on the emulator in this process, whose token counts are estimates. Prints, with other numbers:
//!
//! ```text
//! 1: 33 tokens in, 0 of them cached, 4 out: 0.0002 so far
//! …
//! warning: 0.0012 of 0.0020
//! …
//! the session stops: the budget of 0.002 is used up (0.0022): no more responses are asked for
//! ```

#[path = "support/local.rs"]
mod local;

use rt_client::usage::{Budget, BudgetState, Prices};
use rt_client::{ErrorKind, Session};
use rt_emulator::Script;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (_emulator, endpoint, credentials) =
        local::emulator(Script::parrot(), "?model=gpt-realtime-2.1").await?;
    // In an application they come from a file: they can be deserialized.
    let prices = Prices {
        text_in: 4.0,
        text_cached: 0.4,
        text_out: 16.0,
        audio_in: 32.0,
        audio_cached: 0.4,
        audio_out: 64.0,
        ..Prices::default()
    };
    let mut count = 0;
    let session = Session::builder(endpoint, credentials)
        .text_only()
        .prices(prices)
        .budget(Budget::new(0.002).warn_at(0.5))
        .on_usage(move |report| {
            count += 1;
            println!(
                "{count}: {} tokens in, {} of them cached, {} out: {:.4} so far",
                report.usage.input.total(),
                report.usage.cached.total(),
                report.usage.output.total(),
                report.cost.unwrap_or_default()
            );
        })
        .on_budget(|state| {
            if let BudgetState::Warning { spent, limit } = state {
                println!("warning: {spent:.4} of {limit:.4}");
            }
        })
        .connect()
        .await?;
    for _ in 0..200 {
        match session.send_text("And another question.").await?.reply().await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Budget => {
                session.close().await;
                println!("the session stops: {error}");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("the budget was not used up")
}
