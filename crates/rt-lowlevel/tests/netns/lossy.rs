//! F38, F39 and F48 over real TCP on a line that loses and delays packets (`relay.py`).
//!
//! Every session talks without a pause and is answered with what it said, so there is audio both ways. Half of the
//! sessions have the default deadlines, half the short ones. G.711, as telephones have it, fits on such a line whatever the
//! kernel's congestion control makes of the losses; PCM16 is six times as much, and may not.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rt_emulator::{Emulator, Pacing};
use rt_lowlevel::config::Liveness;
use rt_lowlevel::fate::Fate;
use rt_lowlevel::protocol::client_event::{
    InputAudioBufferAppend, InputAudioBufferCommit, ResponseCreate, SessionUpdate,
};
use rt_lowlevel::protocol::session::AudioFormat;
use rt_lowlevel::protocol::{AudioBytes, RealtimeSession, ServerEvent};
use rt_lowlevel::restore::SettledOutcome;
use rt_lowlevel::{Config, Connection, ConnectionEvent, Credentials, Endpoint, ErrorKind, Handle};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

/// The audio in one message.
const PIECE: Duration = Duration::from_millis(20);
/// Messages in a turn.
const PIECES: usize = 150;
const TURN: Duration = Duration::from_secs(3);
/// How long something that must come may take on such a line.
const PATIENCE: Duration = Duration::from_secs(90);
/// What comes last of what the server prints when it starts.
const READY: &str = "ready";

/// What `.ci/netns` says of the line.
struct Line {
    /// The namespace of the server.
    far: String,
    /// The process of the relay.
    relay: String,
    /// How long the sessions talk before the line dies.
    talk: Duration,
    sessions: usize,
    audio: Audio,
}

/// In which format they talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audio {
    Pcm16,
    G711,
}

impl Audio {
    /// Bytes in a message.
    fn piece(self) -> usize {
        match self {
            Self::Pcm16 => 960,
            Self::G711 => 160,
        }
    }

    fn format(self) -> AudioFormat {
        match self {
            Self::Pcm16 => AudioFormat::pcm(),
            Self::G711 => AudioFormat::pcmu(),
        }
    }

    /// A turn: bytes that tell its number, and samples that no other place has.
    fn turn(self, turn: usize) -> Vec<u8> {
        let sample = |n: usize| {
            let mixed = (n + turn * 1_000_003).wrapping_mul(0x9e37_79b9);
            mixed.to_le_bytes()[2]
        };
        let mut bytes: Vec<u8> = (0..PIECES * self.piece()).map(sample).collect();
        bytes[..8].copy_from_slice(&(turn as u64).to_le_bytes());
        bytes
    }
}

/// Runs the server, if that is what this process is for; then it does not return.
pub(crate) async fn serve_if_asked() {
    let Ok(address) = std::env::var("RT_LOSSY_SERVER") else {
        return;
    };
    let pacing = Pacing {
        audio_chunk: PIECE,
        // An answer ends before the next turn does.
        audio_speed: 1.5,
        ..Pacing::server()
    };
    let builder = Emulator::builder().pacing(pacing).keep_records(false).tls();
    let emulator = builder.listen(address.parse().unwrap()).start().await.unwrap();
    let root = emulator.certificate_pem().unwrap().trim_end();
    println!("{}?model=gpt-realtime\n{root}\n{READY}", emulator.url());
    std::future::pending::<()>().await;
}

/// The line, if there is one.
fn line() -> Option<Line> {
    let text = std::env::var("RT_LOSSY").ok()?;
    let mut parts = text.split(',').map(str::to_owned);
    let mut part = || parts.next().expect("far,relay,seconds,sessions,audio");
    Some(Line {
        far: part(),
        relay: part(),
        talk: Duration::from_secs(part().parse().unwrap()),
        sessions: part().parse().unwrap(),
        audio: match part().as_str() {
            "pcm16" => Audio::Pcm16,
            "g711" => Audio::G711,
            other => panic!("pcm16 or g711, not {other}"),
        },
    })
}

/// The server in the other namespace: its address, and the root that vouches for it.
async fn server(far: &str) -> (Child, String, String) {
    let mut child = Command::new("ip")
        .args(["netns", "exec", far])
        .arg(std::env::current_exe().unwrap())
        .env("RT_LOSSY_SERVER", "198.18.0.2:0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().expect("the server starts");
    let mut root = String::new();
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| line != READY) {
        root.push_str(&line);
        root.push('\n');
    }
    (child, url, root)
}

/// What the sessions are to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Talk,
    /// Half of them only listen from now on.
    Listen,
    Over,
}

