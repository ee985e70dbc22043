//! One request: attempts until it is answered, refused for good or out of time.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use tokio::time::Instant;

use super::HttpClient;
use crate::classify::Failure;
use crate::error::{Error, ErrorKind};
use crate::http::call::Call;
use crate::http::exchange::{Answer, exchange, lost};
use crate::http::retry::Failed;

impl HttpClient {
    pub(super) async fn request(&self, call: Call) -> Result<Answer, Error> {
        let name = self.name(&call.path);
        let deadline = Instant::now() + self.timeout.min(Duration::from_secs(3600));
        let can_refresh = self.context.credentials.can_refresh();
        let mut refresh = false;
        let mut made = 0;
        // The statuses of the refusals so far, and whether an attempt that failed may have done it nevertheless.
        let (mut statuses, mut maybe_done) = (Vec::new(), false);
        loop {
            let mut sent = false;
            let attempt = self.attempt(&call, &name, refresh, deadline, &mut sent);
            let attempt = tokio::time::timeout_at(deadline, attempt);
            let failed = match attempt.await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(failed)) => failed,
                Err(_) => {
                    let error = match sent || maybe_done {
                        true => lost(&name),
                        false => Error::new(
                            ErrorKind::Handshake,
                            format!("{name} could not be sent within {:?}", self.timeout),
                        ),
                    };
                    return Err(error.with_attempts(made + 1));
                }
            };
            made += 1;
            if call.ends && maybe_done && failed.status() == Some(404) {
                return Ok(Answer::default());
            }
            let again = failed.status().is_some_and(|status| statuses.contains(&status));
            statuses.extend(failed.status());
            maybe_done |= !failed.is_undone();
            let policy = &self.context.config.retry;
            let wait = failed
                .wait(call.repeatable, can_refresh, again, made, policy, rand::random())
                .filter(|wait| made < self.attempts && Instant::now() + *wait < deadline);
            let Some(wait) = wait else {
                return Err(self.error(&name, &failed).with_attempts(made));
            };
            refresh = failed.status() == Some(401);
            tracing::debug!(request = %name, delay_ms = wait.as_millis(), "again");
            tokio::time::sleep(wait).await;
        }
    }

    fn error(&self, name: &str, failed: &Failed) -> Error {
        match &failed.failure {
            Failure::Refused(refusal) => refusal.to_error(&format!("the server refused {name}")),
            failure => failure.to_error(),
        }
    }

    async fn attempt(
        &self,
        call: &Call,
        name: &str,
        refresh: bool,
        deadline: Instant,
        sent: &mut bool,
    ) -> Result<Answer, Failed> {
        let limit = self.context.config.timeouts.attempt;
        let opening = tokio::time::timeout(limit, self.open(call, refresh));
        let (stream, request) = match opening.await {
            Ok(opened) => opened.map_err(Failed::unsent)?,
            Err(_) => return Err(Failed::unsent(Failure::AttemptTimeout(limit))),
        };
        *sent = true;
        exchange(stream, request, name, call.has_content, deadline).await
    }

    /// A stream, and the request with the credentials of this attempt.
    async fn open(
        &self,
        call: &Call,
        refresh: bool,
    ) -> Result<(Box<dyn crate::transport::Io>, Request<Full<Bytes>>), Failure> {
        let context = &self.context;
        let headers = context.signed_headers(refresh).await?;
        let mut target = context.target();
        // Without credentials too: what a tool's server wants to see may be in the request, and an ephemeral key in the answer.
        target.loopback_only = !target.is_tls && !context.config.allow_insecure;
        let stream = context
            .dialer
            .dial(&target)
            .await
            .map_err(|error| error.into_failure())?;
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = Method::POST;
        let not_a_request = |_| Failure::Config(Error::config("the endpoint cannot be asked by HTTP"));
        *request.uri_mut() = format!("{}{}", self.base, call.path)
            .parse()
            .map_err(not_a_request)?;
        let own = request.headers_mut();
        *own = headers;
        let host = HeaderValue::from_str(&context.endpoint.address().authority())
            .map_err(|_| Failure::Config(Error::config("the endpoint's host cannot be a header")))?;
        own.insert(header::HOST, host);
        own.insert(header::CONNECTION, HeaderValue::from_static("close"));
        own.insert(header::ACCEPT, HeaderValue::from_static(call.accept));
        if let Some(content_type) = &call.content_type {
            own.insert(header::CONTENT_TYPE, content_type.clone());
        }
        Ok((stream, request))
    }
}
