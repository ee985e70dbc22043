//! The fields of every event a client may send in a realtime session.

use super::Rule::{
    self, Any, Bool, By, Choice, DataUrl, Int, List, Metadata, Nullable, Object, StringOr, Tagged, Text,
};
use super::{Field, bounds};

/// Text without a documented limit.
pub(super) const TEXT: Rule = Text(usize::MAX);
/// Text, or null.
pub(super) const TEXT_OR_NULL: Rule = Nullable(&TEXT);

/// A field that may be left out.
pub(super) const fn may(name: &'static str, rule: &'static Rule) -> Field {
    Field {
        name,
        rule,
        required: false,
    }
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, rule: &'static Rule) -> Field {
    Field {
        name,
        rule,
        required: true,
    }
}

/// `type`, already checked.
pub(super) const TYPE: Field = may("type", &Any);
/// `event_id`.
pub(super) const EVENT_ID: Field = may("event_id", &bounds::EVENT_ID);

/// Every event the WebSocket accepts, with its fields.
pub(super) static EVENTS: &[(&str, &[Field])] = &[
    (
        "session.update",
        &[TYPE, EVENT_ID, must("session", &Object(SESSION))],
    ),
    (
        "session.input_audio_buffer.append",
        &[TYPE, EVENT_ID, must("audio", &TEXT)],
    ),
    ("session.close", &[TYPE, EVENT_ID]),
    (
        "input_audio_buffer.append",
        &[TYPE, EVENT_ID, must("audio", &TEXT)],
    ),
    ("input_audio_buffer.commit", &[TYPE, EVENT_ID]),
    ("input_audio_buffer.clear", &[TYPE, EVENT_ID]),
    (
        "conversation.item.create",
        &[
            TYPE,
            EVENT_ID,
            may("previous_item_id", &TEXT_OR_NULL),
            must("item", &Tagged(ITEM)),
        ],
    ),
    (
        "conversation.item.truncate",
        &[
            TYPE,
            EVENT_ID,
            must("item_id", &TEXT),
            must("content_index", &Int(0, 4_294_967_295)),
            must("audio_end_ms", &Int(0, i64::MAX)),
        ],
    ),
    (
        "conversation.item.delete",
        &[TYPE, EVENT_ID, must("item_id", &TEXT)],
    ),
    (
        "conversation.item.retrieve",
        &[TYPE, EVENT_ID, must("item_id", &TEXT)],
    ),
    (
        "response.create",
        &[TYPE, EVENT_ID, may("response", &Nullable(&Object(RESPONSE)))],
    ),
    (
        "response.cancel",
        &[TYPE, EVENT_ID, may("response_id", &TEXT_OR_NULL)],
    ),
];

/// `session` of `session.update`.
pub(super) static SESSION: &[Field] = &[
    must("type", &Choice(&["realtime", "transcription"])),
    may("model", &TEXT),
    may("output_modalities", &MODALITIES),
    may("instructions", &TEXT),
    may("tools", &TOOLS),
    may("tool_choice", &TOOL_CHOICE),
    may("parallel_tool_calls", &Bool),
    may("max_output_tokens", &bounds::OUTPUT_TOKENS),
    may("reasoning", &REASONING),
    may(
        "tracing",
        &Nullable(&StringOr(&Choice(&["auto"]), &Object(TRACING))),
    ),
    may("truncation", &TRUNCATION),
    may("prompt", &PROMPT),
    may(
        "include",
        &Nullable(&List(&Choice(&["item.input_audio_transcription.logprobs"]))),
    ),
    may(
        "audio",
        &Object(&[may("input", &Object(INPUT)), may("output", &Object(OUTPUT))]),
    ),
];

/// `response` of `response.create`.
static RESPONSE: &[Field] = &[
    may("conversation", &Choice(&["auto", "none"])),
    may("output_modalities", &MODALITIES),
    may("instructions", &TEXT),
    may("input", &List(&Tagged(INPUT_ITEM))),
    may("tools", &TOOLS),
    may("tool_choice", &TOOL_CHOICE),
    may("parallel_tool_calls", &Bool),
    may("max_output_tokens", &bounds::OUTPUT_TOKENS),
    may("reasoning", &REASONING),
    may("prompt", &PROMPT),
    may("metadata", &Nullable(&Metadata)),
    may(
        "audio",
        &Object(&[may(
            "output",
            &Object(&[may("format", &FORMAT), may("voice", &VOICE)]),
        )]),
    ),
];

