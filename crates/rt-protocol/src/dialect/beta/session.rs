//! Sessions: flat in beta, nested in GA.

use std::mem::take;

use serde::{Deserialize, Serialize};

use super::super::encoded::Warnings;
use super::super::{BetaVariant, WarningReason};
use super::State;
use super::flat::{Flat, InSession, With};
use super::settings;
use super::wire::write;
use crate::error::DecodeError;
use crate::read::body as read;
use crate::session::AudioFormat;
use crate::session::{RealtimeSession, Session, SessionAudio, TranscriptionSession};
use crate::{Field, field};

/// `session.update`, `session.created` or `session.updated`.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de> + Default"))]
pub(super) struct SessionMessage<S> {
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub(super) event_id: Field<String>,
    #[serde(default, deserialize_with = "field::or_default")]
    pub(super) session: S,
}

/// Reads a message about a session, beta or already GA.
pub(super) fn decode(
    state: &mut State,
    event_type: &str,
    json: &str,
) -> Result<SessionMessage<Session>, DecodeError> {
    let flat = read::<InSession>(event_type, json)?.session;
    set(&mut state.temperature_told, flat.temperature);
    let kind = flat.kind.as_deref();
    if kind.is_some_and(|kind| !matches!(kind, "realtime" | "transcription")) {
        return read(event_type, json);
    }
    let is_transcription = event_type.trim().starts_with("transcription_session.")
        || kind == Some("transcription")
        || (kind.is_none() && flat.object.as_deref() == Some("realtime.transcription_session"));
    Ok(if is_transcription {
        let mut message: SessionMessage<TranscriptionSession> = read(event_type, json)?;
        put_input(flat, &mut message.session.audio, state);
        message.map(Session::from)
    } else {
        let mut message: SessionMessage<RealtimeSession> = read(event_type, json)?;
        put(flat, &mut message.session, state);
        message.map(Session::from)
    })
}

impl<S> SessionMessage<S> {
    fn map<T>(self, f: impl FnOnce(S) -> T) -> SessionMessage<T> {
        SessionMessage {
            event_id: self.event_id,
            session: f(self.session),
        }
    }
}

/// Puts the settings where GA has them. What the message does not have stays absent.
fn put(mut flat: Flat, session: &mut RealtimeSession, state: &mut State) {
    let modalities = take(&mut flat.modalities).map(settings::modalities_to_ga);
    set(&mut session.output_modalities, modalities);
    set(
        &mut session.max_output_tokens,
        take(&mut flat.max_response_output_tokens),
    );
    if let Some(choice) = flat.tool_choice.value().and_then(settings::tool_choice_to_ga) {
        session.tool_choice = choice.into();
    }
    let audio = &mut session.audio;
    put_audio(audio, take(&mut flat.voice), |audio| {
        &mut audio.output.or_default().voice
    });
    put_audio(audio, take(&mut flat.speed), |audio| {
        &mut audio.output.or_default().speed
    });
    let format =
        take(&mut flat.output_audio_format).map(|format| settings::format_to_ga(format, Field::Absent));
    put_audio(audio, format, |audio| &mut audio.output.or_default().format);
    put_input(flat, audio, state);
}

/// The settings of the input, which transcription sessions have too.
fn put_input(flat: Flat, audio: &mut Field<SessionAudio>, state: &mut State) {
    let rate = flat.input_audio_sampling_rate;
    let format = match flat.input_audio_format {
        // A rate by itself is an update of nothing else.
        Field::Absent if !rate.is_absent() => {
            let mut format = AudioFormat::default();
            format.rate = rate;
            format.into()
        }
        format => format.map(|format| settings::format_to_ga(format, rate)),
    };
    put_audio(audio, format, |audio| &mut audio.input.or_default().format);
    put_audio(audio, flat.input_audio_transcription, |audio| {
        &mut audio.input.or_default().transcription
    });
    put_audio(audio, flat.input_audio_noise_reduction, |audio| {
        &mut audio.input.or_default().noise_reduction
    });
    let detection = settings::turn_detection_to_ga(flat.turn_detection, state);
    put_audio(audio, detection, |audio| {
        &mut audio.input.or_default().turn_detection
    });
}

/// Sets a field, and makes the objects around it only if there is something to set.
pub(super) fn put_audio<A: Default, T>(
    audio: &mut Field<A>,
    value: Field<T>,
    place: fn(&mut A) -> &mut Field<T>,
) {
    if !value.is_absent() {
        *place(audio.or_default()) = value;
    }
}

