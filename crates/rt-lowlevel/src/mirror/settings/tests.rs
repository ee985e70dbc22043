//! Tests of the settings.

use serde_json::json;

use super::*;

fn session(json: Value) -> Session {
    serde_json::from_value(json).unwrap()
}

fn realtime(mut json: Value) -> Session {
    json["type"] = "realtime".into();
    session(json)
}

fn settings() -> Settings {
    Settings::new(SessionKind::Realtime)
}

fn request(settings: &Settings) -> Value {
    settings
        .request()
        .map_or(Value::Null, |session| serde_json::to_value(session).unwrap())
}

#[test]
fn updates_are_merged_when_they_are_acknowledged() {
    let mut settings = settings();
    assert!(settings.is_empty());
    assert_eq!(request(&settings), Value::Null);
    settings.written(
        1,
        realtime(json!({"instructions": "a", "audio": {"output": {"voice": "marin"}}})),
    );
    settings.written(2, realtime(json!({"instructions": "b"})));
    assert!(!settings.is_empty());
    settings.acknowledged(&realtime(json!({})));
    settings.rejected(Some(2));
    assert_eq!(
        request(&settings),
        json!({"type": "realtime", "instructions": "a", "audio": {"output": {"voice": "marin"}}})
    );
}

#[test]
fn what_is_not_answered_goes_into_the_next_request_in_order() {
    let mut settings = settings();
    settings.written(1, realtime(json!({"instructions": "a", "max_output_tokens": 1})));
    settings.absorb(3, &realtime(json!({"max_output_tokens": 3})));
    settings.absorb(3, &realtime(json!({"max_output_tokens": 99})));
    settings.lost();
    let expected = json!({"type": "realtime", "instructions": "a", "max_output_tokens": 3});
    assert_eq!(request(&settings), expected);
    // Another loss changes nothing.
    settings.lost();
    assert_eq!(request(&settings), expected);
    assert_eq!(serde_json::to_value(settings.saved().sent).unwrap(), expected);
    settings.attached();
    assert_eq!(settings.refused(), [0u64; 0], "nothing is unconfirmed any more");
    assert_eq!(request(&settings), expected);
}

#[test]
fn a_server_that_never_answers_does_not_fill_the_memory() {
    let mut settings = settings();
    let update =
        |n: u64| realtime(json!({"instructions": format!("i{n}"), "metadata": {"k": "x".repeat(1000)}}));
    for n in 1..=1500 {
        settings.written(n, update(n));
    }
    assert_eq!(settings.pending.len(), MAX_SINGLE);
    assert_eq!(request(&settings)["instructions"], "i1500");
    settings.lost();
    // What waits for the next session is bounded in the same way.
    for n in 1501..=2000 {
        settings.absorb(n, &update(n));
    }
    assert_eq!(settings.unconfirmed.len(), MAX_SINGLE);
    assert_eq!(request(&settings)["instructions"], "i2000");
    let refused = settings.refused();
    assert!(refused.len() <= MAX_SEQS + MAX_SINGLE && refused.is_sorted());
    assert_eq!(refused.last(), Some(&2000));
    assert_eq!(request(&settings), Value::Null);
}

#[test]
fn updates_that_were_put_together_are_acknowledged_together() {
    let mut settings = settings();
    let count = MAX_SINGLE as u64 + 2;
    settings.written(
        1,
        realtime(json!({"instructions": "first", "tool_choice": "none"})),
    );
    for n in 2..=count {
        settings.written(n, realtime(json!({"instructions": format!("i{n}")})));
    }
    // The first three are one. A refusal takes nothing away from the others.
    settings.rejected(Some(2));
    settings.acknowledged(&realtime(json!({})));
    assert_eq!(settings.saved.sent, None);
    settings.acknowledged(&realtime(json!({})));
    let sent = serde_json::to_value(&settings.saved.sent).unwrap();
    assert_eq!(
        sent,
        json!({"type": "realtime", "instructions": "i3", "tool_choice": "none"})
    );
    settings.rejected(Some(count));
    assert_eq!(request(&settings)["instructions"], format!("i{}", count - 1));
}

#[test]
fn a_refused_request_comes_back_smaller() {
    let mut settings = settings();
    settings.written(1, realtime(json!({"instructions": "good"})));
    settings.acknowledged(&realtime(json!({"instructions": "good", "truncation": "auto"})));
    settings.written(2, realtime(json!({"instructions": "bad"})));
    settings.lost();
    settings.absorb(3, &realtime(json!({"instructions": "worse"})));
    assert_eq!(settings.refused(), [2, 3]);
    assert_eq!(
        request(&settings),
        json!({"type": "realtime", "instructions": "good", "truncation": "auto"})
    );
    assert_eq!(settings.refused(), [0u64; 0]);
    assert_eq!(
        request(&settings),
        json!({"type": "realtime", "instructions": "good"})
    );
}