/// `audio.input`.
pub(super) static INPUT: &[Field] = &[
    may("format", &FORMAT),
    may("transcription", &Nullable(&Object(TRANSCRIPTION))),
    may(
        "noise_reduction",
        &Nullable(&Object(&[
            must("type", &Choice(&["near_field", "far_field"])),
            may("strength", &bounds::NOISE_REDUCTION_STRENGTH),
        ])),
    ),
    may("turn_detection", &Nullable(&Tagged(TURN_DETECTION))),
];

/// `audio.output`.
static OUTPUT: &[Field] = &[
    may("format", &FORMAT),
    may("voice", &VOICE),
    may("speed", &bounds::SPEED),
];

/// `transcription`.
static TRANSCRIPTION: &[Field] = &[
    may("model", &TEXT),
    may("language", &TEXT_OR_NULL),
    may("languages", &Nullable(&List(&TEXT))),
    may("prompt", &TEXT_OR_NULL),
    may("keywords", &Nullable(&List(&TEXT))),
    may("delay", &Nullable(&Any)),
];

/// `turn_detection`, by type.
static TURN_DETECTION: &[(&str, &[Field])] = &[
    (
        "server_vad",
        &[
            TYPE,
            may("threshold", &bounds::VAD_THRESHOLD),
            may("prefix_padding_ms", &Int(0, 60_000)),
            may("silence_duration_ms", &Int(0, 60_000)),
            may("idle_timeout_ms", &Nullable(&bounds::IDLE_TIMEOUT)),
            may("create_response", &Bool),
            may("interrupt_response", &Bool),
        ],
    ),
    (
        "semantic_vad",
        &[
            TYPE,
            may("eagerness", &Choice(&["low", "medium", "high", "auto"])),
            may("create_response", &Bool),
            may("interrupt_response", &Bool),
        ],
    ),
];

/// `format`: the only rate of PCM is 24,000.
const FORMAT: Rule = Tagged(&[
    ("audio/pcm", &[TYPE, may("rate", &Int(24_000, 24_000))]),
    ("audio/pcmu", &[TYPE]),
    ("audio/pcma", &[TYPE]),
]);

/// `voice`: a name, or an object with an id.
const VOICE: Rule = StringOr(
    &Choice(&[
        "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar",
    ]),
    &Object(&[must("id", &TEXT)]),
);
/// `output_modalities`: one of the two.
const MODALITIES: Rule = List(&Choice(&["text", "audio"]));
/// `tools`.
const TOOLS: Rule = List(&Tagged(&[
    (
        "function",
        &[
            TYPE,
            must("name", &Text(64)),
            may("description", &TEXT_OR_NULL),
            may("parameters", &Nullable(&Any)),
        ],
    ),
    (
        "mcp",
        &[
            TYPE,
            must("server_label", &TEXT),
            may("server_url", &TEXT),
            may("connector_id", &TEXT),
            may("tunnel_id", &TEXT),
            may("authorization", &TEXT_OR_NULL),
            may("server_description", &TEXT_OR_NULL),
            may("headers", &Nullable(&Any)),
            may("allowed_tools", &Nullable(&Any)),
            may("allowed_callers", &Nullable(&Any)),
            may("require_approval", &Nullable(&Any)),
            may("defer_loading", &Nullable(&Bool)),
        ],
    ),
]));
/// `tool_choice`.
const TOOL_CHOICE: Rule = StringOr(
    &Choice(&["none", "auto", "required"]),
    &Tagged(&[
        ("function", &[TYPE, must("name", &TEXT)]),
        (
            "mcp",
            &[TYPE, must("server_label", &TEXT), may("name", &TEXT_OR_NULL)],
        ),
    ]),
);
/// `reasoning`.
const REASONING: Rule = Nullable(&Object(&[may(
    "effort",
    &Nullable(&Choice(&["minimal", "low", "medium", "high", "xhigh"])),
)]));
/// `tracing` as an object.
static TRACING: &[Field] = &[
    may("workflow_name", &TEXT_OR_NULL),
    may("group_id", &TEXT_OR_NULL),
    may("metadata", &Nullable(&Any)),
];
/// `truncation`.
const TRUNCATION: Rule = StringOr(
    &Choice(&["auto", "disabled"]),
    &Tagged(&[(
        "retention_ratio",
        &[
            TYPE,
            must("retention_ratio", &bounds::RETENTION_RATIO),
            may(
                "token_limits",
                &Nullable(&Object(&[may("post_instructions", &Int(0, i64::MAX))])),
            ),
        ],
    )]),
);
/// `prompt`.
const PROMPT: Rule = Nullable(&Object(&[
    must("id", &TEXT),
    may("version", &TEXT_OR_NULL),
    may("variables", &Nullable(&Any)),
]));

