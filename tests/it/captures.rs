//! Every captured, published and generated message is decoded, and nothing of it is lost when it is written again.

use std::path::Path;

use crate::capture::{Allowed, Report, Tally, check_lines, read};

const ALLOWED: &str = include_str!("capture_allowed.txt");

fn check(path: &Path) -> Report {
    let mut report = Report::new();
    check_lines(&read(path).unwrap(), &Allowed::parse(ALLOWED), &mut report);
    for (
        event_type,
        Tally {
            unknown,
            malformed,
            lost,
            defaulted,
            errors,
            ..
        },
    ) in &report
    {
        assert_eq!(
            (unknown, malformed, lost.len(), defaulted.len()),
            (&0, &0, 0, 0),
            "{}: {event_type}: lost {lost:?}, defaulted {defaulted:?}, errors {errors:?}",
            path.display()
        );
    }
    report
}

pub fn fixtures(place: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(place)
}

fn decoded(report: &Report) -> usize {
    report.values().map(|tally| tally.decoded).sum()
}

#[test]
fn published_examples() {
    assert_eq!(decoded(&check(&fixtures("protocol/examples.jsonl"))), 107);
    assert_eq!(decoded(&check(&fixtures("protocol/examples_repaired.jsonl"))), 15);
}

#[test]
fn generated_instances() {
    assert_eq!(decoded(&check(&fixtures("protocol/instances.jsonl.gz"))), 2895);
}

#[test]
fn generated_beta_instances() {
    assert_eq!(
        decoded(&check(&fixtures("protocol/instances_beta.jsonl.gz"))),
        1380
    );
}

#[test]
fn scripted_sessions() {
    assert_eq!(decoded(&check(&fixtures("protocol/scenarios.jsonl"))), 174);
}

#[test]
fn recorded_traffic() {
    let mut messages = 0;
    for entry in std::fs::read_dir(fixtures("golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            messages += decoded(&check(&path));
        }
    }
    assert_eq!(messages, 232);
}

#[test]
fn beta_is_recognised_without_a_label() {
    let mut report = Report::new();
    for line in [
        r#"{"type":"session.created","event_id":"e","session":{"id":"s","modalities":["text","audio"],"voice":"ash"}}"#,
        r#"{"type":"session.update","session":{"turn_detection":null}}"#,
        r#"{"type":"response.audio.delta","event_id":"e","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"AAAA"}"#,
        r#"{"type":"transcription_session.update","session":{"input_audio_format":"pcm16"}}"#,
        r#"{"type":"response.create","response":{"modalities":["text"]}}"#,
    ] {
        check_lines(line, &Allowed::default(), &mut report);
    }
    assert_eq!(report.len(), 5);
    for (event_type, tally) in &report {
        assert_eq!(
            (tally.decoded, tally.lost.len()),
            (1, 0),
            "{event_type}: {tally:?}"
        );
    }
}

#[test]
fn what_is_lost_is_seen() {
    let mut report = Report::new();
    let line = r#"{"type":"input_audio_buffer.cleared","event_id":"e","new":{"deep":1}}"#;
    check_lines(line, &Allowed::default(), &mut report);
    assert_eq!(
        report["input_audio_buffer.cleared"].lost,
        [("lost new".to_owned(), 1)].into()
    );

    check_lines("{\n", &Allowed::default(), &mut report);
    assert_eq!(report["(not JSON)"].malformed, 1);

    let line = r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":"soon"}"#;
    check_lines(line, &Allowed::default(), &mut report);
    assert_eq!(report["input_audio_buffer.speech_started"].malformed, 1);
}

#[test]
fn what_was_not_there_is_not_lost() {
    let mut report = Report::new();
    let line = r#"{"type":"input_audio_buffer.speech_started","event_id":null,"audio_start_ms":7}"#;
    check_lines(line, &Allowed::default(), &mut report);
    let tally = &report["input_audio_buffer.speech_started"];
    assert!(tally.lost.is_empty(), "{tally:?}");
    let expected = ["event_id", "item_id"].map(|field| (format!("defaulted {field}"), 1));
    assert_eq!(tally.defaulted, expected.into());
}
