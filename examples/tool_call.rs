//! A typed async function that the model calls, twice at once, with one answer to both.
//!
//! ```text
//! cargo run --example tool_call
//! ```
//!
//! Runs on the emulator in this process. Prints:
//!
//! ```text
//! > How is the weather in London and Paris?
//! weather(London)
//! weather(Paris)
//! It is foggy in London and sunny in Paris.
//! ```

#[path = "support/local.rs"]
mod local;

use anyhow::Context;
use rt_client::Session;
use rt_client::tool::Function;
use rt_emulator::{Script, Step, Turn};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    /// The city, in English.
    city: String,
}

#[derive(serde::Serialize)]
struct Weather {
    sky: &'static str,
    degrees: i32,
}

async fn weather(place: Place) -> Result<Weather, String> {
    println!("weather({})", place.city);
    match place.city.as_str() {
        "London" => Ok(Weather {
            sky: "fog",
            degrees: 12,
        }),
        "Paris" => Ok(Weather {
            sky: "sun",
            degrees: 19,
        }),
        other => Err(format!("{other} is not known")),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Script::default()
        .turn(
            Turn::default()
                .step(Step::call("weather", r#"{"city":"London"}"#))
                .step(Step::call("weather", r#"{"city":"Paris"}"#)),
        )
        .turn(Turn::default().step(Step::say("It is foggy in London and sunny in Paris.")));
    let (_emulator, endpoint, credentials) = local::emulator(script, "?model=gpt-realtime-2.1").await?;

    let weather = Function::new("weather", weather).description("The weather in a city, now.");
    let session = Session::builder(endpoint, credentials)
        .text_only()
        .function(weather)
        .on_error(|error| eprintln!("{error}"))
        .connect()
        .await?;

    let question = "How is the weather in London and Paris?";
    println!("> {question}");
    let mut reply = session.send_text(question).await?;
    let calls = reply.wait().await?.calls;
    anyhow::ensure!(calls.len() == 2, "two calls were expected");
    // The session runs the functions, sends what they return, and asks the model to go on. Without an interest in the calls,
    // `final_reply` does all of this.
    let follow_up = reply.follow_up().await.context("no follow-up")?;
    let answer = follow_up.reply().await?;
    println!("{}", answer.text);
    session.close().await;
    Ok(())
}
