//! The user speaks.

use serde_json::{Value, json};

use super::super::format::Format;
use super::*;

#[test]
fn a_turn_comes_back_sample_for_sample_in_every_format() {
    for (name, format) in [
        ("audio/pcm", Format::Pcm),
        ("audio/pcmu", Format::Ulaw),
        ("audio/pcma", Format::Alaw),
    ] {
        let mut talk = Talk::new();
        let audio_format = json!({"type": name});
        talk.update(
            json!({"audio": {"input": {"format": audio_format}, "output": {"format": audio_format}}}),
        );
        talk.look();
        let wire = format.encode(&Format::Pcm.decode(&phrase(800, 1000, 600)));
        talk.append(&wire).pass_ms(10_000);
        let events = talk.look();
        let started = one(&events, "input_audio_buffer.speech_started");
        let stopped = one(&events, "input_audio_buffer.speech_stopped");
        let (start, end) = (
            started["audio_start_ms"].as_u64().unwrap(),
            stopped["audio_end_ms"].as_u64().unwrap(),
        );
        assert_eq!(
            (start, end),
            (500, 2000),
            "{name}: the hum from 800 to 1800, with prefix and silence"
        );
        let per_ms = format.bytes_per_ms();
        let turn = &wire[500 * per_ms..2000 * per_ms];
        assert_eq!(audio(&events), turn, "{name}");
        let item_id = started["item_id"].as_str().unwrap();
        talk.send(&json!({"type": "conversation.item.retrieve", "item_id": item_id}));
        let retrieved = talk.look();
        let part = &retrieved[0]["item"]["content"][0];
        assert_eq!(part["audio"], STANDARD.encode(turn), "{name}");
        assert_eq!(part["transcript"], Value::Null);
    }
}

#[test]
fn a_new_format_in_mid_speech_leaves_nothing_to_commit() {
    let mut talk = Talk::new();
    talk.append(&phrase(500, 500, 0));
    one(&talk.look(), "input_audio_buffer.speech_started");
    talk.update(json!({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}));
    talk.look();
    talk.send(&json!({"type": "input_audio_buffer.commit"}));
    assert_eq!(talk.error().0, "input_audio_buffer_commit_empty");
}

#[test]
fn the_next_turn_begins_where_the_last_one_ended() {
    let mut talk = Talk::new();
    talk.append(&phrase(500, 500, 260)).append(&phrase(0, 500, 400));
    let events = talk.look();
    let starts = of(&events, "input_audio_buffer.speech_started");
    let stops = of(&events, "input_audio_buffer.speech_stopped");
    assert_eq!((starts.len(), stops.len()), (2, 2));
    assert_eq!(starts[1]["audio_start_ms"], stops[0]["audio_end_ms"]);
    let committed = of(&events, "input_audio_buffer.committed");
    assert_eq!(committed[0]["previous_item_id"], Value::Null);
    assert_eq!(committed[1]["previous_item_id"], committed[0]["item_id"]);
}

#[test]
fn without_create_response_the_client_asks() {
    let mut talk = Talk::new();
    talk.update(json!({"audio": {"input": {"turn_detection":
        {"type": "server_vad", "create_response": false, "silence_duration_ms": 400}}}}));
    talk.append(&phrase(500, 500, 500)).pass_ms(5000);
    let types = talk.types();
    assert!(
        types.ends_with(&["conversation.item.done".to_owned()]),
        "{types:?}"
    );
    talk.send(&respond()).pass_ms(5000);
    assert_eq!(audio(&talk.look()).len(), (300 + 500 + 400) * 48);
}

#[test]
fn manual_commit_takes_everything() {
    let mut talk = Talk::new();
    talk.update(json!({"audio": {"input": {"turn_detection": null}}}));
    assert_eq!(
        talk.look()[0]["session"]["audio"]["input"]["turn_detection"],
        Value::Null
    );
    let sent = phrase(300, 500, 1000);
    talk.append(&sent);
    assert!(talk.look().is_empty(), "nobody listens for turns");
    talk.send(&json!({"type": "input_audio_buffer.commit"}));
    assert_eq!(
        talk.types(),
        [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done"
        ]
    );
    talk.send(&json!({"type": "input_audio_buffer.commit", "event_id": "mine"}));
    let error = talk.look().remove(0);
    assert_eq!(error["error"]["code"], "input_audio_buffer_commit_empty");
    assert_eq!(error["error"]["event_id"], "mine");
    talk.send(&respond()).pass_ms(20_000);
    assert_eq!(audio(&talk.look()), sent);
    talk.append(&sent)
        .send(&json!({"type": "input_audio_buffer.clear"}));
    talk.send(&json!({"type": "input_audio_buffer.commit"}));
    assert_eq!(talk.types(), ["input_audio_buffer.cleared", "error"]);
}

#[test]
fn a_commit_in_mid_speech_ends_the_turn() {
    let mut talk = Talk::new();
    talk.append(&phrase(500, 400, 0))
        .send(&json!({"type": "input_audio_buffer.commit"}));
    let events = talk.look();
    let started = one(&events, "input_audio_buffer.speech_started");
    let committed = one(&events, "input_audio_buffer.committed");
    assert_eq!(started["item_id"], committed["item_id"]);
    talk.append(&phrase(0, 0, 1000));
    assert!(talk.look().is_empty());
}

