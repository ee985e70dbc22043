//! README's first program, run against the emulator.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use rt_client::{Credentials, Endpoint, Pcm16, Session, playback::FileSink};
use rt_emulator::{Emulator, Pacing};

use crate::agent::soon;
use crate::support::Server;

/// What is changed in the program: where it connects, and its files.
const CHANGES: [(&str, &str); 4] = [
    ("std::env::var(\"OPENAI_API_KEY\")?", "\"local\""),
    ("Endpoint::openai(\"gpt-realtime-2.1\")?", "endpoint"),
    ("\"reply.wav\"", "reply_wav"),
    ("\"question.wav\"", "question_wav"),
];

async fn program(endpoint: Endpoint, question_wav: &Path, reply_wav: &Path) -> Result<(), Box<dyn Error>> {
    let key = "local";
    let session = Session::builder(endpoint, Credentials::api_key(key)?)
        .instructions("Answer in one short sentence.")
        .transcribe("gpt-live-transcribe")
        .playback(FileSink::create(reply_wav)?)
        .on_line(|line| println!("{:?}: {}", line.speaker, line.text))
        .connect()
        .await?;
    let reply = session.next_reply().await?;
    session.send_audio(rt_audio::read(question_wav)?).await?;
    session
        .send_audio(Pcm16::silence(std::time::Duration::from_secs(1)))
        .await?;
    println!("{:?}", reply.reply().await?.status);
    session.close().await;
    Ok(())
}

/// The body of the first program, a statement's line each.
fn body(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.skip_while(|line| !line.starts_with("let key = "));
    lines.take_while(|line| *line != "}").map(str::to_owned).collect()
}

#[tokio::test]
async fn the_first_program_runs_offline() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut readme = fs::read_to_string(root.join("README.md")).unwrap();
    let program_lines = readme.split("```").nth(1).unwrap().lines().count() - 1;
    assert!(program_lines <= 25, "{program_lines} lines");
    for (here, there) in CHANGES {
        assert!(readme.contains(here), "{here}");
        readme = readme.replacen(here, there, 1);
    }
    let joined = |text: &str| body(text).concat().replace(' ', "");
    assert_eq!(
        joined(&readme),
        joined(include_str!("readme.rs")),
        "README has another program"
    );

    let server = Server::start(Emulator::builder().pacing(Pacing::instant())).await;
    let folder = std::env::temp_dir().join(format!("rt-readme-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let reply = folder.join("reply.wav");
    let question = root.join("fixtures/audio/question.wav");
    soon(program(server.endpoint(), &question, &reply)).await.unwrap();
    let spoken = rt_audio::read(&reply).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(
        spoken.duration() > std::time::Duration::from_millis(500),
        "{:?}",
        spoken.duration()
    );
}
