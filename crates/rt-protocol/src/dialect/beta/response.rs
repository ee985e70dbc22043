//! Responses, and the settings of `response.create`.

use std::mem::take;

use serde::Serialize;

use super::super::WarningReason;
use super::super::encoded::Warnings;
use super::flat::{Flat, InResponse, With};
use super::session::{put_audio, set, take_audio};
use super::wire::write;
use super::{State, item, settings};
use crate::client_event::ResponseCreate;
use crate::error::DecodeError;
use crate::read::body as read;
use crate::response::{Response, ResponseParams};
use crate::{Field, Item};

/// `response.create`, `response.created` or `response.done`, to be written.
#[derive(Serialize)]
struct ResponseMessage<R> {
    #[serde(skip_serializing_if = "Field::is_absent")]
    event_id: Field<String>,
    #[serde(skip_serializing_if = "Field::is_absent")]
    response: Field<R>,
}

/// Puts the settings of a reported response where GA has them.
pub(super) fn to_ga(response: &mut Response, event_type: &str, json: &str) -> Result<(), DecodeError> {
    let flat = read::<InResponse>(event_type, json)?.response;
    set(
        &mut response.output_modalities,
        flat.modalities.map(settings::modalities_to_ga),
    );
    set(&mut response.max_output_tokens, flat.max_response_output_tokens);
    let audio = &mut response.audio;
    put_audio(audio, flat.voice, |audio| &mut audio.output.or_default().voice);
    let format = flat
        .output_audio_format
        .map(|format| settings::format_to_ga(format, Field::Absent));
    put_audio(audio, format, |audio| &mut audio.output.or_default().format);
    for item in output(response) {
        item::to_ga(item);
    }
    Ok(())
}

/// The items of a response.
pub(super) fn output(response: &mut Response) -> &mut [Item] {
    response.output.value_mut().map_or(&mut [], Vec::as_mut_slice)
}

/// Writes `response.created` or `response.done`.
pub(super) fn encode(event_type: &str, event_id: &str, response: &Response) -> String {
    let mut same = response.clone();
    // The server's side has nobody to warn.
    let mut warnings = Warnings::of("");
    let audio = take(&mut same.audio).into_value().unwrap_or_default();
    let audio = audio.output.into_value().unwrap_or_default();
    let flat = Flat {
        modalities: take(&mut same.output_modalities).map(settings::modalities_to_beta),
        voice: audio.voice,
        output_audio_format: settings::format_to_beta(audio.format, "", &mut warnings).0,
        ..Flat::default()
    };
    for item in output(&mut same) {
        item::to_beta(item);
    }
    write(
        event_type,
        &ResponseMessage {
            event_id: event_id.into(),
            response: Field::Value(With { same, flat }),
        },
    )
}

/// Puts the settings of a `response.create` where GA has them.
pub(super) fn params_to_ga(
    event: &mut ResponseCreate,
    event_type: &str,
    json: &str,
) -> Result<(), DecodeError> {
    let Field::Value(params) = &mut event.response else {
        return Ok(());
    };
    let flat = read::<InResponse>(event_type, json)?.response;
    set(
        &mut params.output_modalities,
        flat.modalities.map(settings::modalities_to_ga),
    );
    set(&mut params.max_output_tokens, flat.max_response_output_tokens);
    if let Some(choice) = flat.tool_choice.value().and_then(settings::tool_choice_to_ga) {
        params.tool_choice = choice.into();
    }
    let audio = &mut params.audio;
    put_audio(audio, flat.voice, |audio| &mut audio.output.or_default().voice);
    let format = flat
        .output_audio_format
        .map(|format| settings::format_to_ga(format, Field::Absent));
    put_audio(audio, format, |audio| &mut audio.output.or_default().format);
    for item in params.input.value_mut().map_or(&mut [][..], Vec::as_mut_slice) {
        item::to_ga(item);
    }
    Ok(())
}

/// Writes a `response.create`.
pub(super) fn encode_create(state: &State, event: &ResponseCreate, warnings: &mut Warnings) -> String {
    let response = event
        .response
        .as_ref()
        .map(|params| flatten((**params).clone(), state, warnings));
    write(
        "response.create",
        &ResponseMessage {
            event_id: event.event_id.clone(),
            response,
        },
    )
}

fn flatten(mut same: ResponseParams, state: &State, warnings: &mut Warnings) -> With<ResponseParams> {
    let mut all = Flat::default();
    take_audio(take(&mut same.audio), &mut all, state, warnings);
    // A response has no input settings and no speed in either dialect, though the struct has.
    for (is_there, path) in [
        (!all.input_audio_format.is_absent(), "audio.input.format"),
        (
            !all.input_audio_transcription.is_absent(),
            "audio.input.transcription",
        ),
        (
            !all.input_audio_noise_reduction.is_absent(),
            "audio.input.noise_reduction",
        ),
        (!all.turn_detection.is_absent(), "audio.input.turn_detection"),
        (!all.speed.is_absent(), "audio.output.speed"),
    ] {
        if is_there {
            warnings.add(path, WarningReason::NoSuchField);
        }
    }
    let flat = Flat {
        modalities: take(&mut same.output_modalities).map(settings::modalities_to_beta),
        voice: all.voice,
        output_audio_format: all.output_audio_format,
        max_response_output_tokens: take(&mut same.max_output_tokens),
        tool_choice: settings::tool_choice_to_beta(&mut same.tool_choice, state, warnings),
        ..Flat::default()
    };
    settings::tools_to_beta(&mut same.tools, state, warnings);
    warnings.drop(&mut same.reasoning, "reasoning");
    warnings.drop(&mut same.parallel_tool_calls, "parallel_tool_calls");
    if let Field::Value(items) = &mut same.input {
        let mut place = 0;
        items.retain_mut(|item| {
            let keep = item::sent_to_beta(item, &format!("input[{place}]"), state, warnings);
            place += 1;
            keep
        });
    }
    With { same, flat }
}
