//! What the setters write: every one of them, as JSON.

#![expect(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, called with literals"
)]

use rt_protocol::client_event::{
    ConversationItemCreate, ConversationItemDelete, ConversationItemRetrieve, ConversationItemTruncate,
    InputAudioBufferAppend, ResponseCancel, ResponseCreate, SessionInputAudioBufferAppend, SessionUpdate,
};
use rt_protocol::item::{ImageDetail, Message, Role};
use rt_protocol::response::ConversationChoice;
use rt_protocol::session::{
    ApprovalFilter, ApprovalMode, AudioFormat, CustomVoice, Eagerness, FunctionTool, Include,
    MaxOutputTokens, McpTool, McpToolFilter, NoiseReduction, NoiseReductionKind, Prompt, ReasoningEffort,
    RetentionRatio, SemanticVad, ServerVad, SessionAudio, SessionKind, ToolChoice, ToolChoiceMode, Tracing,
    TracingConfig, Transcription, TranscriptionDelay, TranscriptionSession, TranslationSession,
    TruncationMode, VoiceName,
};
use rt_protocol::{
    ClientEvent, ContentPart, Item, Pcm16, RawObject, RealtimeSession, ResponseParams, Session,
};
use serde::Serialize;
use serde_json::{Value, json};

#[track_caller]
fn writes(value: impl Serialize, expected: Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), expected);
}

#[track_caller]
fn sends(event: impl Into<ClientEvent>, expected: Value) {
    let event = event.into();
    assert_eq!(serde_json::from_str::<Value>(&event.to_json()).unwrap(), expected);
    assert_eq!(event.check(), Ok(()));
}

fn raw(value: Value) -> RawObject {
    serde_json::from_value(value).unwrap()
}

#[test]
fn every_setter_of_a_session() {
    let session = RealtimeSession::new()
        .model("gpt-realtime")
        .spoken()
        .instructions("Be brief.")
        .tool(FunctionTool::new("price"))
        .tool(McpTool::server("shop", "https://example.com/mcp"))
        .tool_choice(ToolChoiceMode::Required)
        .parallel_tool_calls(false)
        .max_output_tokens(500)
        .reasoning_effort(ReasoningEffort::Low)
        .tracing(
            TracingConfig::new("shop")
                .group_id("g")
                .metadata(raw(json!({"a": 1}))),
        )
        .truncation(RetentionRatio::new(0.5).post_instructions(1000))
        .prompt(
            Prompt::new("pmpt_1")
                .version("2")
                .variables(raw(json!({"city": "Rome"}))),
        )
        .input_format(AudioFormat::pcmu())
        .transcription(
            Transcription::new("gpt-4o-transcribe")
                .language("en")
                .languages(["en", "it"])
                .keywords(["tulip"])
                .prompt("flowers")
                .delay(TranscriptionDelay::Low),
        )
        .noise_reduction(NoiseReduction::new(NoiseReductionKind::NearField).strength(0.5))
        .server_vad(
            ServerVad::new()
                .threshold(0.6)
                .prefix_padding_ms(200)
                .silence_duration_ms(300)
                .idle_timeout_ms(6000)
                .create_response(true)
                .interrupt_response(false),
        )
        .output_format(AudioFormat::pcma())
        .voice(VoiceName::Marin)
        .speed(1.25)
        .include([Include::InputTranscriptionLogprobs]);
    assert_eq!(session.check(), Ok(()));
    writes(
        &session,
        json!({
            "model": "gpt-realtime",
            "output_modalities": ["audio"],
            "instructions": "Be brief.",
            "tools": [
                {"type": "function", "name": "price"},
                {"type": "mcp", "server_label": "shop", "server_url": "https://example.com/mcp"},
            ],
            "tool_choice": "required",
            "parallel_tool_calls": false,
            "max_output_tokens": 500,
            "reasoning": {"effort": "low"},
            "tracing": {"workflow_name": "shop", "group_id": "g", "metadata": {"a": 1}},
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.5, "token_limits": {"post_instructions": 1000}},
            "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Rome"}},
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {
                        "model": "gpt-4o-transcribe", "language": "en", "languages": ["en", "it"],
                        "keywords": ["tulip"], "prompt": "flowers", "delay": "low",
                    },
                    "noise_reduction": {"type": "near_field", "strength": 0.5},
                    "turn_detection": {
                        "type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 200, "silence_duration_ms": 300,
                        "idle_timeout_ms": 6000, "create_response": true, "interrupt_response": false,
                    },
                },
                "output": {"format": {"type": "audio/pcma"}, "voice": "marin", "speed": 1.25},
            },
            "include": ["item.input_audio_transcription.logprobs"],
        }),
    );
    // Each setter replaces what it set before, and nothing else.
    writes(
        session
            .text_only()
            .tools([])
            .tool_choice(ToolChoice::function("price"))
            .max_output_tokens(MaxOutputTokens::INF)
            .no_tracing()
            .truncation(TruncationMode::Disabled)
            .prompt("pmpt_2")
            .audio(SessionAudio::default())
            .no_transcription()
            .no_noise_reduction()
            .manual_turns()
            .voice(CustomVoice::new("voice_1"))
            .include([]),
        json!({
            "model": "gpt-realtime",
            "output_modalities": ["text"],
            "instructions": "Be brief.",
            "tools": [],
            "tool_choice": {"type": "function", "name": "price"},
            "parallel_tool_calls": false,
            "max_output_tokens": "inf",
            "reasoning": {"effort": "low"},
            "tracing": null,
            "truncation": "disabled",
            "prompt": {"id": "pmpt_2"},
            "audio": {
                "input": {"transcription": null, "noise_reduction": null, "turn_detection": null},
                "output": {"voice": {"id": "voice_1"}},
            },
            "include": [],
        }),
    );
    writes(RealtimeSession::new(), json!({}));
}

