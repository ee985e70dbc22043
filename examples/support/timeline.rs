//! What happens to a connection, line by line.

use std::time::Instant;

use rt_lowlevel::ConnectionEvent;
use rt_protocol::ServerEvent;

/// One line of the timeline.
pub fn tell(start: Instant, event: &ConnectionEvent) {
    let line = match event {
        ConnectionEvent::Opened(opened) => format!("session {} is open", opened.epoch),
        ConnectionEvent::Interrupted(response) => {
            format!("a response was cut off after {} ms", response.played_ms)
        }
        ConnectionEvent::Retrying(retrying) => format!("again in {:?}: {}", retrying.delay, retrying.cause),
        ConnectionEvent::Restored(report) => format!(
            "restored in {:?}: {} items, {:?} of speech again, {} lost",
            report.downtime,
            report.restored,
            report.replayed,
            report.lost.len()
        ),
        ConnectionEvent::Settled(settled) => format!("{} commands: {:?}", settled.count, settled.fate),
        ConnectionEvent::Closed(closed) => format!("closed by {:?}", closed.by),
        ConnectionEvent::Server(ServerEvent::ConversationItemInputAudioTranscriptionCompleted(event)) => {
            format!("heard: {}", event.transcript)
        }
        ConnectionEvent::Server(
            event @ (ServerEvent::InputAudioBufferSpeechStarted(_)
            | ServerEvent::InputAudioBufferCommitted(_)
            | ServerEvent::ResponseDone(_)),
        ) => event.event_type().to_owned(),
        _ => return,
    };
    println!("{:7.3} s  {line}", start.elapsed().as_secs_f64());
}
