//! [`Route`]: what a path asks for, and in whose manner it is answered.

/// In whose manner a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// OpenAI: what is wrong is told after the 101.
    OpenAi,
    /// Azure OpenAI at `/openai/v1`: what is wrong is the status of the handshake.
    Azure,
    /// Azure OpenAI with an `api-version`: as [`Azure`](Self::Azure), in the beta dialect.
    AzurePreview,
}

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// A WebSocket: a conversation, a transcription, or a call that goes on elsewhere.
    Realtime,
    /// A WebSocket: a translation.
    Translations,
    /// `POST`: an ephemeral key.
    ClientSecrets,
    /// `POST`: an ephemeral key for a translation.
    TranslationSecrets,
    /// `POST`: a new call.
    Calls,
    /// `POST`: something about a call.
    Call {
        /// The id of the call.
        id: &'a str,
        /// What is to be done with it.
        verb: Verb,
    },
    /// `GET`: whether the server is well.
    Health,
}

/// What is to be done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Take it.
    Accept,
    /// Turn it down.
    Reject,
    /// Pass it on.
    Refer,
    /// End it.
    Hangup,
}

/// A path, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    /// In whose manner it is answered.
    pub(crate) door: Door,
    /// What it asks for.
    pub(crate) target: Target<'a>,
}

impl<'a> Route<'a> {
    /// Understands a path; `None` if there is nothing at it.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        if path == "/health" {
            return Some(Self {
                door: Door::OpenAi,
                target: Target::Health,
            });
        }
        if path == "/openai/realtime" {
            return Some(Self {
                door: Door::AzurePreview,
                target: Target::Realtime,
            });
        }
        let (door, rest) = if let Some(rest) = path.strip_prefix("/openai/v1/realtime") {
            (Door::Azure, rest)
        } else {
            (Door::OpenAi, path.strip_prefix("/v1/realtime")?)
        };
        let target = match rest {
            "" => Target::Realtime,
            "/translations" => Target::Translations,
            "/client_secrets" => Target::ClientSecrets,
            "/translations/client_secrets" => Target::TranslationSecrets,
            "/calls" => Target::Calls,
            _ => {
                let (id, verb) = rest.strip_prefix("/calls/")?.split_once('/')?;
                let verb = match verb {
                    "accept" => Verb::Accept,
                    "reject" => Verb::Reject,
                    "refer" => Verb::Refer,
                    "hangup" => Verb::Hangup,
                    _ => return None,
                };
                Target::Call { id, verb }
            }
        };
        Some(Self { door, target })
    }

    /// Where the paths of this manner begin, for the `Location` of something new.
    pub(crate) fn base(&self) -> &'static str {
        match self.door {
            Door::OpenAi => "/v1/realtime",
            Door::Azure => "/openai/v1/realtime",
            Door::AzurePreview => "/openai/realtime",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_understood() {
        let call = |verb| Target::Call { id: "rtc_1", verb };
        for (path, door, target) in [
            ("/v1/realtime", Door::OpenAi, Target::Realtime),
            ("/openai/v1/realtime", Door::Azure, Target::Realtime),
            ("/openai/realtime", Door::AzurePreview, Target::Realtime),
            ("/v1/realtime/translations", Door::OpenAi, Target::Translations),
            (
                "/openai/v1/realtime/client_secrets",
                Door::Azure,
                Target::ClientSecrets,
            ),
            (
                "/v1/realtime/translations/client_secrets",
                Door::OpenAi,
                Target::TranslationSecrets,
            ),
            ("/v1/realtime/calls", Door::OpenAi, Target::Calls),
            (
                "/v1/realtime/calls/rtc_1/accept",
                Door::OpenAi,
                call(Verb::Accept),
            ),
            (
                "/openai/v1/realtime/calls/rtc_1/hangup",
                Door::Azure,
                call(Verb::Hangup),
            ),
            ("/health", Door::OpenAi, Target::Health),
        ] {
            assert_eq!(Route::of(path), Some(Route { door, target }), "{path}");
        }
        for path in [
            "/",
            "/v1",
            "/v1/models",
            "/v1/realtime/",
            "/v1/realtimes",
            "/v1/realtime/calls/rtc_1",
            "/v1/realtime/calls/rtc_1/dance",
            "/v1/realtime/calls/rtc_1/accept/x",
            "/openai/realtime/client_secrets",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