/// `id`, `object` and `status`, which every item may have.
const ID: Field = may("id", &TEXT_OR_NULL);
/// See [`ID`].
const OBJECT: Field = may("object", &Nullable(&Choice(&["realtime.item"])));
/// See [`ID`].
const STATUS: Field = may(
    "status",
    &Nullable(&Choice(&["completed", "incomplete", "in_progress"])),
);
/// `phase` of a message.
const PHASE: Field = may("phase", &TEXT_OR_NULL);

/// The fields of a message.
static MESSAGE: &[Field] = &[
    ID,
    OBJECT,
    TYPE,
    STATUS,
    PHASE,
    must("role", &Choice(&["user", "assistant", "system"])),
    must("content", &CONTENT),
];
/// The fields of a function call.
static FUNCTION_CALL: &[Field] = &[
    ID,
    OBJECT,
    TYPE,
    STATUS,
    must("name", &TEXT),
    must("arguments", &TEXT),
    may("call_id", &Nullable(&bounds::CALL_ID)),
];
/// The fields of the output of a function call.
static FUNCTION_CALL_OUTPUT: &[Field] = &[
    ID,
    OBJECT,
    TYPE,
    STATUS,
    // That of a call, whose length the service has chosen itself.
    must("call_id", &TEXT),
    must("output", &TEXT),
];
/// The fields of an answer to an approval request.
static APPROVAL: &[Field] = &[
    ID,
    OBJECT,
    TYPE,
    must("approval_request_id", &TEXT),
    must("approve", &Bool),
    may("reason", &TEXT_OR_NULL),
];

/// An item a client may create.
static ITEM: &[(&str, &[Field])] = &[
    ("message", MESSAGE),
    ("function_call", FUNCTION_CALL),
    ("function_call_output", FUNCTION_CALL_OUTPUT),
    ("mcp_approval_response", APPROVAL),
];
/// An item in the `input` of a response: also a reference to one in the conversation.
static INPUT_ITEM: &[(&str, &[Field])] = &[
    ("message", MESSAGE),
    ("function_call", FUNCTION_CALL),
    ("function_call_output", FUNCTION_CALL_OUTPUT),
    ("mcp_approval_response", APPROVAL),
    ("item_reference", &[TYPE, must("id", &TEXT)]),
];
/// The content of a message, by role.
const CONTENT: Rule = By(
    "role",
    &[
        ("user", List(&Tagged(USER_CONTENT))),
        ("assistant", List(&Tagged(ASSISTANT_CONTENT))),
        ("system", List(&Tagged(SYSTEM_CONTENT))),
    ],
);
/// `input_text`.
const INPUT_TEXT: (&str, &[Field]) = ("input_text", &[TYPE, must("text", &TEXT)]);
/// A content part of the user.
static USER_CONTENT: &[(&str, &[Field])] = &[
    INPUT_TEXT,
    (
        "input_audio",
        &[TYPE, must("audio", &TEXT), may("transcript", &TEXT_OR_NULL)],
    ),
    (
        "input_image",
        &[
            TYPE,
            must("image_url", &DataUrl),
            may("detail", &Nullable(&Choice(&["auto", "low", "high"]))),
        ],
    ),
];
/// A content part of the assistant.
static ASSISTANT_CONTENT: &[(&str, &[Field])] = &[
    ("output_text", &[TYPE, must("text", &TEXT)]),
    (
        "output_audio",
        &[
            TYPE,
            may("audio", &TEXT_OR_NULL),
            may("transcript", &TEXT_OR_NULL),
        ],
    ),
];
/// A content part of the system.
static SYSTEM_CONTENT: &[(&str, &[Field])] = &[INPUT_TEXT];