#[test]
fn other_kinds_of_session() {
    let vad = SemanticVad::new()
        .eagerness(Eagerness::Low)
        .create_response(false)
        .interrupt_response(true);
    writes(
        Session::from(
            TranscriptionSession::new(Transcription::new("gpt-transcribe").language("it"))
                .input_format(AudioFormat::pcm())
                .noise_reduction(NoiseReductionKind::FarField)
                .semantic_vad(vad)
                .include([Include::InputTranscriptionLogprobs]),
        ),
        json!({
            "type": "transcription",
            "audio": {"input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "gpt-transcribe", "language": "it"},
                "noise_reduction": {"type": "far_field"},
                "turn_detection": {
                    "type": "semantic_vad", "eagerness": "low", "create_response": false, "interrupt_response": true,
                },
            }},
            "include": ["item.input_audio_transcription.logprobs"],
        }),
    );
    writes(
        TranscriptionSession::new("whisper-1")
            .server_vad(ServerVad::new().no_idle_timeout())
            .no_noise_reduction(),
        json!({"audio": {"input": {
            "transcription": {"model": "whisper-1"},
            "noise_reduction": null,
            "turn_detection": {"type": "server_vad", "idle_timeout_ms": null},
        }}}),
    );
    writes(
        TranslationSession::to("es")
            .model("gpt-realtime-translate")
            .transcription("gpt-realtime-whisper")
            .noise_reduction(NoiseReductionKind::NearField),
        json!({
            "model": "gpt-realtime-translate",
            "audio": {
                "input": {"transcription": {"model": "gpt-realtime-whisper"}, "noise_reduction": {"type": "near_field"}},
                "output": {"language": "es"},
            },
        }),
    );
    writes(
        TranslationSession::to("es")
            .no_transcription()
            .no_noise_reduction(),
        json!({"audio": {"input": {"transcription": null, "noise_reduction": null}, "output": {"language": "es"}}}),
    );
    writes(Tracing::AUTO, json!("auto"));
}

#[test]
fn tools() {
    let tunnel = format!("tunnel_{}", "a".repeat(32));
    let filter = McpToolFilter {
        read_only: true.into(),
        ..McpToolFilter::default()
    };
    let approval = ApprovalFilter {
        never: filter.clone().into(),
        ..ApprovalFilter::default()
    };
    writes(
        McpTool::tunnel("shop", &tunnel)
            .authorization("token")
            .server_description("Flowers.")
            .header("X-Shop", "1")
            .header("X-Till", "2")
            .allowed_tools(["price", "stock"])
            .allowed_callers(["direct"])
            .require_approval(approval)
            .defer_loading(true),
        json!({
            "server_label": "shop", "tunnel_id": tunnel, "authorization": "token", "server_description": "Flowers.",
            "headers": {"X-Shop": "1", "X-Till": "2"}, "allowed_tools": ["price", "stock"],
            "allowed_callers": ["direct"], "require_approval": {"never": {"read_only": true}}, "defer_loading": true,
        }),
    );
    writes(
        McpTool::connector("mail", "connector_gmail")
            .allowed_tools(filter)
            .require_approval(ApprovalMode::Always),
        json!({
            "server_label": "mail", "connector_id": "connector_gmail", "allowed_tools": {"read_only": true},
            "require_approval": "always",
        }),
    );
    writes(
        FunctionTool::new("f")
            .description("d")
            .parameters(json!({"type": "object"})),
        json!({"name": "f", "description": "d", "parameters": {"type": "object"}}),
    );
    writes(
        ToolChoice::mcp("shop", None),
        json!({"type": "mcp", "server_label": "shop"}),
    );
    writes(
        ToolChoice::mcp("shop", Some("price")),
        json!({"type": "mcp", "server_label": "shop", "name": "price"}),
    );
}

