//! `rt-emulator`: the emulator as a program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::task::Poll;

use clap::Parser;
use rt_emulator::{Emulator, Pacing, Script};
use tracing_subscriber::EnvFilter;

/// The Realtime API on this machine: no key, no network, no bill.
///
/// Point any client at the URL it prints. What the user says comes back, or a script is played.
///
/// Conversations are at /v1/realtime?model=MODEL, transcriptions at /v1/realtime?intent=transcription, translations at
/// /v1/realtime/translations?model=gpt-realtime-translate. Azure's addresses are /openai/v1/realtime?model=DEPLOYMENT and,
/// in the beta dialect, /openai/realtime?api-version=VERSION&deployment=DEPLOYMENT. Keys and calls are made by POST to
/// /v1/realtime/client_secrets, /v1/realtime/translations/client_secrets and /v1/realtime/calls.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// A script in YAML: what to hear, say and call. Without it, what the user says comes back.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Send audio as fast as it plays, not as fast as a server would.
    #[arg(long)]
    real_time: bool,
    /// A good key; repeat it for more. Without it, every key is good that does not begin with "bad" or "invalid".
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Encrypt: wss and https, with a certificate that is made at the start.
    #[arg(long)]
    tls: bool,
    /// Where to write the certificate that clients have to trust, as PEM.
    #[arg(long, value_name = "FILE", requires = "tls")]
    cert_out: Option<PathBuf>,
    /// A model to accept besides the known ones; repeat it for more.
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Runs until ctrl-c.
async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Emulator::builder()
        .listen(arguments.listen)
        .keep_audio(false)
        .keep_records(false);
    if let Some(path) = arguments.script {
        builder = builder.script(Script::from_file(path)?);
    }
    if arguments.real_time {
        builder = builder.pacing(Pacing::real_time());
    }
    builder = arguments
        .key
        .into_iter()
        .fold(builder, |builder, key| builder.key(key));
    builder = arguments
        .model
        .into_iter()
        .fold(builder, |builder, model| builder.model(model));
    if arguments.tls {
        builder = builder.tls();
    }
    let emulator = builder.start().await?;
    if let Some((path, pem)) = arguments.cert_out.as_ref().zip(emulator.certificate_pem()) {
        std::fs::write(path, pem)
            .map_err(|error| format!("cannot write the certificate to {}: {error}", path.display()))?;
    }
    // Polled before anyone reads the URL, so that an interrupt from then on finds its handler.
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let first = futures::poll!(interrupt.as_mut());
    announce(&emulator.url());
    match first {
        Poll::Pending => drop(interrupt.await),
        Poll::Ready(Ok(())) => {}
        // Without a handler there is nothing to wait for but the end of the process.
        Poll::Ready(Err(_)) => std::future::pending().await,
    }
    emulator.shutdown().await;
    Ok(())
}

/// Says where it listens.
#[expect(clippy::print_stdout, reason = "programs read the URL from here")]
fn announce(url: &str) {
    println!("listening on {url}");
}

/// Says what went wrong, and why.
#[expect(clippy::print_stderr, reason = "it is what the user reads")]
fn report(error: &dyn std::error::Error) {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    eprintln!("rt-emulator: {message}");
}