/// Sets a field that the message has.
pub(super) fn set<T>(place: &mut Field<T>, value: Field<T>) {
    if !value.is_absent() {
        *place = value;
    }
}

/// The kind of message about a session: its name is another one for transcription sessions.
#[derive(Clone, Copy)]
pub(super) enum About {
    Update,
    Created,
    Updated,
}

/// Writes a message about a session; `None` for kinds of session that beta has not.
pub(super) fn encode(
    state: &State,
    about: About,
    event_id: Field<String>,
    session: &Session,
    warnings: &mut Warnings,
) -> Option<String> {
    let (realtime, transcription) = match about {
        About::Update => ("session.update", "transcription_session.update"),
        About::Created => ("session.created", "transcription_session.created"),
        About::Updated => ("session.updated", "transcription_session.updated"),
    };
    let json = match session {
        Session::Realtime(session) => {
            let mut session = flatten((**session).clone(), state, warnings);
            session.flat.temperature = match about {
                About::Update => state.temperature_set.into(),
                About::Created | About::Updated => state.temperature_to_tell(),
            };
            write(realtime, &SessionMessage { event_id, session })
        }
        Session::Transcription(session) => {
            let mut same = (**session).clone();
            let mut flat = Flat::default();
            take_audio(take(&mut same.audio), &mut flat, state, warnings);
            for (is_there, path) in [
                (!take(&mut flat.voice).is_absent(), "audio.output.voice"),
                (!take(&mut flat.speed).is_absent(), "audio.output.speed"),
                (
                    !take(&mut flat.output_audio_format).is_absent(),
                    "audio.output.format",
                ),
            ] {
                if is_there {
                    warnings.add(path, WarningReason::NoSuchField);
                }
            }
            let session = With { same, flat };
            write(transcription, &SessionMessage { event_id, session })
        }
        Session::Translation(_) => return None,
        // A session that was given as it shall be on the wire.
        Session::Unknown(raw) => write(
            realtime,
            &SessionMessage {
                event_id,
                session: raw,
            },
        ),
    };
    Some(json)
}

fn flatten(mut same: RealtimeSession, state: &State, warnings: &mut Warnings) -> With<RealtimeSession> {
    let mut flat = Flat {
        modalities: take(&mut same.output_modalities).map(settings::modalities_to_beta),
        max_response_output_tokens: take(&mut same.max_output_tokens),
        tool_choice: settings::tool_choice_to_beta(&mut same.tool_choice, state, warnings),
        ..Flat::default()
    };
    settings::tools_to_beta(&mut same.tools, state, warnings);
    warnings.drop(&mut same.reasoning, "reasoning");
    warnings.drop(&mut same.parallel_tool_calls, "parallel_tool_calls");
    take_audio(take(&mut same.audio), &mut flat, state, warnings);
    With { same, flat }
}

/// Takes the settings of `audio` apart.
pub(super) fn take_audio(
    audio: Field<SessionAudio>,
    flat: &mut Flat,
    state: &State,
    warnings: &mut Warnings,
) {
    let audio = warnings.open(audio, "audio");

    let mut input = warnings.open(audio.input, "audio.input");
    let (format, rate) = settings::format_to_beta(input.format, "audio.input.format", warnings);
    flat.input_audio_format = format;
    match rate {
        Some(rate) if state.variant == BetaVariant::VoiceLive => flat.input_audio_sampling_rate = rate.into(),
        Some(_) => warnings.add("audio.input.format.rate", WarningReason::NoSuchField),
        None => {}
    }
    flat.input_audio_transcription =
        settings::transcription_to_beta(input.transcription, "audio.input.transcription", warnings);
    if let Field::Value(reduction) = &mut input.noise_reduction {
        warnings.drop(&mut reduction.strength, "audio.input.noise_reduction.strength");
    }
    flat.input_audio_noise_reduction = input.noise_reduction;
    flat.turn_detection = settings::turn_detection_to_beta(
        input.turn_detection,
        "audio.input.turn_detection",
        state,
        warnings,
    );

    let mut output = warnings.open(audio.output, "audio.output");
    let (format, rate) = settings::format_to_beta(output.format, "audio.output.format", warnings);
    flat.output_audio_format = format;
    if rate.is_some() {
        warnings.add("audio.output.format.rate", WarningReason::NoSuchField);
    }
    flat.voice = output.voice;
    flat.speed = output.speed;
    warnings.drop(&mut output.language, "audio.output.language");
}