#[test]
fn every_setter_of_a_response() {
    let params = ResponseParams::new()
        .spoken()
        .instructions("i")
        .voice("cedar")
        .output_format(AudioFormat::pcm())
        .tool(FunctionTool::new("f"))
        .tool_choice(ToolChoiceMode::Auto)
        .parallel_tool_calls(true)
        .reasoning_effort(ReasoningEffort::High)
        .max_output_tokens(1)
        .conversation(ConversationChoice::Auto)
        .metadata([("a", "1")])
        .metadata([("b".to_owned(), "2".to_owned())])
        .prompt("p")
        .input([Item::reference("item_1")]);
    sends(
        ResponseCreate::new(params.clone()),
        json!({"type": "response.create", "response": {
            "output_modalities": ["audio"],
            "instructions": "i",
            "audio": {"output": {"voice": "cedar", "format": {"type": "audio/pcm", "rate": 24000}}},
            "tools": [{"type": "function", "name": "f"}],
            "tool_choice": "auto",
            "parallel_tool_calls": true,
            "reasoning": {"effort": "high"},
            "max_output_tokens": 1,
            "conversation": "auto",
            "metadata": {"a": "1", "b": "2"},
            "prompt": {"id": "p"},
            "input": [{"type": "item_reference", "id": "item_1"}],
        }}),
    );
    let audio = params
        .text_only()
        .out_of_band()
        .tools([])
        .input([])
        .audio(SessionAudio::default());
    assert_eq!(audio.audio, SessionAudio::default().into());
    assert_eq!(audio.conversation, ConversationChoice::None.into());
    assert_eq!((audio.tools, audio.input), (vec![].into(), vec![].into()));
    sends(ResponseCreate::default(), json!({"type": "response.create"}));
    sends(
        ResponseCancel::new("resp_1"),
        json!({"type": "response.cancel", "response_id": "resp_1"}),
    );
}

#[test]
fn items() {
    let audio = Pcm16::from_samples(&[1, 2, 3]);
    let message = |role: &str, content: Value| json!({"type": "message", "role": role, "content": content});
    writes(
        Item::user_audio(audio.clone()),
        message("user", json!([{"type": "input_audio", "audio": "AQACAAMA"}])),
    );
    writes(
        Item::user_image("data:image/png;base64,AAAA"),
        message(
            "user",
            json!([{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]),
        ),
    );
    writes(
        Item::from(
            Message::user()
                .text("What?")
                .audio(audio)
                .part(ContentPart::jpeg(&[0xff, 0xd8]).detail(ImageDetail::High)),
        ),
        message(
            "user",
            json!([
                {"type": "input_text", "text": "What?"},
                {"type": "input_audio", "audio": "AQACAAMA"},
                {"type": "input_image", "image_url": "data:image/jpeg;base64,/9g=", "detail": "high"},
            ]),
        ),
    );
    for (role, kind) in [
        (Role::User, "input_text"),
        (Role::System, "input_text"),
        (Role::Assistant, "output_text"),
    ] {
        let name = role.to_string();
        writes(
            Item::from(Message::new(role, []).text("t")),
            message(&name, json!([{"type": kind, "text": "t"}])),
        );
    }
    writes(
        Item::function_call("call_1", "price", "{}").with_id("item_1"),
        json!({"type": "function_call", "id": "item_1", "name": "price", "call_id": "call_1", "arguments": "{}"}),
    );
    writes(
        Item::mcp_approval("mcpr_1", true).with_id("item_2"),
        json!({"type": "mcp_approval_response", "id": "item_2", "approval_request_id": "mcpr_1", "approve": true}),
    );
}

#[test]
fn events() {
    sends(
        ConversationItemCreate::new(Item::reference("a")).after("b"),
        json!({"type": "conversation.item.create", "previous_item_id": "b", "item": {"type": "item_reference", "id": "a"}}),
    );
    sends(
        ConversationItemCreate::new(Message::user()).at_start(),
        json!({
            "type": "conversation.item.create", "previous_item_id": "root",
            "item": {"type": "message", "role": "user", "content": []},
        }),
    );
    sends(
        ConversationItemRetrieve::new("a"),
        json!({"type": "conversation.item.retrieve", "item_id": "a"}),
    );
    sends(
        ConversationItemDelete::new("a"),
        json!({"type": "conversation.item.delete", "item_id": "a"}),
    );
    sends(
        ConversationItemTruncate::new("a", 1500).content_index(1),
        json!({"type": "conversation.item.truncate", "item_id": "a", "content_index": 1, "audio_end_ms": 1500}),
    );
    let audio = Pcm16::from_samples(&[1, 2, 3]);
    sends(
        InputAudioBufferAppend::new(audio.clone()),
        json!({"type": "input_audio_buffer.append", "audio": "AQACAAMA"}),
    );
    sends(
        SessionInputAudioBufferAppend::new(audio),
        json!({"type": "session.input_audio_buffer.append", "audio": "AQACAAMA"}),
    );
    sends(
        ClientEvent::from(SessionUpdate::new(TranscriptionSession::new("whisper-1"))).with_event_id("e"),
        json!({"type": "session.update", "event_id": "e", "session": {
            "type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}},
        }}),
    );
}

#[test]
fn a_translation_that_was_sent_with_a_type_is_still_one() {
    let json =
        r#"{"type":"session.update","session":{"type":"translation","audio":{"output":{"language":"es"}}}}"#;
    let event = ClientEvent::from_json(json).unwrap();
    let again = ClientEvent::from_json_for(SessionKind::Translation, &event.to_json());
    assert_eq!(again.unwrap(), event);
    sends(
        event,
        json!({"type": "session.update", "session": {"audio": {"output": {"language": "es"}}}}),
    );
}
