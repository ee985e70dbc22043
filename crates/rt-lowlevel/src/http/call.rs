//! [`Call`]: what a request holds, and what may be made of its answer.

use bytes::Bytes;
use http::HeaderValue;

const JSON: &str = "application/json";

/// A request to be made.
pub(super) struct Call {
    /// Below the base, with a slash in front.
    pub(super) path: String,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) accept: &'static str,
    pub(super) body: Bytes,
    /// Whether doing it twice is the same as doing it once.
    pub(super) repeatable: bool,
    /// Whether the answer says more than that it was done.
    pub(super) has_content: bool,
    /// Whether it is done if there is nothing to do it to.
    pub(super) ends: bool,
}

impl Call {
    pub(super) fn json(path: String, body: String, repeatable: bool) -> Self {
        Self {
            path,
            content_type: Some(HeaderValue::from_static(JSON)),
            accept: JSON,
            body: body.into(),
            repeatable,
            has_content: true,
            ends: false,
        }
    }
}
