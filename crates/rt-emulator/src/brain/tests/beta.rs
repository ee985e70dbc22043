//! The beta dialect, against the order and the shapes it had.

use rt_protocol::dialect::Dialect;
use rt_protocol::session::SessionKind;

use super::*;

/// A session whose events are kept as they stand on the wire.
struct Beta {
    talk: Talk,
    wire: Vec<Value>,
}

impl Beta {
    fn new(kind: SessionKind) -> Self {
        let settings = Settings {
            kind,
            dialect: Dialect::Beta,
            model: "gpt-4o-realtime-preview".to_owned(),
            script: Arc::new(Script::from_yaml("hear: Hello?\nturns: [{reply: [{say: Hello.}]}]").unwrap()),
            ..Settings::default()
        };
        let mut beta = Self {
            talk: Talk {
                brain: Brain::new(settings),
                now: Duration::ZERO,
                fresh: Vec::new(),
                closed: None,
            },
            wire: Vec::new(),
        };
        let outputs = beta.talk.brain.open(Duration::ZERO);
        beta.take(outputs);
        beta
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let Output::Event(event) = output else {
                panic!("{output:?}")
            };
            if let Some(text) = self.talk.brain.encode(&event) {
                self.wire.push(serde_json::from_str(&text).unwrap());
            }
        }
    }

    fn send(&mut self, event: &Value) -> &mut Self {
        let outputs = self.talk.brain.handle_text(&event.to_string(), self.talk.now);
        self.take(outputs);
        self
    }

    fn pass_ms(&mut self, ms: u64) -> &mut Self {
        let end = self.talk.now + Duration::from_millis(ms);
        while let Some(due) = self.talk.brain.deadline().filter(|due| *due <= end) {
            self.talk.now = self.talk.now.max(due);
            let outputs = self.talk.brain.poll(self.talk.now);
            self.take(outputs);
        }
        self.talk.now = end;
        self
    }

    fn look(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.wire)
    }

    fn error(&mut self) -> (Value, Value) {
        let events = self.look();
        let error = &one(&events, "error")["error"];
        assert_eq!(events.len(), 1);
        (error["code"].clone(), error["param"].clone())
    }
}

