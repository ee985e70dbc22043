//! Items, as clients create, retrieve, delete and cut them.

use rt_protocol::Item;
use serde_json::{Value, json};

use super::*;

fn create(id: &str, after: Option<&str>) -> Value {
    let mut event = user_text(id);
    event["item"]["id"] = id.into();
    if let Some(after) = after {
        event["previous_item_id"] = after.into();
    }
    event
}

#[test]
fn items_stand_where_they_are_put() {
    let mut talk = Talk::new();
    talk.look();
    talk.send(&create("b", None))
        .send(&create("a", Some("root")))
        .send(&create("c", Some("b")));
    let events = talk.look();
    let added = of(&events, "conversation.item.added");
    let previous: Vec<&Value> = added.iter().map(|event| &event["previous_item_id"]).collect();
    assert_eq!(previous, [&json!(null), &json!(null), &json!("b")]);
    let ids: Vec<&str> = talk
        .brain
        .conversation
        .entries()
        .iter()
        .map(|entry| entry.id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    for (event, code, param) in [
        (create("a", None), "item_create_duplicate_item_id", "item.id"),
        (
            create("d", Some("zzz")),
            "item_create_invalid_previous_item_id",
            "previous_item_id",
        ),
        (
            json!({"type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "nobody", "output": "x"}}),
            "invalid_tool_call_id",
            "item.call_id",
        ),
        (
            json!({"type": "conversation.item.retrieve", "item_id": "zzz"}),
            "item_retrieve_invalid_item_id",
            "item_id",
        ),
        (
            json!({"type": "conversation.item.delete", "item_id": "zzz"}),
            "item_delete_invalid_item_id",
            "item_id",
        ),
        (
            json!({"type": "conversation.item.truncate", "item_id": "zzz", "content_index": 0, "audio_end_ms": 0}),
            "item_truncate_invalid_item_id",
            "item_id",
        ),
        (
            json!({"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 0}),
            "invalid_value",
            "content_index",
        ),
    ] {
        talk.send(&event);
        assert_eq!(talk.error(), (code.to_owned(), param.to_owned()), "{event}");
    }
    talk.send(&json!({"type": "conversation.item.delete", "item_id": "b"}));
    assert_eq!(talk.look()[0]["item_id"], "b");
    talk.send(&create("b", Some("a")));
    assert_eq!(
        talk.types(),
        ["conversation.item.added", "conversation.item.done"]
    );
}

#[test]
fn the_id_of_the_turn_under_way_is_taken() {
    let mut talk = Talk::new();
    talk.append(&phrase(500, 500, 0));
    let item_id = one(&talk.look(), "input_audio_buffer.speech_started")["item_id"].clone();
    talk.send(&create(item_id.as_str().unwrap(), None));
    assert_eq!(
        talk.error(),
        ("item_create_duplicate_item_id".to_owned(), "item.id".to_owned())
    );
    talk.append(&phrase(0, 0, 500));
    assert_eq!(
        one(&talk.look(), "input_audio_buffer.committed")["item_id"],
        item_id
    );
}

#[test]
fn a_history_is_restored_as_given() {
    let mut talk = Talk::new();
    talk.look();
    for item in [
        json!({"id": "i1", "type": "message", "role": "system", "content": [{"type": "input_text", "text": "s"}]}),
        json!({"id": "i2", "type": "message", "role": "user", "content":
            [{"type": "input_audio", "audio": STANDARD.encode([1, 0, 2, 0]), "transcript": "said"}]}),
        json!({"id": "i3", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}),
        json!({"id": "i4", "type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"}),
        json!({"id": "i5", "type": "function_call_output", "call_id": "call_1", "output": "o"}),
    ] {
        talk.send(&json!({"type": "conversation.item.create", "item": item}));
    }
    let events = talk.look();
    let items: Vec<&Value> = of(&events, "conversation.item.done")
        .iter()
        .map(|event| &event["item"])
        .collect();
    assert_eq!(items.len(), 5);
    assert_eq!(
        items[1]["content"][0],
        json!({"type": "input_audio", "transcript": "said"})
    );
    assert_eq!(
        items[3],
        &json!({"id": "i4", "type": "function_call", "status": "completed", "name": "f", "call_id": "call_1",
            "arguments": "{}"})
    );
    assert_eq!(
        items[4],
        &json!({"id": "i5", "type": "function_call_output", "call_id": "call_1", "output": "o"})
    );
    talk.send(&json!({"type": "conversation.item.retrieve", "item_id": "i2"}));
    assert_eq!(talk.look()[0]["item"]["content"][0]["audio"], "AQACAA==");
    // A restored answer has no audio, so it cannot be cut.
    talk.send(&json!({"type": "conversation.item.truncate", "item_id": "i3", "content_index": 0, "audio_end_ms": 0}));
    assert_eq!(talk.error().0, "invalid_value");
}

#[test]
fn cutting_removes_audio_and_transcript() {
    let mut talk = Talk::scripted("turns:\n  - reply:\n      - say: Hello there.\n        lasting: 2s\n");
    talk.send(&respond()).pass_ms(150);
    let item_id = one(&talk.look(), "response.output_item.added")["item"]["id"].clone();
    // In mid-response: what is still to come is sent, but not kept.
    let truncate = |ms: u64| json!({"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": ms});
    talk.send(&truncate(100));
    assert_eq!(talk.types(), ["conversation.item.truncated"]);
    talk.pass_ms(5000);
    let events = talk.look();
    assert_eq!(audio(&events).len() / 48 + 800, 2000);
    for item in [
        &one(&events, "conversation.item.done")["item"],
        &one(&events, "response.output_item.done")["item"],
        &one(&events, "response.done")["response"]["output"][0],
    ] {
        assert_eq!(item["content"][0]["transcript"], Value::Null);
    }
    talk.send(&json!({"type": "conversation.item.retrieve", "item_id": item_id}));
    let part = talk.look()[0]["item"]["content"][0].clone();
    assert_eq!(
        STANDARD.decode(part["audio"].as_str().unwrap()).unwrap().len(),
        4800
    );
    assert_eq!(part["transcript"], Value::Null);
    talk.send(&truncate(101));
    let message = talk.look()[0]["error"]["message"].clone();
    assert_eq!(message, "Audio content of 100ms is already shorter than 101ms");
}

#[test]
fn deleting_what_is_being_said_does_not_stop_it() {
    let mut talk = Talk::new();
    talk.send(&user_text("One two three."))
        .send(&respond())
        .pass_ms(70);
    let item_id = one(&talk.look(), "response.output_item.added")["item"]["id"].clone();
    talk.send(&json!({"type": "conversation.item.delete", "item_id": item_id}))
        .pass_ms(10_000);
    let events = talk.look();
    assert_eq!(one(&events, "response.done")["response"]["status"], "completed");
    assert_eq!(
        one(&events, "conversation.item.done")["previous_item_id"],
        Value::Null
    );
}

#[test]
fn what_a_restore_may_not_send_is_refused() {
    let mut talk = Talk::new();
    talk.look();
    let item = |item: Value| json!({"type": "conversation.item.create", "item": item});
    let call =
        |call_id: &str| json!({"type": "function_call", "name": "f", "call_id": call_id, "arguments": "{}"});
    let spoken = STANDARD.encode([0; 480]);
    for (event, code, param) in [
        (
            item(json!({"type": "message", "role": "assistant",
                "content": [{"type": "output_audio", "audio": spoken, "transcript": "Hi"}]})),
            "invalid_value",
            "item.content[0].audio",
        ),
        (
            item(
                json!({"type": "message", "role": "assistant", "content": [{"type": "input_audio", "audio": spoken}]}),
            ),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            item(
                json!({"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "Hi"}]}),
            ),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            item(call(&"c".repeat(33))),
            "string_above_max_length",
            "item.call_id",
        ),
        (
            // Only the ids that clients choose are limited.
            item(json!({"type": "function_call_output", "call_id": "c".repeat(33), "output": "o"})),
            "invalid_tool_call_id",
            "item.call_id",
        ),
        (
            item(json!({"type": "function_call_output", "call_id": "call_1", "output": "o"})),
            "invalid_tool_call_id",
            "item.call_id",
        ),
    ] {
        talk.send(&event);
        assert_eq!(talk.error(), (code.to_owned(), param.to_owned()), "{event}");
    }
    talk.send(&item(call(&"c".repeat(32))));
    assert_eq!(talk.brain.record().items().len(), 1);
}

#[test]
fn the_record_follows_the_conversation() {
    let mut talk = Talk::new();
    talk.look();
    let record = talk.brain.record();
    talk.send(&create("b", None))
        .send(&create("a", Some("root")))
        .send(&create("c", Some("b")))
        .send(&create("c", None))
        .send(&json!({"type": "conversation.item.delete", "item_id": "b"}));
    assert_eq!(record.item_ids(), ["a", "c"]);
    let commands = record.commands();
    assert_eq!(commands.len(), 5);
    assert_eq!(
        commands[3].refused.as_deref(),
        Some("item_create_duplicate_item_id")
    );
    assert_eq!(commands[4].item_id.as_deref(), Some("b"));

    talk.append(&phrase(500, 500, 500));
    talk.pass_ms(20_000);
    let commits = record.commits();
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0].samples, commits[0].audio.len() as u64 / 2);
    assert_eq!(record.speech(), commits[0].audio);
    assert_eq!(record.item_ids()[2], commits[0].item_id);
    // The answer of the parrot, with its transcript.
    let items = record.items();
    let Item::Message(answer) = &items[3] else {
        panic!("{items:?}")
    };
    assert!(answer.content[0].transcript.value().is_some());
    assert_eq!(record.take_commits().len(), 1);
    assert!(record.commits().is_empty());
}

#[test]
fn nothing_is_recorded_unless_wanted() {
    let mut brain = Brain::new(Settings {
        keep_record: false,
        ..Settings::default()
    });
    brain.open(Duration::ZERO);
    brain.handle_text(&create("a", None).to_string(), Duration::ZERO);
    let record = brain.record();
    assert!(record.commands().is_empty() && record.items().is_empty());
    assert_eq!(format!("{record:?}"), "SessionRecord(none)");
}
