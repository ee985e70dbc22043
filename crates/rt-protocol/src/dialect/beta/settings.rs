//! Values that have another form in beta: modalities, formats, turn detection, tool choice.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde_json::{Map, Value, json};

use super::super::encoded::Warnings;
use super::super::{BetaVariant, WarningReason};
use super::State;
use crate::session::{
    AudioFormat, AudioFormatKind, Modality, ServerVad, Tool, ToolChoice, ToolChoiceTool, Transcription,
    TurnDetection,
};
use crate::{Field, RawObject};

/// Audio has its transcript in GA, so that `["text","audio"]` is `["audio"]`.
pub(super) fn modalities_to_ga(mut modalities: Vec<Modality>) -> Vec<Modality> {
    if modalities.contains(&Modality::Audio) {
        modalities.retain(|modality| *modality != Modality::Text);
    }
    modalities
}

/// Beta does not take audio without text.
pub(super) fn modalities_to_beta(mut modalities: Vec<Modality>) -> Vec<Modality> {
    if modalities.contains(&Modality::Audio) && !modalities.contains(&Modality::Text) {
        modalities.insert(0, Modality::Text);
    }
    modalities
}

/// `pcm16` is `audio/pcm` at 24 kHz unless a rate is given. Formats that GA has not stay as they are.
pub(super) fn format_to_ga(format: AudioFormat, rate: Field<u32>) -> AudioFormat {
    let name = format.kind.value().map(AudioFormatKind::as_str);
    let mut format = match name {
        Some("pcm16") => AudioFormat::pcm(),
        Some("g711_ulaw") => AudioFormat::pcmu(),
        Some("g711_alaw") => AudioFormat::pcma(),
        _ => return format,
    };
    if format.rate.value().is_some() && rate.value().is_some() {
        format.rate = rate;
    }
    format
}

/// The beta name of a format. The rate of PCM is not part of it and is given back.
pub(super) fn format_to_beta(
    format: Field<AudioFormat>,
    path: &str,
    warnings: &mut Warnings,
) -> (Field<AudioFormat>, Option<u32>) {
    let Field::Value(format) = format else {
        return (format, None);
    };
    let name = match format.kind {
        Field::Value(AudioFormatKind::Pcm) => "pcm16",
        Field::Value(AudioFormatKind::Pcmu) => "g711_ulaw",
        Field::Value(AudioFormatKind::Pcma) => "g711_alaw",
        Field::Value(AudioFormatKind::Other(ref name)) => name,
        // A rate by itself.
        Field::Absent if format.rate.value().is_some() => return (Field::Absent, format.rate.into_value()),
        Field::Absent | Field::Null => {
            warnings.add(path, WarningReason::NoSuchValue);
            return (Field::Absent, None);
        }
    };
    let rate = format.rate.value().copied().filter(|rate| *rate != 24_000);
    (named(name), rate)
}

/// `{"type":"none"}` is off, which is `null` in GA.
pub(super) fn turn_detection_to_ga(
    detection: Field<TurnDetection>,
    state: &mut State,
) -> Field<TurnDetection> {
    if is_none(&detection) {
        state.none_seen = true;
        return Field::Null;
    }
    detection
}

/// Off as the other side knows it, and without what beta has not.
pub(super) fn turn_detection_to_beta(
    mut detection: Field<TurnDetection>,
    path: &str,
    state: &State,
    warnings: &mut Warnings,
) -> Field<TurnDetection> {
    if detection.is_null() || is_none(&detection) {
        return if state.off_is_none() { none() } else { Field::Null };
    }
    if let Field::Value(TurnDetection::ServerVad(ServerVad { idle_timeout_ms, .. })) = &mut detection {
        warnings.drop(idle_timeout_ms, &format!("{path}.idle_timeout_ms"));
    }
    detection
}

/// A format as a bare name.
fn named(name: &str) -> Field<AudioFormat> {
    let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
    AudioFormat::deserialize(name).ok().into()
}

fn none() -> Field<TurnDetection> {
    let off = Map::from_iter([("type".to_owned(), Value::from("none"))]);
    TurnDetection::Unknown(RawObject(off)).into()
}

fn is_none(detection: &Field<TurnDetection>) -> bool {
    matches!(detection, Field::Value(TurnDetection::Unknown(raw)) if raw.kind() == Some("none"))
}

/// Without what beta has not.
pub(super) fn transcription_to_beta(
    mut transcription: Field<Transcription>,
    path: &str,
    warnings: &mut Warnings,
) -> Field<Transcription> {
    if let Field::Value(settings) = &mut transcription {
        warnings.drop(&mut settings.languages, &format!("{path}.languages"));
        warnings.drop(&mut settings.keywords, &format!("{path}.keywords"));
        warnings.drop(&mut settings.delay, &format!("{path}.delay"));
    }
    transcription
}

/// The function that a nested choice names.
pub(super) fn tool_choice_to_ga(choice: &Value) -> Option<ToolChoice> {
    let name = choice.get("function")?.get("name")?.as_str()?;
    Some(ToolChoice::Tool(ToolChoiceTool {
        kind: "function".into(),
        name: name.into(),
        ..ToolChoiceTool::default()
    }))
}

/// Takes the choice away where beta has not got it. Where a function is nested, gives that form.
pub(super) fn tool_choice_to_beta(
    choice: &mut Field<ToolChoice>,
    state: &State,
    warnings: &mut Warnings,
) -> Field<Value> {
    let Field::Value(ToolChoice::Tool(tool)) = choice else {
        return Field::Absent;
    };
    let kind = tool.kind.as_deref();
    if kind == Some("mcp") && state.variant != BetaVariant::VoiceLive {
        *choice = Field::Absent;
        warnings.add("tool_choice", WarningReason::NoSuchValue);
    } else if kind == Some("function") && state.variant == BetaVariant::AzurePreview {
        let nested = json!({"type": "function", "function": {"name": tool.name.as_deref()}});
        *choice = Field::Absent;
        return Field::Value(nested);
    }
    Field::Absent
}

/// Takes away the MCP tools where beta has not got them.
pub(super) fn tools_to_beta(tools: &mut Field<Vec<Tool>>, state: &State, warnings: &mut Warnings) {
    if state.variant == BetaVariant::VoiceLive {
        return;
    }
    let Field::Value(tools) = tools else { return };
    let mut place = 0;
    tools.retain(|tool| {
        let keep = !matches!(tool, Tool::Mcp(_));
        if !keep {
            warnings.add(&format!("tools[{place}]"), WarningReason::NoSuchValue);
        }
        place += 1;
        keep
    });
}
