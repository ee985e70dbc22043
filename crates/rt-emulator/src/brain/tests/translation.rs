//! Translation sessions.

use rt_protocol::session::SessionKind;

use super::*;

fn translation(yaml: &str, pacing: Pacing) -> Talk {
    Talk::of(Settings {
        kind: SessionKind::Translation,
        model: "gpt-realtime-translate".to_owned(),
        script: Arc::new(Script::from_yaml(yaml).unwrap()),
        pacing,
        ..Settings::default()
    })
}

fn feed(talk: &mut Talk, audio: &[u8]) {
    for piece in audio.chunks(9600) {
        talk.send(&json!({"type": "session.input_audio_buffer.append", "audio": STANDARD.encode(piece)}));
    }
}

fn text(events: &[Value], wanted: &str) -> String {
    of(events, wanted)
        .iter()
        .map(|one| one["delta"].as_str().unwrap())
        .collect()
}

fn sound(events: &[Value]) -> Vec<u8> {
    of(events, "session.output_audio.delta")
        .iter()
        .flat_map(|one| STANDARD.decode(one["delta"].as_str().unwrap()).unwrap())
        .collect()
}

#[test]
fn audio_comes_back_with_transcripts_in_steps() {
    let mut talk = translation(
        "turns: [{hear: Good day., reply: [{say: Buenos días.}]}]",
        Pacing::default(),
    );
    let created = talk.look();
    let session = &created[0]["session"];
    assert_eq!(
        *session,
        json!({"type": "translation", "id": session["id"], "model": "gpt-realtime-translate",
            "expires_at": 3600, "audio": {"input": {"transcription": null, "noise_reduction": null},
            "output": {"language": "en"}}})
    );
    talk.send(
        &json!({"type": "session.update", "session": {"audio": {"output": {"language": "es"},
        "input": {"transcription": {"model": "gpt-realtime-whisper"}}}}}),
    );
    let updated = talk.look();
    let updated = &one(&updated, "session.updated")["session"];
    assert_eq!(updated["type"], "translation");
    assert_eq!(
        updated["audio"],
        json!({"input": {"transcription": {"model": "gpt-realtime-whisper"}, "noise_reduction": null},
            "output": {"language": "es"}})
    );
    let audio = phrase(400, 1000, 713);
    feed(&mut talk, &audio);
    talk.pass_ms(5000);
    talk.send(&json!({"type": "session.close"})).pass_ms(2000);
    let events = talk.look();
    assert_eq!(text(&events, "session.input_transcript.delta"), "Good day.");
    assert_eq!(text(&events, "session.output_transcript.delta"), "Buenos días.");
    assert_eq!(sound(&events), audio, "bit for bit");
    let deltas = of(&events, "session.output_audio.delta");
    assert_eq!(deltas.len(), 11);
    assert_eq!(
        (
            &deltas[0]["format"],
            &deltas[0]["sample_rate"],
            &deltas[0]["channels"]
        ),
        (&json!("pcm16"), &json!(24000), &json!(1))
    );
    let elapsed: Vec<u64> = events
        .iter()
        .filter_map(|one| one["elapsed_ms"].as_u64())
        .collect();
    assert_eq!(elapsed.len(), events.len() - 1, "all but the last");
    assert!(
        elapsed.is_sorted() && elapsed.iter().all(|ms| ms % 200 == 0),
        "{elapsed:?}"
    );
    assert_eq!(elapsed.last(), Some(&2200));
    assert_eq!(kind(events.last().unwrap()), "session.closed");
    assert_eq!(talk.closed, Some((1000, String::new())));
    // It is over.
    talk.send(&json!({"type": "session.close"})).pass_ms(4_000_000);
    assert!(talk.look().is_empty());
}

#[test]
fn the_end_flushes_what_is_under_way() {
    let mut talk = translation("{}", Pacing::real_time());
    talk.look();
    // Speech that does not end, and half a step.
    let audio = phrase(300, 1000, 0);
    feed(&mut talk, &audio[..audio.len() - 4800]);
    talk.send(&json!({"type": "session.close"}));
    talk.send(&json!({"type": "session.input_audio_buffer.append", "audio": "AAAA"}));
    let (code, _) = talk.error();
    assert_eq!(code, "invalid_event");
    talk.pass_ms(10_000);
    let events = talk.look();
    assert_eq!(sound(&events), audio[..audio.len() - 4800]);
    assert!(text(&events, "session.input_transcript.delta").starts_with("Speech of "));
    assert_eq!(kind(events.last().unwrap()), "session.closed");
    assert!(talk.closed.is_some());
}

#[test]
fn sentences_are_divided_by_a_space() {
    let mut talk = translation("hear: One.", Pacing::instant());
    talk.look();
    feed(
        &mut talk,
        &[phrase(400, 600, 600), phrase(400, 600, 600)].concat(),
    );
    talk.send(&json!({"type": "session.close"})).pass_ms(1);
    assert_eq!(text(&talk.look(), "session.output_transcript.delta"), "One. One.");
}

#[test]
fn what_is_of_other_sessions_is_refused() {
    let error = |event: Value| {
        let mut talk = translation("{}", Pacing::default());
        talk.look();
        talk.send(&event).error()
    };
    let owned = |code: &str, param: &str| (code.to_owned(), param.to_owned());
    assert_eq!(error(respond()), owned("invalid_value", "type"));
    assert_eq!(
        error(json!({"type": "input_audio_buffer.append", "audio": "AAAA"})),
        owned("invalid_value", "type")
    );
    let session = |session: Value| json!({"type": "session.update", "session": session});
    assert_eq!(
        error(session(json!({"instructions": "x"}))),
        owned("unknown_parameter", "session.instructions")
    );
    assert_eq!(
        error(session(json!({"type": "realtime"}))),
        owned("invalid_value", "session.type")
    );
    assert_eq!(
        error(session(json!({"model": "x"}))),
        owned("invalid_value", "session.model")
    );
    let append = |audio: &str| json!({"type": "session.input_audio_buffer.append", "audio": audio});
    assert_eq!(error(append("?")), owned("invalid_value", "audio"));
    assert_eq!(error(append("AA==")), owned("invalid_value", "audio"));
}

#[test]
fn anything_in_any_order_ends_well() {
    let mut rng = fastrand::Rng::with_seed(8);
    for _ in 0..40 {
        let mut talk = translation("{}", Pacing::default());
        for _ in 0..rng.usize(..30) {
            match rng.u8(..6) {
                0 => talk.pass_ms(rng.u64(..3000)),
                1 => talk.send(&json!({"type": "session.update", "session": {}})),
                2 => talk.send(
                    &json!({"type": "session.update", "session": {"audio": {"output": {"language": "fr"}}}}),
                ),
                3 if rng.u8(..5) == 0 => talk.send(&json!({"type": "session.close"})),
                _ => {
                    let audio = phrase(rng.usize(..200), rng.usize(..500), rng.usize(..400));
                    feed(&mut talk, &audio);
                    &mut talk
                }
            };
        }
        talk.send(&json!({"type": "session.close"})).pass_ms(60_000);
        assert_eq!(
            talk.look().last().map(|last| kind(last).to_owned()).as_deref(),
            Some("session.closed")
        );
        assert!(talk.brain.deadline().is_none());
    }
}
