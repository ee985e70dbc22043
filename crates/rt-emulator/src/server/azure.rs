//! Azure's keys and errors: it tells what is wrong with a status and a body of its own.

use serde_json::json;

use super::access::{Astray, Denial, bearer};
use super::request::Request;

/// The key of a request: the `api-key` header or, for browsers, query parameter; or a bearer token.
pub(crate) fn key_of(request: &Request) -> Option<&str> {
    request
        .header("api-key")
        .or_else(|| request.query("api-key"))
        .filter(|key| !key.is_empty())
        .or_else(|| bearer(request))
}

/// An error body as Azure writes it.
pub(crate) fn error_body(code: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message}}).to_string()
}

/// The body that goes with a status.
pub(crate) fn body_of(status: u16) -> String {
    match status {
        401 => error_body(
            "401",
            "Access denied: there is no valid key or token for this resource in the request, or the address is wrong.",
        ),
        404 => error_body(
            "DeploymentNotFound",
            "There is no such deployment in this resource.",
        ),
        429 => error_body("429", "Too many requests for this deployment. Try again later."),
        status => error_body(&status.to_string(), "The request failed."),
    }
}

/// No good key.
pub(crate) fn bad_key() -> Denial {
    Denial {
        status: 401,
        body: body_of(401),
    }
}

/// The preview's path without an `api-version`.
pub(crate) fn no_version() -> Denial {
    Denial {
        status: 404,
        body: error_body("404", "Resource not found"),
    }
}

/// A request that leads nowhere.
pub(crate) fn lost(astray: &Astray) -> Denial {
    match astray {
        Astray::Model(_) => Denial {
            status: 404,
            body: body_of(404),
        },
        Astray::Call => Denial {
            status: 404,
            body: error_body("404", "No such call."),
        },
        Astray::KeyOfCall => bad_key(),
        Astray::NoModel | Astray::ModelOfTranscription => Denial {
            status: 400,
            body: error_body("BadRequest", "The name of the deployment is missing."),
        },
        Astray::Intent(intent) => Denial {
            status: 400,
            body: error_body("BadRequest", &format!("Invalid intent: '{intent}'.")),
        },
    }
}
