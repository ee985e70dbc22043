use std::time::Duration;

use rt_protocol::ServerEvent;

use super::*;
use crate::event::RestoreCause;

/// With a session that ends in so many seconds.
pub(super) fn opened(seconds: u64) -> Bench {
    let mut bench = Bench::new(|_| {});
    bench.connect();
    session(&mut bench, "sess_1", Some(seconds));
    bench.actions();
    bench.events();
    bench
}

/// The session of the latest connection is created.
pub(super) fn session(bench: &mut Bench, id: &str, length: Option<u64>) -> Disposition {
    let end = length.map(|length| bench.unix().as_secs() + length);
    let end = end.map_or(String::new(), |end| format!(r#","expires_at":{end}"#));
    let json = format!(
        r#"{{"type":"session.created","event_id":"e","session":{{"type":"realtime","id":"{id}"{end}}}}}"#
    );
    let event = ServerEvent::from_json(&json).unwrap();
    let (at, epoch) = (bench.at(), bench.epoch());
    let disposition = bench.machine.handle_event(at, epoch, Ok(&event));
    if disposition == Disposition::Hold {
        bench
            .machine
            .hold(at, epoch, ConnectionEvent::Server(event), json.len());
    }
    disposition
}

/// At the moment when the second connection is dialed, two minutes before the end of the first.
pub(super) fn dialing() -> Bench {
    let mut bench = opened(600);
    bench.advance(seconds(480));
    assert!(is_dial(&bench.actions()));
    bench
}

/// With a second connection that has no session yet.
pub(super) fn second() -> Bench {
    let mut bench = dialing();
    bench.connect();
    bench
}

/// With a second session that is ready, while the first does not answer the ping behind what it was given, and `b` waits.
pub(super) fn unproved() -> Bench {
    let mut bench = second();
    bench.send("a");
    let at = bench.at();
    assert!(matches!(
        bench.machine.poll_transmit(at, 1, true),
        Transmit::Frame(Frame::Ping(_))
    ));
    assert!(matches!(
        bench.machine.poll_transmit(at, 1, true),
        Transmit::Frame(Frame::Text(_))
    ));
    session(&mut bench, "sess_2", None);
    bench.advance(Duration::ZERO);
    bench.send("b");
    bench
}

pub(super) fn is_dial(actions: &[Action]) -> bool {
    matches!(actions, [Action::Dial { .. }])
}

pub(super) fn has_dial(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Dial { .. }))
}

pub(super) fn hangups(actions: &[Action]) -> Vec<(u64, bool)> {
    let of = |action: &Action| match action {
        Action::Hangup { epoch, linger } => Some((*epoch, *linger)),
        _ => None,
    };
    actions.iter().filter_map(of).collect()
}

/// What the connection of this number is given to write.
pub(super) fn written_to(bench: &mut Bench, epoch: u64) -> Vec<String> {
    let mut all = Vec::new();
    let mut flushed = false;
    loop {
        let at = bench.at();
        match bench.machine.poll_transmit(at, epoch, flushed) {
            Transmit::Frame(Frame::Text(text)) => all.push(text.to_string()),
            Transmit::Frame(Frame::Ping(payload)) => {
                all.push("<ping>".to_owned());
                bench.machine.handle_pong(bench.now, epoch, &payload);
            }
            Transmit::Frame(Frame::Close(_)) => all.push("<close>".to_owned()),
            Transmit::Idle if !flushed => flushed = true,
            Transmit::Idle | Transmit::Stop => return all,
        }
    }
}

pub(super) fn causes(bench: &mut Bench) -> Vec<String> {
    let events = bench.events().into_iter().filter_map(|event| match event {
        ConnectionEvent::Opened(opened) => Some(format!("opened {}", opened.epoch)),
        ConnectionEvent::Server(event) => Some(event.event_type().to_owned()),
        ConnectionEvent::Restored(restored) => Some(match restored.cause {
            RestoreCause::Rollover => "rolled over".to_owned(),
            RestoreCause::Restart => "restarted".to_owned(),
            other => format!("{other:?}"),
        }),
        ConnectionEvent::Retrying(_) => Some("retrying".to_owned()),
        _ => None,
    });
    events.collect()
}

#[test]
fn before_the_end_a_second_connection_takes_over() {
    let mut bench = opened(600);
    bench.advance(seconds(479));
    assert!(
        bench.actions().is_empty(),
        "two minutes before the end, no earlier"
    );
    bench.advance(seconds(1));
    assert!(is_dial(&bench.actions()));
    assert_eq!(bench.machine.state(), State::Connected);
    bench.connect();
    bench.send("meanwhile");
    assert_eq!(written_to(&mut bench, 1), ["<ping>", "meanwhile"]);
    assert_eq!(session(&mut bench, "sess_2", Some(600)), Disposition::Hold);
    bench.send("waits for the proof");
    // Unproved: nothing more is written to the first until its answer has come.
    bench.advance(Duration::ZERO);
    assert_eq!(bench.machine.state(), State::Connected);
    assert_eq!(written_to(&mut bench, 1), ["<ping>"]);
    bench.advance(Duration::ZERO);
    assert_eq!(hangups(&bench.actions()), [(1, true)]);
    assert_eq!(
        causes(&mut bench),
        ["opened 2", "session.created", "rolled over"],
        "no failure, and the same session state all the time"
    );
    assert_eq!(bench.machine.state(), State::Connected);
    assert_eq!(written_to(&mut bench, 1), ["<close>"]);
    assert_eq!(written_to(&mut bench, 2), ["waits for the proof"]);
    // And so on.
    bench.advance(seconds(480));
    assert!(is_dial(&bench.actions()));
}

