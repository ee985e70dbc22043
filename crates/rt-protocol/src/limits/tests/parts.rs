use serde_json::{Value, json};

use super::{both, item, response, session, text};
use crate::session::Tool;
use crate::{Item, ResponseParams};

#[test]
fn tools() {
    let tunnel = format!("tunnel_{}", "a1".repeat(16));
    let mcp = |key: &str, value: Value| json!([{"type": "mcp", "server_label": "s", "server_url": "https://e.com", key: value}]);
    let rows = [
        (
            json!([{"type": "function", "name": "f"}]),
            json!([{"type": "function", "name": ""}]),
            "[0].name is empty: allowed is a non-empty text",
        ),
        (
            json!([]),
            json!([{"type": "new"}, {"type": "mcp", "server_url": "u"}]),
            "[1].server_label is empty: allowed is a label to call the server by",
        ),
        (
            json!([{"type": "mcp", "server_label": "s", "server_url": "u"}]),
            json!([{"type": "mcp", "server_label": "s"}]),
            "[0] is without a server: allowed is one of server_url, connector_id and tunnel_id",
        ),
        (
            json!([{"type": "mcp", "server_label": "s", "connector_id": "c"}]),
            json!([{"type": "mcp", "server_label": "s", "connector_id": null}]),
            "[0] is without a server: allowed is one of server_url, connector_id and tunnel_id",
        ),
        (
            json!([{"type": "mcp", "server_label": "s", "tunnel_id": tunnel}]),
            json!([{"type": "mcp", "server_label": "s", "tunnel_id": tunnel[..38]}]),
            "[0].tunnel_id is not a tunnel id (38 characters): allowed is tunnel_ and 32 characters of a-z and 0-9",
        ),
        (
            json!([{"type": "mcp", "server_label": "s", "tunnel_id": tunnel}]),
            json!([{"type": "mcp", "server_label": "s", "tunnel_id": tunnel.to_uppercase()}]),
            "[0].tunnel_id is not a tunnel id (39 characters): allowed is tunnel_ and 32 characters of a-z and 0-9",
        ),
        (
            mcp("server_url", json!("https://e.com")),
            mcp("server_url", json!("")),
            "[0].server_url is empty: allowed is a non-empty text",
        ),
        (
            mcp("allowed_tools", json!([])),
            mcp("allowed_tools", json!(["f", ""])),
            "[0].allowed_tools[1] is empty: allowed is a non-empty text",
        ),
        (
            mcp("allowed_callers", json!(["direct"])),
            mcp("allowed_callers", json!([])),
            "[0].allowed_callers is empty: allowed is at least one caller",
        ),
    ];
    for (valid, invalid, message) in &rows {
        both(&[
            (
                session("realtime", "tools", valid),
                session("realtime", "tools", invalid),
                &format!("session.tools{message}"),
            ),
            (
                response("tools", valid),
                response("tools", invalid),
                &format!("response.tools{message}"),
            ),
        ]);
    }
    let tool: Tool = serde_json::from_value(json!({"type": "mcp"})).unwrap();
    assert_eq!(tool.check().unwrap_err().field(), "tool.server_label");
}

