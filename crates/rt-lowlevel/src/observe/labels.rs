//! Values of labels: every one is in the program's text.

use rt_protocol::{ClientEvent, ServerEvent};

use crate::error::ErrorKind;

pub(super) const OTHER: &str = "other";

pub(super) fn cause(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidConfig => "invalid_config",
        ErrorKind::Insecure => "insecure",
        ErrorKind::TokenProvider => "token_provider",
        ErrorKind::Dns => "dns",
        ErrorKind::Tcp => "tcp",
        ErrorKind::Proxy => "proxy",
        ErrorKind::Tls => "tls",
        ErrorKind::Handshake => "handshake",
        ErrorKind::Unauthorized => "unauthorized",
        ErrorKind::Forbidden => "forbidden",
        ErrorKind::NotFound => "not_found",
        ErrorKind::Rejected => "rejected",
        ErrorKind::RateLimited => "rate_limited",
        ErrorKind::Quota => "quota",
        ErrorKind::ServerUnavailable => "server_unavailable",
        ErrorKind::RedirectRefused => "redirect_refused",
        ErrorKind::NotWebSocket => "not_websocket",
        ErrorKind::ClosedByServer => "closed_by_server",
        ErrorKind::ConnectionLost => "connection_lost",
        ErrorKind::SessionExpired => "session_expired",
        ErrorKind::PingTimeout => "ping_timeout",
        ErrorKind::WriteStall => "write_stall",
        ErrorKind::SlowConsumer => "slow_consumer",
        ErrorKind::Protocol => "protocol",
        ErrorKind::MessageTooLarge => "message_too_large",
        ErrorKind::InvalidEvent => "invalid_event",
        ErrorKind::InvalidBody => "invalid_body",
        ErrorKind::InvalidSignature => "invalid_signature",
        ErrorKind::Closed => "closed",
    }
}

pub(super) fn close_code(code: Option<u16>) -> &'static str {
    match code {
        None => "none",
        Some(1000) => "1000",
        Some(1001) => "1001",
        Some(1002) => "1002",
        Some(1003) => "1003",
        Some(1005) => "1005",
        Some(1007) => "1007",
        Some(1008) => "1008",
        Some(1009) => "1009",
        Some(1010) => "1010",
        Some(1011) => "1011",
        Some(1012) => "1012",
        Some(1013) => "1013",
        Some(1014) => "1014",
        Some(3000) => "3000",
        Some(4000) => "4000",
        Some(_) => OTHER,
    }
}

pub(super) fn of_server(event_type: &str) -> &'static str {
    known(ServerEvent::KNOWN_TYPES, event_type)
}

/// The type of a message of ours: what we write begins with it, in any dialect.
pub(super) fn of_client(json: &[u8]) -> &'static str {
    let rest = json.strip_prefix(br#"{"type":""#).unwrap_or_default();
    let name = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
    known(
        ClientEvent::KNOWN_TYPES,
        std::str::from_utf8(name).unwrap_or_default(),
    )
}

/// The code of a failed response.
pub(super) fn response_code(code: Option<&str>) -> &'static str {
    const CODES: [&str; 10] = [
        "server_error",
        "rate_limit_exceeded",
        "inference_rate_limit_exceeded",
        "insufficient_quota",
        "invalid_api_key",
        "content_filter",
        "context_length_exceeded",
        "billing_hard_limit_reached",
        "model_not_found",
        "session_expired",
    ];
    code.map_or("none", |code| known(&CODES, code))
}

fn known(list: &[&'static str], name: &str) -> &'static str {
    list.iter().copied().find(|known| *known == name).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_makes_up_is_no_label() {
        assert_eq!(of_server("response.done"), "response.done");
        assert_eq!(of_server("response.canary"), OTHER);
        assert_eq!(
            of_client(br#"{"type":"response.create","x":1}"#),
            "response.create"
        );
        assert_eq!(of_client(br#"{"type":"canary"}"#), OTHER);
        assert_eq!(of_client(b""), OTHER);
        assert_eq!(response_code(Some("server_error")), "server_error");
        assert_eq!(response_code(Some("canary")), OTHER);
        assert_eq!(response_code(None), "none");
        assert_eq!(close_code(Some(4999)), OTHER);
    }
}