#[test]
fn transcription_follows_the_settings() {
    let mut talk = Talk::scripted("turns:\n  - hear: Hello, you.\n");
    talk.update(json!({"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}));
    let wish = &talk.look()[0]["session"]["audio"]["input"]["transcription"].clone();
    assert_eq!(
        wish,
        &json!({"model": "gpt-4o-transcribe", "language": null, "prompt": null})
    );
    talk.append(&phrase(500, 1000, 400)).pass_ms(20_000);
    let events = talk.look();
    let deltas = of(&events, "conversation.item.input_audio_transcription.delta");
    let text: String = deltas
        .iter()
        .map(|delta| delta["delta"].as_str().unwrap())
        .collect();
    assert_eq!(text, " Hello, you.");
    let completed = one(&events, "conversation.item.input_audio_transcription.completed");
    assert_eq!(completed["transcript"], "Hello, you.");
    assert_eq!(completed["usage"]["type"], "tokens");
    assert_eq!(
        one(&events, "response.output_audio_transcript.done")["transcript"],
        "Hello, you."
    );
    talk.send(&json!({"type": "conversation.item.retrieve", "item_id": completed["item_id"]}));
    assert_eq!(talk.look()[0]["item"]["content"][0]["transcript"], "Hello, you.");
}

#[test]
fn speech_interrupts_the_response() {
    let mut talk = Talk::slow();
    talk.append(&phrase(500, 3000, 300)).pass_ms(1000);
    let before = talk.look();
    assert!(of(&before, "response.done").is_empty());
    let heard = audio(&before).len() / 48;
    talk.append(&phrase(200, 200, 0));
    let events = talk.look();
    let kinds: Vec<&str> = events.iter().map(kind).collect();
    assert_eq!(
        kinds,
        [
            "input_audio_buffer.speech_started",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done"
        ]
    );
    let response = &events[6]["response"];
    assert_eq!(response["status"], "cancelled");
    assert_eq!(
        response["status_details"],
        json!({"type": "cancelled", "reason": "turn_detected"})
    );
    assert_eq!(response["output"][0]["status"], "incomplete");
    let item_id = response["output"][0]["id"].as_str().unwrap().to_owned();
    let truncate = |ms: usize| json!({"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": ms});
    talk.send(&truncate(heard + 1));
    assert_eq!(talk.error(), ("invalid_value".into(), "audio_end_ms".into()));
    talk.send(&truncate(heard));
    assert_eq!(talk.types(), ["conversation.item.truncated"]);
    // No delta of the cancelled response comes late.
    talk.append(&phrase(0, 300, 300)).pass_ms(100);
    let events = talk.look();
    assert_eq!(audio(&events).len(), 0);
    one(&events, "response.created");
}

#[test]
fn without_interrupt_the_answer_waits_its_turn() {
    let mut talk = Talk::slow();
    talk.update(
        json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": false}}}}),
    );
    talk.append(&phrase(500, 2000, 300)).pass_ms(800);
    talk.append(&phrase(200, 400, 300));
    let events = talk.look();
    assert_eq!(of(&events, "response.created").len(), 1);
    assert!(of(&events, "response.done").is_empty());
    talk.pass_ms(10_000);
    let statuses: Vec<Value> = of(&talk.look(), "response.done")
        .iter()
        .map(|done| done["response"]["status"].clone())
        .collect();
    assert_eq!(statuses, ["completed", "completed"]);
}

#[test]
fn semantic_vad_waits_by_eagerness() {
    let turns = |eagerness: &str| {
        let mut talk = Talk::new();
        talk.update(
            json!({"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}}}),
        );
        let effective = talk.look()[0]["session"]["audio"]["input"]["turn_detection"].clone();
        assert_eq!(
            effective,
            json!({"type": "semantic_vad", "eagerness": eagerness, "create_response": true, "interrupt_response": true})
        );
        talk.append(&phrase(400, 500, 500)).append(&phrase(0, 500, 1300));
        of(&talk.look(), "input_audio_buffer.committed").len()
    };
    assert_eq!((turns("low"), turns("auto"), turns("high")), (1, 1, 2));
}

#[test]
fn a_quiet_user_is_asked() {
    let mut talk = Talk::new();
    talk.update(
        json!({"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}}),
    );
    talk.append(&phrase(500, 1000, 300)).pass_ms(4000);
    talk.look();
    talk.append(&phrase(1000, 0, 0)).pass_ms(4000);
    let events = talk.look();
    let timeout = one(&events, "input_audio_buffer.timeout_triggered");
    let (start, end) = (
        timeout["audio_start_ms"].as_u64().unwrap(),
        timeout["audio_end_ms"].as_u64().unwrap(),
    );
    assert_eq!((start, end), (1700, 2800));
    let kinds: Vec<&str> = events.iter().take(5).map(kind).collect();
    assert_eq!(
        kinds,
        [
            "input_audio_buffer.timeout_triggered",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created"
        ]
    );
}

#[test]
fn quiet_audio_does_not_pile_up() {
    let mut talk = Talk::new();
    for _ in 0..200 {
        talk.append(&phrase(1000, 0, 0));
    }
    assert!(talk.brain.input.end_ms() == 200_000 && talk.brain.input.start_ms() >= 130_000);
    talk.append(&phrase(0, 500, 300)).pass_ms(1000);
    let events = talk.look();
    assert_eq!(
        one(&events, "input_audio_buffer.speech_started")["audio_start_ms"],
        199_700
    );
    assert!(audio(&events).len() > 40_000);
}
