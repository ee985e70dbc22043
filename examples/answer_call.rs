//! A telephone call comes in: the webhook is checked, the call taken, its session greeted through, and hung up.
//!
//! ```text
//! cargo run --example answer_call
//! ```
//!
//! Runs on the emulator in this process, which rings and plays the service's part; the webhook is signed as the service would. Prints:
//!
//! ```text
//! [forged webhook] refused: the webhook was refused: no signature is of this secret and this body: check the secret, and that the body is passed as it came
//! [webhook] a call from sip:+14155550123@example.com
//! [accepted]
//! Assistant: Hello, who is calling?
//! [hung up] the session of the call is closed
//! [hung up twice] NotFound
//! ```

#[path = "support/local.rs"]
mod local;

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rt_client::Session;
use rt_client::lowlevel::http::HttpClient;
use rt_client::lowlevel::webhook::WebhookSecret;
use rt_client::lowlevel::{ErrorKind, State};
use rt_client::protocol::RealtimeSession;
use rt_client::protocol::http::{CallAccept, Webhook};
use rt_emulator::{Script, Step, Turn};

/// What a web server hands over: the three headers of the signature, and the body as it came.
struct Request {
    id: String,
    timestamp: String,
    signature: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        match name {
            "webhook-id" => Some(&self.id),
            "webhook-timestamp" => Some(&self.timestamp),
            "webhook-signature" => Some(&self.signature),
            _ => None,
        }
    }
}

fn webhook(call_id: &str, secret: &WebhookSecret) -> anyhow::Result<Request> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let headers = serde_json::json!([{"name": "From", "value": "sip:+14155550123@example.com"}]);
    let body = serde_json::json!({
        "id": "evt_1", "object": "event", "created_at": seconds, "type": "realtime.call.incoming",
        "data": {"call_id": call_id, "sip_headers": headers},
    });
    let body = body.to_string().into_bytes();
    Ok(Request {
        id: "wh_1".to_owned(),
        timestamp: seconds.to_string(),
        signature: secret.sign("wh_1", seconds, &body),
        body,
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Script::default().turn(Turn::default().step(Step::say("Hello, who is calling?")));
    let (emulator, endpoint, credentials) = local::emulator(script, "").await?;
    let secret = WebhookSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    let client = HttpClient::new(endpoint.clone(), credentials.clone())?;
    let mut forged = webhook("rtc_forged", &secret)?;
    forged.body.push(b' ');
    match secret.verify(&forged.body, |name| forged.header(name), SystemTime::now()) {
        Err(error) if error.kind() == ErrorKind::InvalidSignature => {
            println!("[forged webhook] refused: {error}");
        }
        other => anyhow::bail!("this should have been refused: {other:?}"),
    }

    let request = webhook(&emulator.ring(), &secret)?;
    let incoming = secret.verify(&request.body, |name| request.header(name), SystemTime::now())?;
    let Webhook::RealtimeCallIncoming(call) = incoming else {
        anyhow::bail!("a webhook about something else");
    };
    let from = call.data.header("From").unwrap_or("somebody");
    println!("[webhook] a call from {from}");
    let call_id = call.data.call_id;

    let settings = RealtimeSession::new().model("gpt-realtime-2.1");
    client
        .accept_call(
            &call_id,
            &CallAccept::from(settings.instructions("Ask who it is.")),
        )
        .await?;
    println!("[accepted]");
    let (lines, mut said) = tokio::sync::mpsc::unbounded_channel();
    let session = Session::builder(endpoint, credentials)
        .call(&call_id)?
        .on_line(move |line| drop(lines.send(line)))
        .connect()
        .await?;
    session.respond().await?.reply().await?;
    let line = said.recv().await.context("the session ended")?;
    println!("{:?}: {}", line.speaker, line.text);

    client.hang_up_call(&call_id).await?;
    let mut state = session.state();
    state.wait_for(|state| *state == State::Closed).await?;
    println!("[hung up] the session of the call is closed");
    let error = client.hang_up_call(&call_id).await.err();
    println!(
        "[hung up twice] {:?}",
        error.context("there is no call any more")?.kind()
    );
    session.close().await;
    Ok(())
}
