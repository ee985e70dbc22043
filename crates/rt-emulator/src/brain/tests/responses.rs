//! The model answers.

use serde_json::{Value, json};

use super::*;

#[test]
fn text_comes_back_written_or_spoken() {
    let mut talk = Talk::new();
    talk.update(json!({"instructions": "Speak. ".repeat(50)}));
    talk.send(&user_text("Good morning."))
        .send(&respond())
        .pass_ms(10_000);
    let events = talk.look();
    assert_eq!(
        one(&events, "response.output_audio_transcript.done")["transcript"],
        "Good morning."
    );
    assert!(audio(&events).len() > 300 * 48);
    let usage = &one(&events, "response.done")["response"]["usage"];
    let number = |value: &Value| value.as_u64().unwrap();
    assert_eq!(
        number(&usage["total_tokens"]),
        number(&usage["input_tokens"]) + number(&usage["output_tokens"])
    );
    let details = &usage["output_token_details"];
    assert_eq!(
        number(&usage["output_tokens"]),
        number(&details["text_tokens"]) + number(&details["audio_tokens"])
    );
    talk.send(&json!({"type": "response.create", "response": {"output_modalities": ["text"]}}))
        .pass_ms(1000);
    let events = talk.look();
    assert_eq!(one(&events, "response.output_text.done")["text"], "Good morning.");
    assert_eq!(
        one(&events, "response.created")["response"]["output_modalities"],
        json!(["text"])
    );
    assert!(
        number(&one(&events, "response.done")["response"]["usage"]["input_token_details"]["cached_tokens"])
            >= 64
    );
}

#[test]
fn one_response_of_the_conversation_at_a_time() {
    let mut talk = Talk::new();
    talk.send(&user_text("Hello.")).send(&respond());
    talk.look();
    talk.send(&respond());
    assert_eq!(talk.error().0, "conversation_already_has_active_response");
    let aside = json!({"type": "response.create", "response": {"conversation": "none", "output_modalities": ["text"],
        "metadata": {"topic": "classify"}, "input": [], "instructions": "One word."}});
    talk.send(&aside).send(&aside).pass_ms(20_000);
    let events = talk.look();
    assert_eq!(of(&events, "response.done").len(), 3);
    assert_eq!(
        of(&events, "conversation.item.added").len(),
        1,
        "only the response of the conversation adds an item"
    );
    let aside_done = of(&events, "response.done")[0];
    assert_eq!(aside_done["response"]["conversation_id"], Value::Null);
    assert_eq!(aside_done["response"]["metadata"], json!({"topic": "classify"}));
    assert_eq!(
        aside_done["response"]["output"][0]["content"][0]["text"],
        "One word."
    );
}

#[test]
fn input_replaces_the_conversation() {
    let mut talk = Talk::new();
    let mut first = user_text("First.");
    first["item"]["id"] = "one".into();
    talk.send(&first).send(&user_text("Second."));
    talk.look();
    let with = |input: Value| {
        json!({"type": "response.create", "response":
            {"conversation": "none", "output_modalities": ["text"], "input": input}})
    };
    talk.send(&with(json!([{"type": "item_reference", "id": "one"}])))
        .pass_ms(1000);
    assert_eq!(one(&talk.look(), "response.output_text.done")["text"], "First.");
    talk.send(&with(json!([user_text("Third.")["item"]])))
        .pass_ms(1000);
    assert_eq!(one(&talk.look(), "response.output_text.done")["text"], "Third.");
    talk.send(&with(json!([{"type": "item_reference", "id": "two"}])));
    assert_eq!(
        talk.error(),
        ("invalid_value".into(), "response.input[0].id".into())
    );
}

#[test]
fn cancel_settles_everything_once() {
    let mut talk = Talk::slow();
    talk.send(&json!({"type": "response.cancel", "event_id": "c1"}));
    talk.look().remove(0);
    talk.send(&json!({"type": "response.cancel", "event_id": "c1"}));
    let error = talk.look().remove(0);
    assert_eq!(error["error"]["code"], "response_cancel_not_active");
    assert_eq!(error["error"]["event_id"], "c1");
    talk.send(&user_text("A long story, told slowly."))
        .send(&respond())
        .pass_ms(500);
    let response_id = one(&talk.look(), "response.created")["response"]["id"].clone();
    talk.send(&json!({"type": "response.cancel", "response_id": "resp_other"}));
    assert_eq!(talk.error().0, "response_cancel_not_active");
    talk.send(&json!({"type": "response.cancel", "response_id": response_id}));
    let events = talk.look();
    let done = &one(&events, "response.done")["response"];
    assert_eq!(
        done["status_details"],
        json!({"type": "cancelled", "reason": "client_cancelled"})
    );
    assert_eq!(
        one(&events, "conversation.item.done")["item"]["status"],
        "incomplete"
    );
    let said = one(&events, "response.output_audio_transcript.done")["transcript"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!("A long story, told slowly.".starts_with(&said) && !said.is_empty());
    talk.pass_ms(20_000);
    assert!(talk.look().is_empty());
    // Before the first output there is nothing to close.
    talk.send(&respond()).send(&json!({"type": "response.cancel"}));
    let events = talk.look();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["response"]["output"], json!([]));
}