/// What a session went through.
#[derive(Default)]
struct Account {
    turns: usize,
    /// Answers that came whole.
    answers: usize,
    interrupted: usize,
    /// When a turn was committed, and how long the answer to that took.
    round_trips: Vec<(Instant, Duration)>,
    /// When and why it was lost.
    losses: Vec<(Instant, ErrorKind)>,
    restored: usize,
}

pub(crate) async fn f48_loss_and_jitter_are_not_dead_f38_f39_a_dead_line_is_noticed() {
    let Some(line) = line() else {
        println!("skipped: needs root, network namespaces and TUN devices (.ci/netns)");
        return;
    };
    let (_server, url, root) = server(&line.far).await;
    let profiles = [("default", Liveness::default()), ("fast", Liveness::fast())];
    let (phase, phases) = watch::channel(Phase::Talk);
    let mut sessions = JoinSet::new();
    for number in 0..line.sessions {
        let profile = number % 2;
        let mut config = Config::default();
        config.liveness = profiles[profile].1.clone();
        let endpoint = Endpoint::from_url(&url).unwrap();
        let builder = Connection::builder(endpoint, Credentials::api_key("local").unwrap());
        let builder = builder.config(config).root_certificates(root.as_bytes()).unwrap();
        let connecting = timeout(PATIENCE, builder.connect());
        let connection = connecting.await.expect("a connect in time").unwrap();
        let call = call(connection, number, line.audio, phases.clone());
        sessions.spawn(async move { (profile, call.await) });
    }
    sleep(line.talk).await;
    phase.send_replace(Phase::Listen);
    sleep(2 * TURN).await;
    // The line dies, for longer than the slowest deadline.
    let died = Instant::now();
    toggle_hole(&line.relay).await;
    sleep(Duration::from_secs(20)).await;
    toggle_hole(&line.relay).await;
    // Time to come back: a dial under way fails late, and the next one waits for its turn.
    sleep(Duration::from_secs(20)).await;
    phase.send_replace(Phase::Over);
    let mut accounts: Vec<Vec<Account>> = vec![Vec::new(), Vec::new()];
    while let Some(session) = sessions.join_next().await {
        let (profile, account) = session.unwrap();
        accounts[profile].push(account);
    }
    let mut false_deaths = 0;
    for ((name, liveness), accounts) in profiles.iter().zip(&accounts) {
        false_deaths += report(name, accounts, died, line.talk);
        let noticed = noticed(accounts, died);
        assert_eq!(noticed.len(), accounts.len(), "{name}: somebody did not notice");
        // The goals are 15 s and 3.2 s; a busy machine gets some more.
        let limit = liveness.ping_interval + liveness.ping_timeout + Duration::from_secs(2);
        assert!(
            noticed.last().is_none_or(|last| *last < limit),
            "{name}: {noticed:?}"
        );
        assert!(
            accounts.iter().all(|account| account.restored > 0),
            "{name}: not all are back"
        );
    }
    assert_eq!(false_deaths, 0, "taken for dead");
}

/// How long each took to notice that the line had died.
fn noticed(accounts: &[Account], died: Instant) -> Vec<Duration> {
    let after = |account: &Account| {
        let mut losses = account.losses.iter().map(|(when, _)| *when);
        losses.find(|when| *when >= died).map(|when| when - died)
    };
    let mut noticed: Vec<Duration> = accounts.iter().filter_map(after).collect();
    noticed.sort_unstable();
    noticed
}

/// Prints the figures; how many connections were lost while the line was alive.
fn report(name: &str, accounts: &[Account], died: Instant, talk: Duration) -> usize {
    let sum = |of: fn(&Account) -> usize| accounts.iter().map(of).sum::<usize>();
    let mut trips: Vec<Duration> = accounts
        .iter()
        .flat_map(|account| &account.round_trips)
        .filter(|(when, took)| *when + *took < died)
        .map(|(_, took)| *took)
        .collect();
    trips.sort_unstable();
    let at = |share: usize| {
        let place = trips.len().saturating_sub(1) * share / 100;
        trips.get(place).map_or(0, Duration::as_millis)
    };
    let early: Vec<ErrorKind> = accounts
        .iter()
        .flat_map(|account| &account.losses)
        .filter(|(when, _)| *when < died)
        .map(|(_, kind)| *kind)
        .collect();
    let noticed = noticed(accounts, died);
    println!(
        "{name}: {} sessions of {} s, {} turns, {} answers whole; from a commit to its answer p50 {} ms, p99 {} ms, \
         longest {} ms; taken for dead: {} {early:?}",
        accounts.len(),
        talk.as_secs(),
        sum(|account| account.turns),
        sum(|account| account.answers),
        at(50),
        at(99),
        at(100),
        early.len(),
    );
    println!(
        "{name}: the dead line noticed after {:.2} to {:.2} s; {} answers cut, {} sessions restored",
        noticed.first().map_or(0.0, Duration::as_secs_f64),
        noticed.last().map_or(0.0, Duration::as_secs_f64),
        sum(|account| account.interrupted),
        sum(|account| account.restored),
    );
    early.len()
}