#[test]
fn the_report_fills_in_what_was_not_sent_and_can_be_sent() {
    let mut settings = settings();
    settings.written(
        1,
        realtime(json!({"instructions": "", "audio": {"input": {"turn_detection": null, "transcription": {"model": "m"}}}})),
    );
    settings.acknowledged(&realtime(json!({
        "id": "sess_1", "object": "realtime.session", "model": "gpt", "expires_at": 5,
        "instructions": "default", "tools": [], "tracing": null, "include": null, "prompt": null,
        "audio": {
            "input": {"turn_detection": null, "noise_reduction": null, "format": {"type": "audio/pcm", "rate": 24000},
                      "transcription": {"model": "m", "language": null}},
            "output": {"voice": "alloy", "speed": 1.0},
        },
    })));
    assert_eq!(
        request(&settings),
        json!({
            "type": "realtime", "instructions": "", "tools": [],
            "audio": {
                "input": {"turn_detection": null, "format": {"type": "audio/pcm", "rate": 24000},
                          "transcription": {"model": "m"}},
                "output": {"voice": "alloy", "speed": 1.0},
            },
        })
    );
}

#[test]
fn a_request_that_says_nothing_is_none() {
    let mut settings = settings();
    settings.reported(&realtime(
        json!({"id": "sess_1", "model": "gpt", "expires_at": 5, "tracing": null}),
    ));
    assert_eq!(request(&settings), Value::Null);
    settings.reported(&realtime(json!({"tools": []})));
    assert_eq!(request(&settings), json!({"type": "realtime", "tools": []}));
    // A model that the client sent is sent again.
    settings.written(1, realtime(json!({"model": "gpt"})));
    assert_eq!(request(&settings)["model"], "gpt");
}

#[test]
fn sessions_of_another_kind_are_laid_over() {
    let mut settings = settings();
    settings.written(
        1,
        realtime(json!({"instructions": "a", "audio": {"output": {"voice": "marin"}}})),
    );
    settings.written(
        2,
        session(json!({"type": "future", "x": {"y": 1}, "audio": {"output": {"speed": 2}, "input": {"a": {"b": 1}}}})),
    );
    settings.written(
        3,
        session(json!({"type": "future", "x": {"z": 1}, "audio": {"input": {"a": {"c": 1}}}})),
    );
    assert_eq!(
        request(&settings),
        json!({
            "type": "future", "instructions": "a", "x": {"z": 1},
            "audio": {"output": {"voice": "marin", "speed": 2}, "input": {"a": {"c": 1}}},
        })
    );
    // What a session of an unknown kind reports keeps its model: who knows what it means there.
    let mut settings = Settings::new(SessionKind::Realtime);
    settings.reported(&session(json!({"type": "future", "model": "m", "n": null})));
    assert_eq!(request(&settings), json!({"type": "future", "model": "m"}));
}

#[test]
fn what_follows_from_the_settings() {
    let pcm = Derived {
        input: Format::Pcm,
        output: Format::Pcm,
        vad: true,
        auto_response: true,
        transcribes: false,
    };
    let derived = |json: Value| {
        let mut settings = settings();
        settings.reported(&realtime(json));
        settings.derived()
    };
    let input = |json: Value| derived(json!({"audio": {"input": json}}));
    assert_eq!(derived(json!({})), pcm);
    assert_eq!(
        derived(
            json!({"audio": {"input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcma"}}}})
        ),
        Derived {
            input: Format::Pcmu,
            output: Format::Pcma,
            ..pcm
        }
    );
    let off = Derived {
        vad: false,
        auto_response: false,
        ..pcm
    };
    assert_eq!(input(json!({"turn_detection": null})), off);
    let silent = Derived {
        auto_response: false,
        ..pcm
    };
    for kind in ["server_vad", "semantic_vad"] {
        assert_eq!(input(json!({"turn_detection": {"type": kind}})), pcm);
        assert_eq!(
            input(json!({"turn_detection": {"type": kind, "create_response": true}})),
            pcm
        );
        assert_eq!(
            input(json!({"turn_detection": {"type": kind, "create_response": false}})),
            silent
        );
    }
    assert_eq!(input(json!({"turn_detection": {"type": "future"}})), pcm);
    assert!(input(json!({"transcription": {"model": "m"}})).transcribes);
    assert!(!input(json!({"transcription": null})).transcribes);
}

#[test]
fn what_was_sent_outdoes_the_report_until_it_is_refused() {
    let mut settings = settings();
    settings.reported(&realtime(json!({})));
    settings.written(1, realtime(json!({"audio": {"input": {"turn_detection": null}}})));
    assert!(!settings.derived().vad);
    settings.rejected(Some(1));
    assert!(settings.derived().vad);
    settings.absorb(
        2,
        &realtime(json!({"audio": {"input": {"turn_detection": null}}})),
    );
    assert!(!settings.derived().vad);
    settings.refused();
    assert!(settings.derived().vad);
}

#[test]
fn the_kind_of_session_decides_what_it_has() {
    let of = |kind| Settings::new(kind).derived();
    assert!(of(SessionKind::Transcription).vad && of(SessionKind::Transcription).transcribes);
    assert!(!of(SessionKind::Transcription).auto_response);
    let translation = of(SessionKind::Translation);
    assert!(!translation.vad && !translation.auto_response && !translation.transcribes);
    for (kind, json) in [
        (
            SessionKind::Transcription,
            json!({"type": "transcription", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}),
        ),
        (
            SessionKind::Translation,
            json!({"type": "translation", "audio": {"input": {"format": {"type": "audio/pcmu"}}}}),
        ),
    ] {
        let mut settings = Settings::new(kind);
        settings.reported(&session(json));
        assert_eq!(settings.derived().input, Format::Pcmu, "{kind:?}");
    }
}