#[test]
fn limits_make_a_response_incomplete() {
    let mut talk = Talk::new();
    talk.send(&user_text("One two three four five six."))
        .send(&json!({"type": "response.create", "response":
        {"output_modalities": ["text"], "max_output_tokens": 3}}));
    talk.pass_ms(1000);
    let events = talk.look();
    let done = &one(&events, "response.done")["response"];
    assert_eq!(done["status"], "incomplete");
    assert_eq!(
        done["status_details"],
        json!({"type": "incomplete", "reason": "max_output_tokens"})
    );
    assert_eq!(done["output"][0]["content"][0]["text"], "One two three");
    assert_eq!(done["output"][0]["status"], "incomplete");
    assert_eq!(done["max_output_tokens"], 3);
}

#[test]
fn a_script_says_waits_calls_and_fails() {
    let mut talk = Talk::scripted(
        "turns:\n\
         \x20 - reply:\n\
         \x20     - say: One moment.\n\
         \x20     - delay: 2s\n\
         \x20     - call: look\n\
         \x20       arguments: {at: it}\n\
         \x20       call_id: call_7\n\
         \x20     - call: wait\n\
         \x20 - reply:\n\
         \x20     - say: Well\n\
         \x20     - fail: {code: rate_limit_exceeded, message: Slow down.}\n\
         after: quiet\n",
    );
    talk.update(json!({"output_modalities": ["text"]}))
        .send(&respond())
        .pass_ms(1500);
    let events = talk.look();
    assert_eq!(one(&events, "response.output_text.done")["text"], "One moment.");
    assert!(of(&events, "response.function_call_arguments.done").is_empty());
    talk.pass_ms(1000);
    let events = talk.look();
    let calls = of(&events, "response.function_call_arguments.done");
    assert_eq!(
        (&calls[0]["call_id"], &calls[0]["arguments"]),
        (&json!("call_7"), &json!(r#"{"at":"it"}"#))
    );
    assert_eq!(
        (&calls[1]["name"], &calls[1]["output_index"]),
        (&json!("wait"), &json!(2))
    );
    assert_eq!(
        one(&events, "response.done")["response"]["output"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    talk.send(&respond()).pass_ms(1000);
    let done = &one(&talk.look(), "response.done")["response"].clone();
    assert_eq!(done["status"], "failed");
    assert_eq!(
        done["status_details"],
        json!({"type": "failed", "error":
            {"type": "server_error", "code": "rate_limit_exceeded", "message": "Slow down."}})
    );
    talk.send(&respond()).pass_ms(1000);
    let events = talk.look();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["response"]["status"], "completed");
}

#[test]
fn a_failure_without_output_costs_nothing() {
    let mut talk = Talk::scripted("turns:\n  - reply:\n      - fail: {type: insufficient_quota}\n");
    talk.send(&respond()).pass_ms(1000);
    let response = one(&talk.look(), "response.done")["response"].clone();
    assert_eq!(
        (&response["usage"], &response["output"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(
        response["status_details"],
        json!({"type": "failed", "error": {"type": "insufficient_quota", "code": null}})
    );
}

#[test]
fn an_output_sent_early_is_answered_after_the_response() {
    let mut talk = Talk::scripted(
        "turns:\n  - reply:\n      - call: a\n        call_id: call_a\n      - delay: 1s\n      - call: b\n",
    );
    talk.send(&respond()).pass_ms(500);
    one(&talk.look(), "response.function_call_arguments.done");
    talk.send(&json!({"type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "call_a", "output": "x"}}));
    assert!(talk.look().is_empty());
    talk.pass_ms(2000);
    let types = talk.types();
    assert_eq!(
        types[types.len() - 3..],
        [
            "response.done",
            "conversation.item.added",
            "conversation.item.done"
        ]
    );
}

#[test]
fn so_many_outputs_wait_and_no_more() {
    let mut talk =
        Talk::scripted("turns:\n  - reply:\n      - call: a\n        call_id: call_a\n      - delay: 1s\n");
    talk.send(&respond()).pass_ms(500);
    talk.look();
    let output = json!({"type": "conversation.item.create", "item":
        {"type": "function_call_output", "call_id": "call_a", "output": "x"}});
    for _ in 0..100 {
        talk.send(&output);
    }
    assert!(talk.look().is_empty());
    talk.send(&output);
    assert_eq!(talk.error().0, "conversation_too_long");
    talk.pass_ms(2000);
    assert_eq!(of(&talk.look(), "conversation.item.added").len(), 100);
}

#[test]
fn a_demanded_function_is_called() {
    let mut talk = Talk::new();
    talk.update(json!({"tool_choice": "required", "output_modalities": ["text"],
        "tools": [{"type": "function", "name": "f"}]}));
    talk.send(&user_text("Do it.")).send(&respond()).pass_ms(1000);
    let call = one(&talk.look(), "response.function_call_arguments.done").clone();
    assert_eq!(call["name"], "f");
    talk.send(&json!({"type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": call["call_id"], "output": "It is done."}}));
    talk.send(&respond()).pass_ms(1000);
    assert_eq!(
        one(&talk.look(), "response.output_text.done")["text"],
        "It is done."
    );
}

#[test]
fn rate_limits_follow_the_model() {
    let limits = |model: &str, wish: Option<bool>| {
        let settings = Settings {
            model: model.into(),
            rate_limits: wish,
            ..Settings::default()
        };
        let mut talk = Talk::with(settings);
        talk.send(&respond()).pass_ms(20_000);
        talk.types().last().unwrap() == "rate_limits.updated"
    };
    assert!(limits("gpt-realtime-2", None) && limits("gpt-realtime-2.1-mini", None));
    assert!(!limits("gpt-realtime", None) && !limits("gpt-realtime-2025-08-28", None));
    assert!(limits("gpt-realtime", Some(true)) && !limits("gpt-realtime-2", Some(false)));
}
