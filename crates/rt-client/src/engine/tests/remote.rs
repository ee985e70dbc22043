//! A call whose audio the server plays: it cuts by itself, and what it says counts.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::json;

use crate::engine::{Command, Engine, Options, Output};
use crate::event::{Event, Turn};
use crate::history::HistoryItem;

const TEXT: &str = "one two three four five six seven eight";

/// An interruption: the item, how much of it was heard, and its words.
type Told = (Option<String>, Duration, String);

struct Call {
    engine: Engine,
    now: Duration,
}

impl Call {
    /// A response of a call has been written down whole, and is playing.
    fn playing() -> Self {
        let options = Options {
            is_call: true,
            ..Options::default()
        };
        let mut call = Self {
            engine: Engine::new(options),
            now: Duration::from_secs(1),
        };
        call.engine.opened(call.now, false);
        let item = json!({"id": "item_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []});
        call.server(
            &json!({"type": "session.created", "session": {"type": "realtime", "audio":
            {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": true}}}}}),
        );
        call.server(&json!({"type": "response.created", "response": {"id": "resp_1"}}));
        call.server(&json!({"type": "response.output_item.added", "response_id": "resp_1", "item": item}));
        call.server(&json!({"type": "conversation.item.added", "item": item}));
        call.server(
            &json!({"type": "response.content_part.added", "response_id": "resp_1", "item_id": "item_1",
            "content_index": 0, "part": {"type": "audio", "transcript": ""}}),
        );
        call.server(&json!({"type": "output_audio_buffer.started", "response_id": "resp_1"}));
        call.server(
            &json!({"type": "response.output_audio_transcript.done", "response_id": "resp_1", "item_id": "item_1",
            "content_index": 0, "transcript": TEXT}),
        );
        call.engine.take();
        call
    }

    fn server(&mut self, event: &serde_json::Value) {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        assert!(!matches!(event, ServerEvent::Unknown(_)), "{event:?}");
        self.engine.server(self.now, &Arc::new(event));
    }

    fn done(&mut self, status: &str) {
        self.server(
            &json!({"type": "response.done", "response": {"id": "resp_1", "status": status, "output": []}}),
        );
    }

    /// What is sent, by type, and the interruptions that are told.
    fn take(&mut self) -> (Vec<String>, Vec<Told>) {
        let (mut sent, mut told) = (Vec::new(), Vec::new());
        for output in self.engine.take() {
            match output {
                Output::Send(event) => sent.push(ClientEvent::event_type(&event).to_owned()),
                Output::Event(Event::Turn(Turn::Interrupted { item_id, heard, text })) => {
                    told.push((item_id, heard, text.to_string()));
                }
                _ => {}
            }
        }
        (sent, told)
    }

    fn item(&self) -> &HistoryItem {
        self.engine
            .history()
            .iter()
            .find(|item| item.id == "item_1")
            .unwrap()
    }
}

#[test]
fn the_server_cuts_what_the_user_did_not_hear() {
    let mut call = Call::playing();
    assert!(call.engine.is_playing());
    call.now += Duration::from_millis(1200);
    call.server(
        &json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "item_2"}),
    );
    let (sent, told) = call.take();
    assert_eq!(sent, Vec::<String>::new(), "it is cut by the server");
    let heard = Duration::from_millis(1200);
    assert_eq!(
        told,
        [(Some("item_1".to_owned()), heard, "one two three four".to_owned())]
    );
    assert!(!call.engine.is_playing());
    // What the server says is exact.
    call.server(&json!({"type": "output_audio_buffer.cleared", "response_id": "resp_1"}));
    call.server(
        &json!({"type": "conversation.item.truncated", "item_id": "item_1", "content_index": 0, "audio_end_ms": 1000}),
    );
    call.done("cancelled");
    let (sent, told) = call.take();
    assert_eq!((sent.len(), told.len()), (0, 0));
    let item = call.item();
    assert_eq!(item.heard, Some(Duration::from_millis(1000)));
    assert_eq!(&*item.text, "one two three");
    assert!(call.engine.is_idle());
}

#[test]
fn what_was_played_out_stays_whole() {
    let mut call = Call::playing();
    call.done("completed");
    call.now += Duration::from_secs(4);
    assert!(call.engine.is_playing());
    call.server(&json!({"type": "output_audio_buffer.stopped", "response_id": "resp_1"}));
    assert!(!call.engine.is_playing());
    call.server(
        &json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0, "item_id": "item_2"}),
    );
    let (sent, told) = call.take();
    assert_eq!((sent.len(), told.len()), (0, 0));
    assert_eq!((&*call.item().text, call.item().heard), (TEXT, None));
}

#[test]
fn the_application_interrupts_a_call_at_the_server() {
    let mut call = Call::playing();
    call.now += Duration::from_millis(600);
    call.engine.command(call.now, Command::Interrupt);
    let (sent, told) = call.take();
    assert_eq!(sent, ["response.cancel", "output_audio_buffer.clear"]);
    assert_eq!(told.len(), 1);
    // Written down, and still playing.
    let mut call = Call::playing();
    call.done("completed");
    call.take();
    call.engine.command(call.now, Command::Interrupt);
    assert_eq!(call.take().0, ["output_audio_buffer.clear"]);
}

#[test]
fn a_call_plays_on_without_a_connection() {
    let mut call = Call::playing();
    call.engine.lost(call.now, false);
    call.now += Duration::from_secs(1);
    call.engine.opened(call.now, false);
    assert!(call.engine.is_playing());
    call.server(
        &json!({"type": "conversation.item.truncated", "item_id": "item_1", "content_index": 0, "audio_end_ms": 400}),
    );
    assert_eq!(&*call.item().text, "one");
    // Its end may have been told to nobody.
    call.now += Duration::from_secs(30);
    call.engine.heard(call.now);
    assert!(!call.engine.is_playing());
}
