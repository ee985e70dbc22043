//! What was paid for is delivered.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::json;

use crate::engine::{Command, Engine, Options, Output};
use crate::reply::{ReplyStatus, ReplyUpdate};
use crate::usage::{Budget, Prices};

const NOW: Duration = Duration::from_secs(1);

/// A reply came in writing though it should be spoken, and costs `tokens`, of a budget of a thousand. What follows.
fn written_reply(tokens: u64) -> Vec<Output> {
    let options = Options {
        prices: Some(Prices {
            text_out: 1.0,
            ..Prices::default()
        }),
        budget: Some(Budget::new(0.001)),
        repeat_written: true,
        ..Options::default()
    };
    let mut engine = Engine::new(options);
    engine.opened(NOW, false);
    let command = Command::Respond {
        reply: 1,
        params: None,
    };
    engine.command(NOW, command);
    let asked = engine.take().into_iter().find_map(|output| match output {
        Output::Send(ClientEvent::ResponseCreate(create)) => create.event_id.into_value(),
        _ => None,
    });
    let metadata = json!({ "rt_req": asked.unwrap() });
    let item = json!({"id": "item_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hello."}]});
    let events = [
        json!({"type": "response.created", "response": {"id": "resp_1", "metadata": metadata}}),
        json!({"type": "response.done", "response": {"id": "resp_1", "status": "completed", "metadata": metadata,
            "output": [item], "usage": {"total_tokens": tokens, "input_tokens": 0, "output_tokens": tokens,
            "output_token_details": {"text_tokens": tokens}}}}),
    ];
    for event in events {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        engine.server(NOW, &Arc::new(event));
    }
    engine.take()
}

fn deleted(outputs: &[Output]) -> bool {
    let is_it = |output: &Output| matches!(output, Output::Send(ClientEvent::ConversationItemDelete(_)));
    outputs.iter().any(is_it)
}

#[test]
fn the_reply_that_uses_up_the_budget_is_not_taken_back() {
    let cheap = written_reply(10);
    assert!(deleted(&cheap), "it is asked for again, to be spoken");
    let dear = written_reply(2000);
    assert!(!deleted(&dear));
    let ended = dear.iter().find_map(|output| match output {
        Output::Reply(1, ReplyUpdate::Ended(status)) => Some(status.clone()),
        _ => None,
    });
    assert_eq!(ended, Some(ReplyStatus::Completed));
    let none = dear
        .iter()
        .find(|output| matches!(output, Output::NoReply(..) | Output::NoneCame(..)));
    assert!(none.is_none(), "{none:?}");
}
