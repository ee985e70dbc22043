//! Which events, with which fields, a session of each kind takes.

use rt_protocol::session::SessionKind;

use super::Rule::{self, Choice, List, Nullable, Object, Tagged};
use super::rules::{EVENT_ID, EVENTS, INPUT, SESSION, TEXT, TEXT_OR_NULL, TYPE, may, must};
use super::{Field, bounds};

/// An event: its type and its fields.
type Event = (&'static str, &'static [Field]);

/// `session.update` of a transcription. One for a conversation is told apart later, by its type.
static TRANSCRIPTION_UPDATE: Event = (
    "session.update",
    &[
        TYPE,
        EVENT_ID,
        must(
            "session",
            &Tagged(&[("transcription", TRANSCRIPTION), ("realtime", SESSION)]),
        ),
    ],
);

/// The session of a transcription.
static TRANSCRIPTION: &[Field] = &[
    TYPE,
    may("include", &INCLUDE),
    may("audio", &Object(&[may("input", &Object(INPUT))])),
];

/// `include`.
const INCLUDE: Rule = Nullable(&List(&Choice(&["item.input_audio_transcription.logprobs"])));

/// The events of a translation.
static TRANSLATION_EVENTS: &[Event] = &[
    (
        "session.update",
        &[TYPE, EVENT_ID, must("session", &Object(TRANSLATION))],
    ),
    (
        "session.input_audio_buffer.append",
        &[TYPE, EVENT_ID, must("audio", &TEXT)],
    ),
    ("session.close", &[TYPE, EVENT_ID]),
];

/// The session of a translation; its clients send no `type`.
static TRANSLATION: &[Field] = &[
    may("type", &Choice(&["translation"])),
    may("model", &TEXT),
    may(
        "audio",
        &Object(&[
            may(
                "input",
                &Object(&[
                    may(
                        "transcription",
                        &Nullable(&Object(&[must("model", &TEXT), may("language", &TEXT_OR_NULL)])),
                    ),
                    may(
                        "noise_reduction",
                        &Nullable(&Object(&[must("type", &Choice(&["near_field", "far_field"]))])),
                    ),
                ]),
            ),
            may("output", &Object(&[may("language", &TEXT)])),
        ]),
    ),
];

/// When an ephemeral key expires.
const EXPIRES_AFTER: Rule = Nullable(&Object(&[
    may("anchor", &Choice(&["created_at"])),
    may("seconds", &bounds::SECRET_SECONDS),
]));

/// The body of a request for an ephemeral key.
static SECRET: &[Field] = &[
    may("expires_after", &EXPIRES_AFTER),
    may(
        "session",
        &Tagged(&[("realtime", SESSION), ("transcription", TRANSCRIPTION)]),
    ),
];

/// The body of a request for an ephemeral key of a translation.
static TRANSLATION_SECRET: &[Field] = &[
    may("expires_after", &EXPIRES_AFTER),
    must("session", &Object(TRANSLATION)),
];

/// The body of a rejection.
static REJECT: &[Field] = &[may("status_code", &Nullable(&Rule::Int(300, 699)))];

/// The body of a referral.
static REFER: &[Field] = &[must("target_uri", &TEXT)];

/// A body of an HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body {
    /// For an ephemeral key.
    Secret,
    /// For an ephemeral key of a translation.
    TranslationSecret,
    /// The session of a call.
    Call,
    /// Turns a call down.
    Reject,
    /// Passes a call on.
    Refer,
}

/// The session of a call: always a conversation.
static CALL: &[(&str, &[Field])] = &[("realtime", SESSION)];

impl Body {
    /// What such a body has to be.
    pub(super) fn rule(self) -> Rule {
        match self {
            Self::Secret => Object(SECRET),
            Self::TranslationSecret => Object(TRANSLATION_SECRET),
            Self::Call => Tagged(CALL),
            Self::Reject => Object(REJECT),
            Self::Refer => Object(REFER),
        }
    }
}

/// The type and the fields of an event that a session of the kind may be sent.
pub(super) fn event(kind: SessionKind, given: &str) -> Option<Event> {
    let find = |events: &[Event]| events.iter().find(|(name, _)| *name == given).copied();
    match kind {
        SessionKind::Transcription if given == "session.update" => Some(TRANSCRIPTION_UPDATE),
        SessionKind::Translation => find(TRANSLATION_EVENTS),
        _ => find(EVENTS),
    }
}

/// The types of these events.
pub(super) fn names(kind: SessionKind) -> Vec<&'static str> {
    let events = match kind {
        SessionKind::Translation => TRANSLATION_EVENTS,
        _ => EVENTS,
    };
    events.iter().map(|(name, _)| *name).collect()
}