/// The relay swallows everything from now on, or no longer.
async fn toggle_hole(relay: &str) {
    let status = Command::new("kill")
        .args(["-USR1", relay])
        .status()
        .await
        .unwrap();
    assert!(status.success());
}

/// Talks until it is over, and listens to the answers.
async fn call(
    mut connection: Connection,
    number: usize,
    audio: Audio,
    phases: watch::Receiver<Phase>,
) -> Account {
    let handle = connection.handle().clone();
    let session = RealtimeSession::new()
        .manual_turns()
        .transcription("whisper-1")
        .input_format(audio.format())
        .output_format(audio.format());
    handle.send(SessionUpdate::new(session)).await.unwrap();
    // Nobody is answering, and nobody was asked to.
    let is_free = Arc::new(AtomicBool::new(true));
    let only_listens = number / 2 % 2 == 1;
    let talking = talk(handle.clone(), audio, only_listens, Arc::clone(&is_free), phases);
    let mut talking = tokio::spawn(talking);
    let mut account = Account::default();
    let mut answer: Vec<u8> = Vec::new();
    loop {
        let event = tokio::select! {
            event = connection.recv() => event.expect("no end of its own"),
            talked = &mut talking => {
                (account.turns, account.round_trips) = talked.unwrap();
                break;
            }
        };
        match event {
            ConnectionEvent::Server(ServerEvent::ResponseCreated(_)) => answer.clear(),
            ConnectionEvent::Server(ServerEvent::ResponseOutputAudioDelta(delta)) => {
                answer.extend_from_slice(delta.delta.as_bytes());
            }
            ConnectionEvent::Server(ServerEvent::ResponseDone(_)) => {
                // The parrot gives back a turn, sample by sample.
                let turn = answer
                    .first_chunk()
                    .map_or(u64::MAX, |first| u64::from_le_bytes(*first));
                let whole =
                    usize::try_from(turn).is_ok_and(|turn| turn < 10_000 && answer == audio.turn(turn));
                assert!(whole, "session {number}: {} bytes", answer.len());
                account.answers += 1;
                is_free.store(true, Ordering::SeqCst);
            }
            ConnectionEvent::Server(ServerEvent::Error(error)) => panic!("session {number}: {error:?}"),
            ConnectionEvent::Interrupted(response) if response.outcome == SettledOutcome::Interrupted => {
                account.interrupted += 1;
                is_free.store(true, Ordering::SeqCst);
            }
            ConnectionEvent::Retrying(retrying) => {
                account.losses.push((Instant::now(), retrying.cause.kind()));
            }
            ConnectionEvent::Restored(_) => account.restored += 1,
            ConnectionEvent::Closed(closed) => panic!("session {number}: {:?}", closed.error),
            _ => {}
        }
    }
    handle.close().await;
    account
}

/// Turn after turn as fast as one speaks; how many there were, and how long their commits took. None is lost.
async fn talk(
    handle: Handle,
    audio: Audio,
    only_listens: bool,
    is_free: Arc<AtomicBool>,
    mut phases: watch::Receiver<Phase>,
) -> (usize, Vec<(Instant, Duration)>) {
    let mut commits = JoinSet::new();
    let mut turns = 0;
    let mut due = Instant::now();
    loop {
        let phase = *phases.borrow_and_update();
        if phase == Phase::Over {
            break;
        }
        if phase == Phase::Listen && only_listens {
            let _ = phases.changed().await;
            continue;
        }
        for piece in audio.turn(turns).chunks(audio.piece()) {
            let append = InputAudioBufferAppend::new(AudioBytes::from(piece.to_vec()));
            handle.send(append).await.unwrap();
            due += PIECE;
            sleep_until(due.into()).await;
        }
        turns += 1;
        let begun = Instant::now();
        let receipt = handle
            .send_tracked(InputAudioBufferCommit::default())
            .await
            .unwrap();
        commits.spawn(async move { (receipt.await, begun, begun.elapsed()) });
        if is_free.swap(false, Ordering::SeqCst) {
            handle.send(ResponseCreate::default()).await.unwrap();
        }
        // What the line held up is not made up for by talking faster.
        due = due.max(begun);
    }
    let mut round_trips = Vec::new();
    while let Some(commit) = timeout(PATIENCE, commits.join_next())
        .await
        .expect("the end of a turn")
    {
        let (fate, begun, took) = commit.unwrap();
        assert_eq!(fate, Fate::Acknowledged);
        round_trips.push((begun, took));
    }
    (turns, round_trips)
}
