//! An engine that is fed by hand, event by event.

use std::sync::Arc;
use std::time::Duration;

use rt_protocol::{ClientEvent, ServerEvent};
use serde_json::{Value, json};

use crate::engine::{Command, Engine, Options, Output, Policy, Ticket};
use crate::event::{Event, Turn};
use crate::reply::ReplyUpdate;

pub(super) struct Fed {
    pub(super) engine: Engine,
    pub(super) now: Duration,
    pub(super) out: Vec<Output>,
}

impl Fed {
    /// A session whose server detects turns, and interrupts and answers or not.
    pub(super) fn new(options: Options, interrupts: bool, answers: bool) -> Self {
        let policy = Policy {
            timeout: Duration::from_secs(60),
            interim: None,
            approval: false,
        };
        let options = Options {
            policies: [("price".to_owned(), policy)].into(),
            ..options
        };
        let mut fed = Self {
            engine: Engine::new(options),
            now: Duration::ZERO,
            out: Vec::new(),
        };
        fed.feed(&json!({"type":"session.created","session":{"type":"realtime","audio":{"input":{
            "turn_detection":{"type":"server_vad","interrupt_response":interrupts,"create_response":answers}}}}}));
        fed.engine.opened(Duration::ZERO, false);
        fed.obey();
        fed
    }

    fn obey(&mut self) {
        self.out.extend(self.engine.take());
    }

    /// Lets time pass until so many milliseconds after the start.
    pub(super) fn at(&mut self, ms: u64) {
        let end = Duration::from_millis(ms);
        while let Some(due) = self.engine.deadline().filter(|due| *due <= end) {
            self.now = due.max(self.now);
            self.engine.handle_timeout(self.now);
            self.obey();
        }
        self.now = end;
        self.engine.heard(end);
        self.obey();
    }

    pub(super) fn feed(&mut self, event: &Value) {
        let event = ServerEvent::from_json(&event.to_string()).unwrap();
        self.engine.server(self.now, &Arc::new(event));
        self.obey();
    }

    pub(super) fn command(&mut self, command: Command) {
        self.engine.command(self.now, command);
        self.obey();
    }

    pub(super) fn respond(&mut self, reply: Ticket) {
        self.command(Command::Respond { reply, params: None });
    }

    pub(super) fn watch(&mut self, reply: Ticket) {
        self.command(Command::Watch { reply });
    }

    /// `response.created` of a response that answers no request by its metadata.
    pub(super) fn created(&mut self, id: &str) {
        self.feed(&json!({"type":"response.created","response":{"id":id}}));
    }

    /// `response.created` of the answer to the request that was sent last.
    pub(super) fn answered(&mut self, id: &str) {
        let key = self.last_request();
        self.feed(&json!({"type":"response.created","response":{"id":id,"metadata":{"rt_req":key}}}));
    }

    /// So many milliseconds of audio, in the item `i` and the id of the response.
    pub(super) fn audio(&mut self, id: &str, ms: usize) {
        // 48 bytes a millisecond are 64 characters.
        let delta = "A".repeat(ms * 64);
        self.feed(
            &json!({"type":"response.output_audio.delta","response_id":id,"item_id":format!("i{id}"),
            "output_index":0,"content_index":0,"delta":delta}),
        );
    }

    /// What the model says, as a piece or as the whole.
    pub(super) fn text(&mut self, id: &str, text: &str, whole: bool) {
        let (kind, key) = match whole {
            true => ("response.output_audio_transcript.done", "transcript"),
            false => ("response.output_audio_transcript.delta", "delta"),
        };
        self.feed(&json!({"type":kind,"response_id":id,"item_id":format!("i{id}"),
            "output_index":0,"content_index":0,key:text}));
    }

    pub(super) fn call(&mut self, id: &str, call_id: &str) {
        let item = json!({"id":format!("f{call_id}"),"type":"function_call","status":"completed",
            "name":"price","call_id":call_id,"arguments":"{}"});
        self.feed(&json!({"type":"response.output_item.done","response_id":id,"output_index":0,"item":item}));
    }

    /// The function returns, and the server takes its output.
    pub(super) fn returns(&mut self, call_id: &str) {
        self.engine
            .tool_finished(self.now, call_id, Ok(r#"{"ok":true}"#.into()));
        self.obey();
        let sent = self.out.iter().rev().find_map(|output| match output {
            Output::Send(event @ ClientEvent::ConversationItemCreate(_)) => Some(event.to_json()),
            _ => None,
        });
        let sent: Value = serde_json::from_str(&sent.expect("an output was sent")).unwrap();
        self.feed(&json!({"type":"conversation.item.added","item":sent["item"]}));
    }

    pub(super) fn done(&mut self, id: &str) {
        self.ended(id, "completed");
    }

    pub(super) fn ended(&mut self, id: &str, status: &str) {
        self.feed(&json!({"type":"response.done","response":{"id":id,"status":status,"output":[]}}));
    }

    pub(super) fn speech(&mut self, begins: bool) {
        let (kind, at) = match begins {
            true => ("started", "audio_start_ms"),
            false => ("stopped", "audio_end_ms"),
        };
        let kind = format!("input_audio_buffer.speech_{kind}");
        self.feed(&json!({"type":kind,"item_id":"u",at:0}));
    }

    pub(super) fn committed(&mut self) {
        self.feed(&json!({"type":"input_audio_buffer.committed","item_id":"u"}));
    }

    /// The event id of the last `response.create`.
    pub(super) fn last_request(&self) -> String {
        let key = self.out.iter().rev().find_map(|output| match output {
            Output::Send(event @ ClientEvent::ResponseCreate(_)) => event.event_id(),
            _ => None,
        });
        key.expect("a response was asked for").to_owned()
    }

    /// What was sent, by type.
    pub(super) fn sent(&self, event_type: &str) -> usize {
        self.count(|output| matches!(output, Output::Send(event) if event.event_type() == event_type))
    }

    pub(super) fn count(&self, is_it: impl Fn(&Output) -> bool) -> usize {
        self.out.iter().filter(|output| is_it(output)).count()
    }

    /// Whether the sink is held.
    pub(super) fn is_held(&self) -> bool {
        let pauses = self.out.iter().filter_map(|output| match output {
            Output::Pause(pause) => Some(*pause),
            _ => None,
        });
        pauses.last().unwrap_or(false)
    }

    /// How a ticket ended, as often as it did.
    pub(super) fn ends(&self, ticket: Ticket) -> Vec<String> {
        let ends = self.out.iter().filter_map(|output| match output {
            Output::Reply(of, ReplyUpdate::Ended(status)) if *of == ticket => Some(status.to_string()),
            Output::NoReply(of, error) | Output::NoneCame(of, error) if *of == ticket => {
                Some(format!("{:?}", error.kind()))
            }
            _ => None,
        });
        ends.collect()
    }

    /// The interruptions that were told: the item, how much was heard in milliseconds, and its words.
    pub(super) fn interruptions(&self) -> Vec<(Option<String>, u128, String)> {
        let told = self.out.iter().filter_map(|output| match output {
            Output::Event(Event::Turn(Turn::Interrupted { item_id, heard, text })) => {
                Some((item_id.clone(), heard.as_millis(), text.to_string()))
            }
            _ => None,
        });
        told.collect()
    }
}