#[test]
fn what_the_second_says_before_its_session_is_there_is_told_when_it_is_the_only_one() {
    let mut bench = second();
    let json = r#"{"type":"rate_limits.updated","event_id":"e","rate_limits":[]}"#;
    let event = ServerEvent::from_json(json).unwrap();
    let (at, epoch) = (bench.at(), bench.epoch());
    assert_eq!(
        bench.machine.handle_event(at, epoch, Ok(&event)),
        Disposition::Hold
    );
    bench
        .machine
        .hold(at, epoch, ConnectionEvent::Server(event), json.len());
    bench.events();
    bench.machine.handle_read_failed(at, 1, ended());
    assert_eq!(causes(&mut bench), ["retrying"]);
    assert_eq!(session(&mut bench, "sess_2", None), Disposition::Deliver);
    let told = causes(&mut bench);
    assert_eq!(told[..2], ["opened 2", "rate_limits.updated"], "{told:?}");
}

#[test]
fn without_a_proof_the_first_goes_on() {
    let mut bench = unproved();
    let at = bench.at();
    assert!(matches!(
        bench.machine.poll_transmit(at, 1, true),
        Transmit::Frame(Frame::Ping(_))
    ));
    assert_eq!(bench.machine.poll_transmit(at, 1, true), Transmit::Idle, "held");
    // The answer does not come within a second: what waits is written to the first after all.
    bench.advance(seconds(1));
    assert!(written_to(&mut bench, 1).contains(&"b".to_owned()));
    assert!(hangups(&bench.actions()).is_empty());
}

#[test]
fn a_failure_of_the_second_leaves_the_first_alone() {
    let mut bench = dialing();
    bench.fail_dial(&refused_port());
    assert_eq!(bench.machine.state(), State::Connected);
    bench.advance(seconds(1));
    assert!(is_dial(&bench.actions()), "tried again");
    bench.connect();
    // It never has a session.
    bench.advance(seconds(10));
    assert_eq!(hangups(&bench.actions()), [(2, false)]);
    assert_eq!(bench.machine.state(), State::Connected);
    assert!(causes(&mut bench).is_empty());
    bench.send("still");
    assert!(written_to(&mut bench, 1).contains(&"still".to_owned()));
    // One that makes no sense is not tried again.
    let mut bench = dialing();
    bench.fail_dial(&status(401, None));
    bench.advance(seconds(60));
    assert!(bench.actions().is_empty());
}

#[test]
fn a_restart_is_a_rollover_on_demand() {
    let mut bench = opened(3600);
    let at = bench.at();
    assert!(bench.machine.handle_restart(at));
    assert!(bench.machine.handle_restart(at), "twice is once");
    bench.advance(Duration::ZERO);
    assert!(is_dial(&bench.actions()));
    bench.connect();
    session(&mut bench, "sess_2", None);
    bench.advance(Duration::ZERO);
    assert_eq!(causes(&mut bench), ["opened 2", "session.created", "restarted"]);
    let at = bench.at();
    bench.machine.handle_close(at);
    assert!(!bench.machine.handle_restart(at));
}

#[test]
fn a_prepared_connection_takes_over_from_a_lost_one() {
    let mut bench = second();
    let at = bench.at();
    // The first is lost before the second has its session: that is waited for.
    bench.machine.handle_read_failed(at, 1, ended());
    assert_eq!(bench.machine.state(), State::Reconnecting);
    assert_eq!(causes(&mut bench), ["retrying"]);
    assert_eq!(session(&mut bench, "sess_2", None), Disposition::Deliver);
    assert_eq!(bench.machine.state(), State::Connected);
    assert!(!has_dial(&bench.actions()));
}

#[test]
fn closing_gives_the_second_connection_up() {
    let mut bench = dialing();
    let at = bench.at();
    bench.machine.handle_close(at);
    assert_eq!(bench.actions(), [Action::AbortDial]);

    let mut bench = second();
    let at = bench.at();
    bench.machine.handle_close(at);
    assert_eq!(hangups(&bench.actions()), [(2, false)]);
    assert_eq!(bench.machine.state(), State::Closing);
}

#[test]
fn a_clock_that_differs_changes_nothing() {
    // The session says that it ended long ago, or says nothing: it is used for its maximum age.
    for end in [Some(7), None] {
        let mut bench = Bench::new(|_| {});
        bench.connect();
        assert!(bench.signal(Signal::Created {
            session_id: None,
            expires_at: end
        }));
        bench.actions();
        bench.advance(seconds(53 * 60 - 1));
        assert!(bench.actions().is_empty());
        bench.advance(seconds(1));
        assert!(is_dial(&bench.actions()));
    }
}

#[test]
fn the_second_asks_for_another_token_once() {
    let mut bench = Bench::with_provider(|_| {}, true);
    bench.connect();
    session(&mut bench, "sess_1", Some(600));
    bench.actions();
    bench.advance(seconds(480));
    assert!(matches!(
        bench.actions()[..],
        [Action::Dial {
            refresh_token: false,
            ..
        }]
    ));
    bench.fail_dial(&status(401, None));
    bench.advance(seconds(5));
    assert!(matches!(
        bench.actions()[..],
        [Action::Dial {
            refresh_token: true,
            ..
        }]
    ));
    bench.fail_dial(&status(401, None));
    bench.advance(seconds(30));
    assert!(bench.actions().is_empty(), "a new one is refused too");
    assert_eq!(bench.machine.state(), State::Connected);
}

#[test]
fn the_second_waits_as_long_as_the_server_asks() {
    let mut bench = dialing();
    bench.fail_dial(&status(503, Some(seconds(20))));
    bench.advance(seconds(20) - Duration::from_millis(1));
    assert!(bench.actions().is_empty());
    bench.advance(Duration::from_millis(1));
    assert!(is_dial(&bench.actions()));
}
