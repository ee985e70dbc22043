//! The program: it says where it listens, plays a script, and ends when asked to.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that is killed when the test is over.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rt-emulator"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program with these arguments, and the line that it prints.
fn started(arguments: &[&str]) -> (Program, String) {
    let mut program = Program(command().args(arguments).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(program.0.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    (program, line)
}

/// What it answers, if this is the line that it printed.
fn health(line: &str) -> String {
    let url = line.strip_prefix("listening on ws://").unwrap().trim_end();
    let mut stream = TcpStream::connect(url.strip_suffix("/v1/realtime").unwrap()).unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn prints_its_url_serves_and_ends_on_interrupt() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/scripts/tool_call_round.yaml"
    );
    let arguments = [
        "--listen",
        "127.0.0.1:0",
        "--real-time",
        "--key",
        "k",
        "--model",
        "m",
        "--script",
        script,
    ];
    let (mut program, line) = started(&arguments);
    let answer = health(&line);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let kill = Command::new("kill")
        .args(["-INT", &program.0.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let until = Instant::now() + Duration::from_secs(10);
    let status = loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{status}");
}

#[test]
fn writes_the_certificate_that_clients_have_to_trust() {
    let file = std::env::temp_dir().join(format!("rt-emulator-{}.pem", std::process::id()));
    let file_name = file.to_str().unwrap();
    let arguments = ["--listen", "127.0.0.1:0", "--tls", "--cert-out", file_name];
    let (_program, line) = started(&arguments);
    assert!(line.starts_with("listening on wss://127.0.0.1:"), "{line}");
    let pem = std::fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn faults_of_a_script_happen() {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/scripts/bad_line.yaml"
    );
    let arguments = ["--listen", "127.0.0.1:0", "--script", script];
    let (_program, line) = started(&arguments);
    let first = health(&line);
    assert!(first.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{first}");
    assert!(
        first.contains("Retry-After: 1\r\n") && first.ends_with("Slow down.\"}}"),
        "{first}"
    );
    assert!(health(&line).starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn what_is_wrong_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let script = std::env::temp_dir().join(format!("rt-emulator-{}.yaml", std::process::id()));
    std::fs::write(&script, "turns:\n  - hear: x\n    replay: []\n").unwrap();
    let script = script.to_str().unwrap();
    for (arguments, words) in [
        (
            ["--listen", taken.as_str()],
            vec!["cannot listen on", taken.as_str(), "in use"],
        ),
        (
            ["--script", "/nowhere.yaml"],
            vec!["cannot read the script /nowhere.yaml", "No such file"],
        ),
        (
            ["--script", script],
            vec!["line 3", "unknown field `replay`", script],
        ),
        (["--listen", "here"], vec!["--listen", "here"]),
        (["--cert-out", "x.pem"], vec!["--tls"]),
    ] {
        let output = command().args(arguments).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        for word in words {
            assert!(message.contains(word), "{arguments:?}: {message}");
        }
    }
    std::fs::remove_file(script).unwrap();
}
