//! Items and their content, and the events that beta does not send.

use rt_protocol::ServerEvent;
use serde_json::{Value, json};

use crate::{beta, decoded, encoded, parsed};

#[test]
fn whole_items_are_added_and_done_at_once() {
    for item in [
        json!({"id": "i", "object": "realtime.item", "type": "message", "status": "completed", "role": "user",
               "content": [{"type": "input_audio", "transcript": null}]}),
        json!({"id": "i", "type": "message", "role": "system", "content": [{"type": "input_text", "text": "t"}]}),
        json!({"id": "i", "type": "function_call_output", "call_id": "c", "output": "o"}),
        // History that the client gave.
        json!({"id": "i", "type": "message", "status": "completed", "role": "assistant", "content": []}),
        json!({"id": "i", "type": "something_new"}),
    ] {
        let message = json!({"type": "conversation.item.created", "event_id": "e", "previous_item_id": null,
            "item": item});
        let events = decoded(&mut beta(), &message);
        let mut expected = [message.clone(), message.clone()];
        expected[0]["type"] = "conversation.item.added".into();
        expected[1]["type"] = "conversation.item.done".into();
        assert_eq!(events, expected);
        let mut codec = beta();
        let again: Vec<_> = codec
            .decode_server(&message.to_string())
            .unwrap()
            .filter_map(|event| beta().encode_server(&event))
            .map(|json| parsed(&json))
            .collect();
        assert_eq!(again, [message]);
    }
}

#[test]
fn an_item_of_a_response_is_done_before_its_output_item() {
    let item = |status: &str| {
        json!({"id": "i", "object": "realtime.item", "type": "message", "status": status, "role": "assistant",
               "content": []})
    };
    let added = json!({"type": "response.output_item.added", "event_id": "e1", "response_id": "r",
        "output_index": 0, "item": item("in_progress")});
    let created = json!({"type": "conversation.item.created", "event_id": "e2", "previous_item_id": "u",
        "item": item("in_progress")});
    let done = json!({"type": "response.output_item.done", "event_id": "e3", "response_id": "r",
        "output_index": 0, "item": item("completed")});
    let response_done = json!({"type": "response.done", "event_id": "e4",
        "response": {"id": "r", "output": [item("incomplete")]}});
    let types = |events: &[Value]| -> Vec<String> {
        events
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    };

    let mut codec = beta();
    assert_eq!(decoded(&mut codec, &added), std::slice::from_ref(&added));
    assert_eq!(types(&decoded(&mut codec, &created)), ["conversation.item.added"]);
    let events = decoded(&mut codec, &done);
    let first = json!({"type": "conversation.item.done", "event_id": "e3", "previous_item_id": "u",
        "item": item("completed")});
    assert_eq!(events, [first, done.clone()]);
    // Once.
    assert_eq!(types(&decoded(&mut codec, &done)), ["response.output_item.done"]);
    assert_eq!(types(&decoded(&mut codec, &response_done)), ["response.done"]);

    // Without output_item.added before it.
    let mut codec = beta();
    decoded(&mut codec, &created);
    assert_eq!(
        types(&decoded(&mut codec, &done)),
        ["conversation.item.done", "response.output_item.done"]
    );

    // Cut off without an event of its own.
    let mut codec = beta();
    decoded(&mut codec, &added);
    decoded(&mut codec, &created);
    assert_eq!(
        types(&decoded(&mut codec, &response_done)),
        ["conversation.item.done", "response.done"]
    );

    // Out of band: it is not in the conversation.
    let mut codec = beta();
    decoded(&mut codec, &added);
    assert_eq!(types(&decoded(&mut codec, &done)), ["response.output_item.done"]);

    // A server that says it by itself, and an item that is gone.
    for event in [
        json!({"type": "conversation.item.done", "item": item("completed")}),
        json!({"type": "conversation.item.deleted", "item_id": "i"}),
    ] {
        let mut codec = beta();
        decoded(&mut codec, &created);
        decoded(&mut codec, &event);
        assert_eq!(types(&decoded(&mut codec, &done)), ["response.output_item.done"]);
    }
}

#[test]
fn content_has_other_names_only_in_what_the_assistant_says() {
    for (role, beta_kind, ga_kind) in [
        ("assistant", "text", "output_text"),
        ("assistant", "audio", "output_audio"),
        ("assistant", "input_text", "input_text"),
        ("user", "input_text", "input_text"),
        ("user", "input_audio", "input_audio"),
        ("system", "input_text", "input_text"),
        ("user", "text", "text"),
    ] {
        let item =
            |kind: &str| json!({"id": "i", "type": "message", "role": role, "content": [{"type": kind}]});
        for name in [
            "response.output_item.added",
            "response.output_item.done",
            "conversation.item.retrieved",
        ] {
            let message = |kind: &str| {
                let mut message = json!({"type": name, "event_id": "e", "item": item(kind)});
                if name.starts_with("response") {
                    message["response_id"] = "r".into();
                    message["output_index"] = 0.into();
                }
                message
            };
            assert_eq!(decoded(&mut beta(), &message(beta_kind)), [message(ga_kind)]);
            let event = ServerEvent::from_json(&message(ga_kind).to_string()).unwrap();
            assert_eq!(parsed(&beta().encode_server(&event).unwrap()), message(beta_kind));
        }
        let message = |kind: &str| json!({"type": "conversation.item.create", "item": item(kind)});
        let event = beta().decode_client(&message(beta_kind).to_string()).unwrap();
        assert_eq!(parsed(&event.to_json()), message(ga_kind));
        assert_eq!(
            encoded(&mut beta(), &message(ga_kind)),
            (Some(message(beta_kind)), vec![])
        );
    }
}

