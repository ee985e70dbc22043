//! One line about an event.

use rt_lowlevel::ConnectionEvent;
use rt_protocol::ServerEvent;

/// The event's type and what is worth knowing of it.
pub fn describe(event: &ServerEvent) -> String {
    use ServerEvent as E;
    let seconds = |ms: u64| format!("at {}.{:03} s", ms / 1000, ms % 1000);
    let detail = match event {
        E::SessionCreated(event) => event.session.id().unwrap_or_default().to_owned(),
        E::Error(event) => format!(
            "{}: {}",
            event.error.code.as_deref().unwrap_or(&event.error.kind),
            event.error.message
        ),
        E::InputAudioBufferSpeechStarted(event) => seconds(event.audio_start_ms),
        E::InputAudioBufferSpeechStopped(event) => seconds(event.audio_end_ms),
        E::InputAudioBufferCommitted(event) => event.item_id.clone(),
        E::ConversationItemAdded(event) => event.item.id().unwrap_or_default().to_owned(),
        E::ConversationItemDone(event) => event.item.id().unwrap_or_default().to_owned(),
        E::ConversationItemInputAudioTranscriptionDelta(event) => {
            format!("{:?}", event.delta.as_deref().unwrap_or_default())
        }
        E::ConversationItemInputAudioTranscriptionCompleted(event) => format!("{:?}", &*event.transcript),
        E::ResponseOutputTextDelta(event) => format!("{:?}", &*event.delta),
        E::ResponseOutputTextDone(event) => format!("{:?}", &*event.text),
        E::ResponseOutputAudioTranscriptDelta(event) => format!("{:?}", &*event.delta),
        E::ResponseOutputAudioTranscriptDone(event) => format!("{:?}", &*event.transcript),
        E::ResponseOutputAudioDelta(event) => format!("{} bytes", event.delta.len()),
        E::ResponseCreated(event) => event.response.id.as_deref().unwrap_or_default().to_owned(),
        E::ResponseDone(event) => event
            .response
            .status
            .value()
            .map(ToString::to_string)
            .unwrap_or_default(),
        _ => String::new(),
    };
    format!("{}  {detail}", event.event_type()).trim_end().to_owned()
}

/// What happened to the connection.
pub fn describe_connection(event: &ConnectionEvent) -> String {
    match event {
        ConnectionEvent::Opened(opened) => format!("(connected, session {})", opened.epoch),
        ConnectionEvent::Retrying(retrying) => {
            format!("(trying again in {:?}: {})", retrying.delay, retrying.cause)
        }
        ConnectionEvent::Malformed(error) => format!("({error})"),
        _ => "(something new)".to_owned(),
    }
}
