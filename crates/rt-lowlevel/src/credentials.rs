//! [`Credentials`]: what proves who is calling.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::endpoint::Provider;
use crate::error::{Error, ErrorKind};

/// A key, a token, or something that fetches tokens.
///
/// `Debug` shows which kind it is, never the value. The copy kept here is wiped from memory when dropped; those that
/// an attempt makes on the way to the kernel are short-lived, but not all of them can be wiped.
///
/// ```
/// use rt_lowlevel::Credentials;
///
/// let credentials = Credentials::api_key("  sk-example  ")?; // trimmed
/// assert_eq!(format!("{credentials:?}"), "Credentials(ApiKey, redacted)");
/// assert!(Credentials::api_key("“sk-example”").is_err()); // pasted with curly quotes
/// # Ok::<(), rt_lowlevel::Error>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    None,
    ApiKey(SecretString),
    Bearer(SecretString),
    Provider(Arc<dyn TokenProvider>),
}

/// Fetches bearer tokens, such as Microsoft Entra ID's.
///
/// It is asked before every connect, so a reconnect after hours has a fresh token; cache inside if fetching is
/// slow. After a 401 it is asked once more with `refresh` set. It runs in a task of its own: one that blocks its thread
/// does not hold up deadlines on a runtime with several threads, and one that panics ends the connection with
/// `InvalidConfig`.
#[async_trait::async_trait]
pub trait TokenProvider: Send + Sync + 'static {
    /// A token that is valid now. `refresh` says that the last one was refused: do not answer from a cache.
    ///
    /// # Errors
    /// Whatever keeps it from having one. The connection retries as it does when the network is down.
    ///
    /// # Cancel safety
    /// The future is dropped when the attempt's deadline passes or the connection is closed.
    async fn token(&self, refresh: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>>;
}

/// A bearer token. `Debug` does not show it.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Wraps a token. It is checked when it is used.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(SecretString::from(token.into()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Credentials {
    /// No credentials: for servers that ask for none.
    #[must_use]
    pub fn none() -> Self {
        Self { kind: Kind::None }
    }

    /// An API key: sent as `Authorization: Bearer` to OpenAI, as `api-key` to Azure. Surrounding space is cut off.
    ///
    /// # Errors
    /// `InvalidConfig` if it is empty or holds anything but visible ASCII. The error does not repeat it.
    pub fn api_key(key: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            kind: Kind::ApiKey(secret("API key", key.into())?),
        })
    }

    /// A bearer token that stays the same: an Entra ID token, or an ephemeral key (`ek_...`).
    ///
    /// # Errors
    /// `InvalidConfig` if it is empty or holds anything but visible ASCII. The error does not repeat it.
    pub fn bearer(token: impl Into<String>) -> Result<Self, Error> {
        Ok(Self {
            kind: Kind::Bearer(secret("bearer token", token.into())?),
        })
    }

    /// A provider that is asked for a bearer token before every connect.
    #[must_use]
    pub fn provider(provider: impl TokenProvider) -> Self {
        Self {
            kind: Kind::Provider(Arc::new(provider)),
        }
    }

    /// Whether nothing is sent.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self.kind, Kind::None)
    }

    pub(crate) fn can_refresh(&self) -> bool {
        matches!(self.kind, Kind::Provider(_))
    }

    /// Adds the header of this attempt, marked sensitive.
    pub(crate) async fn apply(
        &self,
        provider: Provider,
        refresh: bool,
        headers: &mut HeaderMap,
    ) -> Result<(), Error> {
        let (name, value) = match &self.kind {
            Kind::None => return Ok(()),
            Kind::ApiKey(key) => match provider {
                Provider::OpenAi => bearer(key)?,
                Provider::Azure | Provider::AzurePreview => (
                    HeaderName::from_static("api-key"),
                    sensitive(key.expose_secret())?,
                ),
            },
            Kind::Bearer(token) => bearer(token)?,
            Kind::Provider(source) => {
                let token = source.token(refresh).await.map_err(|cause| {
                    Error::new(ErrorKind::TokenProvider, "the token provider failed").with_source(cause)
                })?;
                bearer(&secret(
                    "token of the provider",
                    token.0.expose_secret().to_owned(),
                )?)?
            }
        };
        headers.insert(name, value);
        Ok(())
    }
}