#[test]
fn responses() {
    let pairs = |n: usize| Value::Object((0..n).map(|n| (n.to_string(), json!(""))).collect());
    both(&[
        (
            response("metadata", &pairs(16)),
            response("metadata", &pairs(17)),
            "response.metadata is 17 pairs: allowed is at most 16 pairs",
        ),
        (
            response("metadata", &json!({ text(64): "" })),
            response("metadata", &json!({ text(65): "" })),
            "response.metadata is a key of 65 characters: allowed is keys of at most 64 characters",
        ),
        (
            response("metadata", &json!({ "topic": text(512) })),
            response("metadata", &json!({ "topic": text(513) })),
            "response.metadata.topic is 513 characters: allowed is at most 512 characters",
        ),
        (
            response("conversation", &json!("none")),
            response("conversation", &json!("")),
            "response.conversation is empty: allowed is a non-empty text",
        ),
        (
            response("max_output_tokens", &json!(4096)),
            response("max_output_tokens", &json!(5000)),
            "response.max_output_tokens is 5000: allowed is 1 to 4096 or inf",
        ),
        (
            response("output_modalities", &json!(["text"])),
            response("output_modalities", &json!(["audio", "text"])),
            r#"response.output_modalities is ["audio", "text"]: allowed is ["audio"] or ["text"]"#,
        ),
        (
            response("reasoning", &json!({"effort": "low"})),
            response("reasoning", &json!({"effort": "none"})),
            "response.reasoning.effort is \"none\": allowed is minimal, low, medium, high or xhigh",
        ),
        (
            response(
                "audio",
                &json!({"output": {"format": {"type": "audio/pcm", "rate": 24000}}}),
            ),
            response(
                "audio",
                &json!({"output": {"format": {"type": "audio/pcm", "rate": 8000}}}),
            ),
            "response.audio.output.format.rate is 8000: allowed is 24000",
        ),
        (
            response("tool_choice", &json!("auto")),
            response("tool_choice", &json!({"type": "function", "name": ""})),
            "response.tool_choice.name is empty: allowed is the name of a function",
        ),
        (
            response("prompt", &json!({"id": "p"})),
            response("prompt", &json!({"id": ""})),
            "response.prompt.id is empty: allowed is the id of a prompt",
        ),
        (
            response("input", &json!([{"type": "item_reference", "id": "item_1"}])),
            response(
                "input",
                &json!([{"type": "item_reference", "id": "item_1"}, {"type": "item_reference"}]),
            ),
            "response.input[1].id is empty: allowed is the id of an item",
        ),
        (
            json!({"type": "response.create"}),
            response("input", &json!([{"type": "function_call", "call_id": text(33)}])),
            "response.input[0].call_id is 33 characters: allowed is at most 32 characters",
        ),
    ]);
    assert_eq!(
        ResponseParams::new()
            .max_output_tokens(0)
            .check()
            .unwrap_err()
            .field(),
        "response.max_output_tokens"
    );
}

#[test]
fn items() {
    let message = |part: Value| {
        item(
            &json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": ""}, part]}),
        )
    };
    let image = |url: &str| message(json!({"type": "input_image", "image_url": url}));
    let allowed = "a data URI with a PNG or JPEG image";
    both(&[
        (
            item(&json!({"type": "function_call", "name": "f", "call_id": text(32), "arguments": ""})),
            item(&json!({"type": "function_call", "name": "f", "call_id": text(33), "arguments": ""})),
            "item.call_id is 33 characters: allowed is at most 32 characters",
        ),
        (
            // The server's own id, however long.
            item(&json!({"type": "function_call_output", "call_id": text(33), "output": ""})),
            item(&json!({"type": "function_call_output", "output": ""})),
            "item.call_id is empty: allowed is the id of a call",
        ),
        (
            item(&json!({"type": "mcp_approval_response", "approval_request_id": "r", "approve": true})),
            item(&json!({"type": "mcp_approval_response", "approve": true})),
            "item.approval_request_id is empty: allowed is the id of a request",
        ),
        (
            image("data:image/png;base64,AAAA"),
            image("https://example.com/canary.png"),
            &format!("item.content[1].image_url is not a data URI (30 bytes): allowed is {allowed}"),
        ),
        (
            image("DATA:image/jpeg;base64,AAAA"),
            message(json!({"type": "input_image"})),
            &format!("item.content[1].image_url is missing: allowed is {allowed}"),
        ),
        (
            message(json!({"type": "input_image", "image_url": "data:", "detail": "finest"})),
            message(json!({"type": "input_image", "image_url": "data:", "detail": ""})),
            "item.content[1].detail is empty: allowed is a non-empty text",
        ),
        (
            message(json!({"type": "input_smell"})),
            message(json!({"type": "", "text": "canary"})),
            "item.content[1].type is empty: allowed is a non-empty text",
        ),
        (
            item(&json!({"type": "new"})),
            item(&json!({"role": "user"})),
            "item.type is missing: allowed is the type of an item",
        ),
        (
            item(&json!({"type": "message", "role": "critic"})),
            item(&json!({"type": "message", "role": ""})),
            "item.role is empty: allowed is a non-empty text",
        ),
        (
            json!({"type": "conversation.item.delete", "item_id": "i"}),
            json!({"type": "conversation.item.delete"}),
            "item_id is empty: allowed is the id of an item",
        ),
        (
            json!({"type": "conversation.item.retrieve", "item_id": "i"}),
            json!({"type": "conversation.item.retrieve"}),
            "item_id is empty: allowed is the id of an item",
        ),
        (
            json!({"type": "conversation.item.truncate", "item_id": "i"}),
            json!({"type": "conversation.item.truncate", "content_index": 0, "audio_end_ms": 5}),
            "item_id is empty: allowed is the id of an item",
        ),
    ]);
    assert_eq!(Item::default().check().unwrap_err().field(), "item.type");
}
