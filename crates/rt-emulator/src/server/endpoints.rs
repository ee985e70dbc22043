//! The HTTP endpoints: ephemeral keys and calls.

use rt_protocol::http::{
    CallAccept, CallRefer, ClientSecretRequest, ClientSecretResponse, TranslationSecretRequest,
};
use rt_protocol::limits::LimitError;
use rt_protocol::session::SessionKind;
use rt_protocol::{RealtimeSession, Session};
use serde_json::Value;

use super::access::{Books, DEFAULT_MODEL, Denial, bearer};
use super::request::{Request, error_body, failure_body};
use super::route::{Door, Route, Target, Verb};
use super::{Shared, body};
use crate::brain::{Body, Failure, Settings, check_body, effective};

/// How long an ephemeral key lives unless its request says otherwise, in seconds.
const DEFAULT_SECONDS: u64 = 600;
/// What answers an SDP offer: a peer that nobody reaches.
const SDP_ANSWER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 127.0.0.1\r\na=mid:0\r\na=ice-ufrag:emul\r\n\
    a=ice-pwd:emulatoremulatoremulator\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:passive\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 127.0.0.1\r\na=mid:1\r\na=setup:passive\r\n\
    a=sctp-port:5000\r\n";

/// An HTTP answer. It may hold a key, so it has no `Debug`.
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// Headers besides the usual ones.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: String,
}

impl Answer {
    /// An answer without headers of its own.
    fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Adds a header.
    fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl From<Denial> for Answer {
    fn from(denial: Denial) -> Self {
        Self::new(denial.status, denial.body)
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self::new(400, failure_body(&failure))
    }
}

impl From<LimitError> for Answer {
    fn from(error: LimitError) -> Self {
        Failure::new("invalid_value", error.to_string())
            .param(error.field())
            .into()
    }
}

/// Answers a request that is no handshake.
pub(super) fn answer_to(
    shared: &Shared,
    request: &Request,
    route: &Route<'_>,
    body: &[u8],
    now: u64,
) -> Answer {
    if request.method != "POST" {
        let message = format!("Not allowed to {} here.", request.method);
        return Answer::new(405, error_body(None, &message)).header("Allow", "POST");
    }
    let answer = admit(shared, request, route, now).and_then(|session| match route.target {
        Target::ClientSecrets => secret(shared, body, now),
        Target::TranslationSecrets => translation_secret(shared, body, now),
        Target::Calls => call(shared, request, route, session, body),
        Target::Call { id, verb } => about_call(shared, id, verb, body),
        Target::Realtime | Target::Translations | Target::Health => {
            Err(Answer::new(404, error_body(None, "Not found.")))
        }
    });
    answer.unwrap_or_else(|answer| answer)
}

/// The session that comes with a good key, if one does.
fn admit(shared: &Shared, request: &Request, route: &Route<'_>, now: u64) -> Result<Option<Session>, Answer> {
    let books = Books {
        secrets: &shared.secrets,
        calls: &shared.calls,
        now,
    };
    if route.door != Door::OpenAi {
        return Ok(shared.access.admit_azure(request, route.door, books)?);
    }
    let refuse = |code, message| Answer::new(401, error_body(code, message));
    let key =
        bearer(request).ok_or_else(|| refuse(None, "Missing bearer or basic authentication in header."))?;
    let session = shared.access.admit(key, books);
    session.ok_or_else(|| refuse(Some("invalid_api_key"), "Incorrect API key provided."))
}

/// A body that has to be JSON of a certain form; `path` is where it stands.
fn checked<'a>(kind: Body, path: &str, bytes: &'a [u8]) -> Result<&'a str, Answer> {
    let malformed = || Failure::new("invalid_json", "The body is not valid JSON.");
    let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
    let value: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    check_body(kind, path, &value)?;
    Ok(text)
}

/// What was checked and can't be read nevertheless.
fn unreadable() -> Answer {
    Failure::new("invalid_value", "The body can't be read.").into()
}

/// The session as it will be, with all defaults.
fn session_of(
    kind: SessionKind,
    model: Option<&str>,
    wanted: &Session,
    expires_at: u64,
) -> Result<Session, Answer> {
    let settings = Settings {
        kind,
        model: model.unwrap_or(DEFAULT_MODEL).to_owned(),
        session: Some(wanted.clone()),
        seed: fastrand::u64(..),
        opened_at: expires_at,
        ..Settings::default()
    };
    Ok(effective(&settings)?)
}