/// Whether what goes by this name, in a header or a query, is probably a secret.
pub(crate) fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "auth", "secret", "cookie", "password"]
        .iter()
        .any(|part| name.contains(part))
}

/// Trims and checks a secret; the rejected text is wiped.
fn secret(what: &str, text: String) -> Result<SecretString, Error> {
    let text = Zeroizing::new(text);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(Error::config(format!("the {what} is empty")));
    }
    if !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            Error::config(format!("the {what} holds a character that is not visible ASCII"))
                .with_hint("look for quotes, spaces or line breaks that were pasted with it"),
        );
    }
    Ok(SecretString::from(trimmed))
}

fn bearer(token: &SecretString) -> Result<(HeaderName, HeaderValue), Error> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    Ok((header::AUTHORIZATION, sensitive(&text)?))
}

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    // The cause is left out: nothing about the value may show.
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::config("the credential cannot be sent as a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::None => "Credentials(None)",
            Kind::ApiKey(_) => "Credentials(ApiKey, redacted)",
            Kind::Bearer(_) => "Credentials(Bearer, redacted)",
            Kind::Provider(_) => "Credentials(Provider)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn header_of(credentials: &Credentials, provider: Provider) -> (String, String) {
        let mut headers = HeaderMap::new();
        credentials.apply(provider, false, &mut headers).await.unwrap();
        let (name, value) = headers.iter().next().unwrap();
        assert!(value.is_sensitive());
        assert!(!format!("{headers:?}").contains("canary"));
        (name.to_string(), value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn each_kind_goes_into_its_header() {
        let key = Credentials::api_key(" canary-key\n").unwrap();
        let token = Credentials::bearer("canary-token").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            header_of(&key, Provider::OpenAi).await,
            pair("authorization", "Bearer canary-key")
        );
        assert_eq!(
            header_of(&key, Provider::Azure).await,
            pair("api-key", "canary-key")
        );
        assert_eq!(
            header_of(&key, Provider::AzurePreview).await,
            pair("api-key", "canary-key")
        );
        assert_eq!(
            header_of(&token, Provider::Azure).await,
            pair("authorization", "Bearer canary-token")
        );

        let mut headers = HeaderMap::new();
        Credentials::none()
            .apply(Provider::OpenAi, false, &mut headers)
            .await
            .unwrap();
        assert!(headers.is_empty());
    }

    #[test]
    fn f68_bad_secrets_are_refused_by_name_and_not_shown() {
        for bad in [
            "",
            "  \n",
            "canary key",
            "canary\r\nx: y",
            "canary\0",
            "“canary”",
            "canaryé",
        ] {
            for (field, result) in [
                ("API key", Credentials::api_key(bad)),
                ("bearer token", Credentials::bearer(bad)),
            ] {
                let error = result.unwrap_err();
                let shown = format!("{error} {error:?}");
                assert!(shown.contains(field) && !shown.contains("canary"), "{shown}");
            }
        }
    }

    #[tokio::test]
    async fn a_provider_is_checked_too() {
        struct Bad;
        #[async_trait::async_trait]
        impl TokenProvider for Bad {
            async fn token(&self, _: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Token::new("canary canary"))
            }
        }
        let error = Credentials::provider(Bad)
            .apply(Provider::OpenAi, false, &mut HeaderMap::new())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "authorization",
            "Proxy-Authorization",
            "api-key",
            "x-api-key",
            "Ocp-Apim-Subscription-Key",
            "cookie",
            "X-Auth-Token",
            "client_secret",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in [
            "OpenAI-Project",
            "x-team",
            "user-agent",
            "model",
            "api-version",
            "call_id",
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn debug_never_shows_a_value() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Credentials::api_key("canary").unwrap(),
            Credentials::bearer("canary").unwrap(),
            Token::new("canary")
        );
        assert!(!shown.contains("canary"), "{shown}");
    }
}