#[test]
fn content_parts_keep_their_names() {
    for name in ["response.content_part.added", "response.content_part.done"] {
        for part in [
            json!({"type": "audio", "transcript": ""}),
            json!({"type": "text", "text": "t"}),
        ] {
            let message = |field: &str| {
                json!({"type": name, "event_id": "e", "response_id": "r", "item_id": "i", "output_index": 0,
                       "content_index": 0, field: part})
            };
            assert_eq!(decoded(&mut beta(), &message("part")), [message("part")]);
            // The first preview.
            assert_eq!(decoded(&mut beta(), &message("content")), [message("part")]);
            let event = ServerEvent::from_json(&message("part").to_string()).unwrap();
            assert_eq!(parsed(&beta().encode_server(&event).unwrap()), message("part"));
        }
    }
}

#[test]
fn a_spoken_turn_is_one_of_ga() {
    let user = json!({"id": "u", "object": "realtime.item", "type": "message", "status": "completed",
        "role": "user", "content": [{"type": "input_audio", "transcript": null}]});
    let assistant = |status: &str, content: Value| {
        json!({"id": "a", "object": "realtime.item", "type": "message", "status": status, "role": "assistant",
               "content": content})
    };
    let begun = assistant("in_progress", json!([]));
    let whole = assistant("completed", json!([{"type": "audio", "transcript": "Hello."}]));
    let turn = [
        json!({"type": "session.created", "session": {"modalities": ["text", "audio"], "temperature": 0.8}}),
        json!({"type": "conversation.created", "conversation": {"id": "c"}}),
        json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 640, "item_id": "u"}),
        json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 1500, "item_id": "u"}),
        json!({"type": "input_audio_buffer.committed", "previous_item_id": null, "item_id": "u"}),
        json!({"type": "conversation.item.created", "previous_item_id": null, "item": user}),
        json!({"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}),
        json!({"type": "rate_limits.updated", "rate_limits": []}),
        json!({"type": "response.output_item.added", "response_id": "r", "output_index": 0, "item": begun}),
        json!({"type": "conversation.item.created", "previous_item_id": "u", "item": begun}),
        json!({"type": "response.content_part.added", "item_id": "a", "part": {"type": "audio"}}),
        json!({"type": "response.audio_transcript.delta", "item_id": "a", "delta": "Hello."}),
        json!({"type": "response.audio.delta", "item_id": "a", "delta": "AAAA"}),
        json!({"type": "response.audio.done", "item_id": "a"}),
        json!({"type": "response.audio_transcript.done", "item_id": "a", "transcript": "Hello."}),
        json!({"type": "response.content_part.done", "item_id": "a", "part": {"type": "audio"}}),
        json!({"type": "response.output_item.done", "response_id": "r", "output_index": 0, "item": whole}),
        json!({"type": "response.done", "response": {"id": "r", "status": "completed", "output": [whole]}}),
    ];
    let mut codec = beta();
    let events: Vec<Value> = turn
        .iter()
        .flat_map(|message| decoded(&mut codec, message))
        .collect();
    let types: Vec<_> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        types,
        [
            "session.created",
            "conversation.created",
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            "rate_limits.updated",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio.delta",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
    );
    let done = &events[17];
    assert_eq!(done["previous_item_id"], "u");
    assert_eq!(
        done["item"]["content"],
        json!([{"type": "output_audio", "transcript": "Hello."}])
    );
}

#[test]
fn an_item_that_its_response_does_not_list_is_incomplete() {
    let mut codec = beta();
    let item = |status: &str| json!({"id": "i", "type": "message", "role": "assistant", "status": status, "content": []});
    for message in [
        json!({"type": "response.output_item.added", "event_id": "1", "response_id": "r", "output_index": 0,
            "item": item("in_progress")}),
        json!({"type": "conversation.item.created", "event_id": "2", "previous_item_id": "h",
            "item": item("in_progress")}),
    ] {
        assert_eq!(decoded(&mut codec, &message).len(), 1);
    }
    let done = |id: &str| {
        json!({"type": "response.done", "event_id": "3",
            "response": {"id": id, "status": "failed", "output": []}})
    };
    assert_eq!(decoded(&mut codec, &done("another")).len(), 1);
    assert_eq!(
        decoded(&mut codec, &done("r")),
        [
            json!({"type": "conversation.item.done", "event_id": "3", "previous_item_id": "h",
                "item": item("incomplete")}),
            done("r"),
        ]
    );
    assert_eq!(decoded(&mut codec, &done("r")).len(), 1);
}

#[test]
fn what_a_client_made_the_assistant_say_is_whole() {
    let item = json!({"id": "i", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "t"}]});
    let created =
        json!({"type": "conversation.item.created", "event_id": "1", "previous_item_id": null, "item": item});
    let names: Vec<_> = decoded(&mut beta(), &created)
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(names, ["conversation.item.added", "conversation.item.done"]);
}

#[test]
fn a_mixture_of_dialects_has_the_names_of_ga() {
    for name in ["conversation.item.added", "conversation.item.done"] {
        let message = |kind: &str| {
            json!({"type": name, "event_id": "1", "item": {"id": "i", "type": "message", "role": "assistant",
                "status": "completed", "content": [{"type": kind, "text": "t"}]}})
        };
        assert_eq!(decoded(&mut beta(), &message("text")), [message("output_text")]);
    }
}