#[test]
fn a_turn_has_the_order_and_the_keys_of_beta() {
    let mut beta = Beta::new(SessionKind::Realtime);
    for piece in phrase(700, 900, 500).chunks(4800) {
        beta.send(&json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(piece)}));
    }
    beta.pass_ms(10_000);
    let events = beta.look();
    let mut kinds: Vec<&str> = events.iter().map(kind).collect();
    kinds.dedup();
    let delta = |kind: &&str| kind.ends_with(".delta");
    assert!(kinds.contains(&"response.audio.delta"));
    assert!(kinds.contains(&"response.audio_transcript.delta"));
    kinds.retain(|kind| !delta(kind));
    assert_eq!(
        kinds,
        [
            "session.created",
            "conversation.created",
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.created",
            "response.created",
            "rate_limits.updated",
            "response.output_item.added",
            "conversation.item.created",
            "response.content_part.added",
            "response.audio.done",
            "response.audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
    );
    let session = &events[0]["session"];
    for (key, wanted) in [
        ("object", json!("realtime.session")),
        ("model", json!("gpt-4o-realtime-preview")),
        ("modalities", json!(["text", "audio"])),
        ("voice", json!("alloy")),
        ("input_audio_format", json!("pcm16")),
        ("output_audio_format", json!("pcm16")),
        ("input_audio_transcription", Value::Null),
        ("input_audio_noise_reduction", Value::Null),
        ("tools", json!([])),
        ("tool_choice", json!("auto")),
        ("temperature", json!(0.8)),
        ("max_response_output_tokens", json!("inf")),
        ("client_secret", Value::Null),
        (
            "turn_detection",
            json!({"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
                "create_response": true, "interrupt_response": true}),
        ),
    ] {
        assert_eq!(session.get(key), Some(&wanted), "{key}");
    }
    for key in [
        "type",
        "audio",
        "output_modalities",
        "tracing",
        "prompt",
        "include",
    ] {
        assert_eq!(session.get(key), None, "{key}");
    }
    let names: Vec<&Value> = one(&events, "rate_limits.updated")["rate_limits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|limit| &limit["name"])
        .collect();
    assert_eq!(names, ["requests", "tokens"]);
    let done = &one(&events, "response.done")["response"];
    assert_eq!(done["modalities"], json!(["text", "audio"]));
    assert_eq!(
        (&done["voice"], &done["output_audio_format"]),
        (&json!("alloy"), &json!("pcm16"))
    );
    assert_eq!(done["temperature"], 0.8);
    let item = &done["output"][0];
    assert_eq!(item["object"], "realtime.item");
    assert_eq!(
        item["content"],
        json!([{"type": "audio", "transcript": "Hello."}])
    );
    assert_eq!(done.get("audio"), None);
    let details = done["usage"]["input_token_details"].as_object().unwrap();
    let details: Vec<&str> = details.keys().map(String::as_str).collect();
    assert_eq!(details, ["audio_tokens", "cached_tokens", "text_tokens"]);
}

#[test]
fn settings_are_taken_in_beta_form() {
    let mut beta = Beta::new(SessionKind::Realtime);
    beta.look();
    beta.send(
        &json!({"type": "session.update", "session": {"modalities": ["text"], "voice": "echo",
        "input_audio_format": "g711_ulaw", "input_audio_transcription": {"model": "whisper-1"},
        "turn_detection": {"type": "none"}, "temperature": 0.7, "max_response_output_tokens": 100,
        "instructions": "Be brief."}}),
    );
    let events = beta.look();
    let session = &one(&events, "session.updated")["session"];
    assert_eq!(session["modalities"], json!(["text"]));
    assert_eq!(
        (&session["voice"], &session["input_audio_format"]),
        (&json!("echo"), &json!("g711_ulaw"))
    );
    assert_eq!(session["turn_detection"], json!({"type": "none"}));
    assert_eq!(
        (&session["temperature"], &session["max_response_output_tokens"]),
        (&json!(0.7), &json!(100))
    );
    assert_eq!(session["instructions"], "Be brief.");
    beta.send(
        &json!({"type": "conversation.item.create", "item": {"type": "message", "role": "assistant",
        "content": [{"type": "text", "text": "Before."}]}}),
    );
    let events = beta.look();
    let created = one(&events, "conversation.item.created");
    assert_eq!(
        created["item"]["content"],
        json!([{"type": "text", "text": "Before."}])
    );
    beta.send(&json!({"type": "response.create", "response": {"modalities": ["text"], "temperature": 0.9}}));
    let events = beta.pass_ms(5000).look();
    let text: String = of(&events, "response.text.delta")
        .iter()
        .map(|one| one["delta"].as_str().unwrap())
        .collect();
    assert_eq!(text, "Hello.");
    assert_eq!(one(&events, "response.text.done")["text"], "Hello.");
}

#[test]
fn what_beta_has_not_is_refused() {
    let mut beta = Beta::new(SessionKind::Realtime);
    beta.look();
    let mut error = |event: Value| beta.send(&event).error();
    let session = |session: Value| json!({"type": "session.update", "session": session});
    let item = |item: Value| json!({"type": "conversation.item.create", "item": item});
    for (wrong, code, param) in [
        (
            session(json!({"type": "realtime"})),
            "unknown_parameter",
            "session.type",
        ),
        (
            session(json!({"audio": {}})),
            "unknown_parameter",
            "session.audio",
        ),
        (
            session(json!({"temperature": 0.5})),
            "decimal_below_min_value",
            "session.temperature",
        ),
        (
            session(json!({"temperature": 1.3})),
            "decimal_above_max_value",
            "session.temperature",
        ),
        (
            session(json!({"modalities": ["audio"]})),
            "invalid_value",
            "session.modalities",
        ),
        (
            json!({"type": "response.create", "response": {"output_modalities": ["text"]}}),
            "unknown_parameter",
            "response.output_modalities",
        ),
        (
            session(json!({"turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000}})),
            "unknown_parameter",
            "session.turn_detection.idle_timeout_ms",
        ),
        (
            session(json!({"input_audio_transcription": {"model": "whisper-1", "languages": ["en"]}})),
            "unknown_parameter",
            "session.input_audio_transcription.languages",
        ),
        (
            session(json!({"input_audio_noise_reduction": {"type": "near_field", "strength": 0.5}})),
            "unknown_parameter",
            "session.input_audio_noise_reduction.strength",
        ),
        (
            session(json!({"tools": [{"type": "mcp", "server_label": "s", "server_url": "https://s"}]})),
            "invalid_value",
            "session.tools[0].type",
        ),
        (
            session(json!({"tool_choice": {"type": "mcp", "server_label": "s"}})),
            "invalid_value",
            "session.tool_choice.type",
        ),
        (
            item(json!({"type": "message", "role": "user", "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,AA=="}]})),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            item(json!({"type": "message", "role": "assistant", "phase": "commentary", "content": []})),
            "unknown_parameter",
            "item.phase",
        ),
        (
            item(json!({"type": "mcp_approval_response", "approval_request_id": "a", "approve": true})),
            "invalid_value",
            "item.type",
        ),
        (
            json!({"type": "response.create", "response": {"input": [
                {"type": "mcp_approval_response", "approval_request_id": "a", "approve": true}]}}),
            "invalid_value",
            "response.input[0].type",
        ),
        (
            json!({"type": "input_audio_buffer.append", "audio": "?"}),
            "invalid_value",
            "audio",
        ),
        (json!({"type": "foo"}), "invalid_value", "type"),
        (json!({"typ": "foo"}), "invalid_event", "type"),
    ] {
        assert_eq!(error(wrong.clone()), (json!(code), json!(param)), "{wrong}");
    }
    assert_eq!(error(session(json!({"voice": [1]}))).0, "invalid_value");
    assert_eq!(error(json!([])), (json!("invalid_event"), Value::Null));
}

#[test]
fn a_transcription_has_events_of_its_own() {
    let mut beta = Beta::new(SessionKind::Transcription);
    let events = beta.look();
    assert_eq!(events.len(), 1);
    let session = &one(&events, "transcription_session.created")["session"];
    assert_eq!(session["input_audio_format"], "pcm16");
    beta.send(&json!({"type": "transcription_session.update", "session": {
        "input_audio_transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": {"type": "none"}}}));
    let events = beta.look();
    let session = &one(&events, "transcription_session.updated")["session"];
    assert_eq!(session["input_audio_transcription"]["model"], "gpt-4o-transcribe");
    beta.send(&json!({"type": "input_audio_buffer.append", "audio": STANDARD.encode(phrase(0, 500, 0))}));
    beta.send(&json!({"type": "input_audio_buffer.commit"}))
        .pass_ms(2000);
    let events = beta.look();
    let completed = one(&events, "conversation.item.input_audio_transcription.completed");
    assert_eq!(completed["transcript"], "Hello?");
}

#[test]
fn nothing_that_is_sent_makes_it_fall() {
    let mut rng = fastrand::Rng::with_seed(9);
    let seeds = [
        json!({"type": "session.update", "session": {"modalities": ["text"], "tool_choice": {"type": "function",
            "function": {"name": "f"}}, "tools": [], "temperature": 1, "turn_detection": null}}),
        json!({"type": "response.create", "response": {"input_items": [], "voice": {"name": "x"}, "modalities": []}}),
        json!({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "x"}]}}),
    ];
    for _ in 0..3000 {
        let mut bytes = rng.choice(seeds.iter()).unwrap().to_string().into_bytes();
        for _ in 0..rng.usize(..4) {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(b' '..b'~');
        }
        let mut beta = Beta::new(SessionKind::Realtime);
        beta.look();
        let outputs = beta
            .talk
            .brain
            .handle_text(&String::from_utf8_lossy(&bytes), Duration::ZERO);
        beta.take(outputs);
        assert!(
            !beta.look().is_empty(),
            "an answer to {}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