/// `POST realtime/client_secrets`.
fn secret(shared: &Shared, body: &[u8], now: u64) -> Result<Answer, Answer> {
    let text = checked(Body::Secret, "", if body.is_empty() { b"{}" } else { body })?;
    let request = ClientSecretRequest::from_json(text).map_err(|_| unreadable())?;
    request.check()?;
    let wanted = request.session.value().cloned().unwrap_or_default();
    let model = match &wanted {
        Session::Realtime(session) => session.model.as_deref(),
        _ => None,
    };
    let kind = wanted.kind().unwrap_or(SessionKind::Realtime);
    let session = session_of(kind, model, &wanted, 0)?;
    let seconds = request
        .expires_after
        .value()
        .and_then(|after| after.seconds.value().copied());
    Ok(given(shared, wanted, session, now, seconds))
}

/// `POST realtime/translations/client_secrets`.
fn translation_secret(shared: &Shared, body: &[u8], now: u64) -> Result<Answer, Answer> {
    let text = checked(Body::TranslationSecret, "", body)?;
    let request = TranslationSecretRequest::from_json(text).map_err(|_| unreadable())?;
    request.check()?;
    let seconds = request
        .expires_after
        .value()
        .and_then(|after| after.seconds.value().copied());
    let model = request.session.model.as_deref().map(str::to_owned);
    let wanted = Session::from(request.session);
    let expires_at = now.saturating_add(seconds.unwrap_or(DEFAULT_SECONDS));
    let session = session_of(SessionKind::Translation, model.as_deref(), &wanted, expires_at)?;
    Ok(given(shared, wanted, session, now, seconds))
}

/// The answer with a new key.
fn given(shared: &Shared, wanted: Session, session: Session, now: u64, seconds: Option<u64>) -> Answer {
    let expires_at = now.saturating_add(seconds.unwrap_or(DEFAULT_SECONDS));
    let response = ClientSecretResponse {
        value: shared.secrets.make(wanted, expires_at).into(),
        expires_at,
        session,
    };
    Answer::new(200, response.to_json())
}

/// `POST realtime/calls`: a form, or the bare offer.
fn call(
    shared: &Shared,
    request: &Request,
    route: &Route<'_>,
    of_key: Option<Session>,
    body: &[u8],
) -> Result<Answer, Answer> {
    let content_type = request.header("content-type").unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let (offer, session) = if kind.eq_ignore_ascii_case("application/sdp") {
        (body, None)
    } else if kind.eq_ignore_ascii_case("multipart/form-data") {
        let fields = body::form(content_type, body)
            .ok_or_else(|| Failure::new("invalid_form", "The form can't be read."))?;
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| *value)
        };
        (
            field("sdp").ok_or_else(|| Failure::missing("sdp"))?,
            field("session"),
        )
    } else {
        let message = "The body has to be multipart/form-data or application/sdp.";
        return Err(Answer::new(
            415,
            error_body(Some("unsupported_content_type"), message),
        ));
    };
    if !offer.starts_with(b"v=0") {
        let message = "Invalid 'sdp': expected an SDP offer.";
        return Err(Failure::new("invalid_offer", message).param("sdp").into());
    }
    let session = match (session, of_key) {
        (Some(session), _) => call_session("session", session)?,
        (None, Some(Session::Realtime(session))) => *session,
        (None, _) => RealtimeSession::default(),
    };
    let id = shared.calls.begin(Some(session));
    Ok(Answer::new(201, SDP_ANSWER)
        .header("Content-Type", "application/sdp")
        .header("Location", format!("{}/calls/{id}", route.base())))
}

/// The session of a call, if it is good.
fn call_session(path: &str, bytes: &[u8]) -> Result<RealtimeSession, Answer> {
    let text = checked(Body::Call, path, bytes)?;
    let accept = CallAccept::from_json(text).map_err(|_| unreadable())?;
    accept.check()?;
    let Session::Realtime(session) = accept.0 else {
        return Err(unreadable());
    };
    session_of(
        SessionKind::Realtime,
        session.model.as_deref(),
        &Session::Realtime(session.clone()),
        0,
    )?;
    Ok(*session)
}

/// What is done with a call.
fn about_call(shared: &Shared, id: &str, verb: Verb, body: &[u8]) -> Result<Answer, Answer> {
    if !shared.calls.has(id) {
        return Err(Answer::new(
            404,
            error_body(Some("call_id_not_found"), "No such call."),
        ));
    }
    match verb {
        Verb::Accept => {
            shared.calls.accept(id, call_session("", body)?);
        }
        Verb::Reject => {
            checked(Body::Reject, "", if body.is_empty() { b"{}" } else { body })?;
            shared.calls.end(id);
        }
        Verb::Refer => {
            let text = checked(Body::Refer, "", body)?;
            CallRefer::from_json(text).map_err(|_| unreadable())?.check()?;
        }
        Verb::Hangup => {
            shared.calls.end(id);
        }
    }
    Ok(Answer::new(200, ""))
}
