//! [`Endpoint`]: which server, which model.

use std::fmt;

use rt_protocol::dialect::{BetaVariant, Dialect};
use rt_protocol::session::SessionKind;
use url::{Host, Url};

use crate::credentials::names_secret;
use crate::error::Error;

#[cfg(test)]
mod tests;

const OPENAI_BASE: &str = "https://api.openai.com/v1";

/// The address of a Realtime API: a URL that is known to be usable, and how a key is shown there.
///
/// `Debug` and `Display` leave out query values.
///
/// ```
/// use rt_lowlevel::Endpoint;
///
/// let openai = Endpoint::openai("gpt-realtime")?;
/// assert_eq!(openai.url().as_str(), "wss://api.openai.com/v1/realtime?model=gpt-realtime");
///
/// let azure = Endpoint::azure("my-resource", "my-deployment")?;
/// assert_eq!(
///     azure.url().as_str(),
///     "wss://my-resource.openai.azure.com/openai/v1/realtime?model=my-deployment"
/// );
///
/// let local = Endpoint::from_url("http://127.0.0.1:8787/v1/realtime?model=any")?;
/// assert_eq!(local.url().scheme(), "ws");
/// # Ok::<(), rt_lowlevel::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    provider: Provider,
}

/// Who runs the server: it decides the header of an API key and the hints in errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// OpenAI, or anything that takes `Authorization: Bearer`.
    OpenAi,
    /// Azure OpenAI, GA (`/openai/v1/realtime`): `api-key`.
    Azure,
    /// Azure OpenAI, preview (`api-version` and `deployment` in the query): `api-key`, beta event names.
    AzurePreview,
}

impl Endpoint {
    /// A conversation with `model` at OpenAI.
    ///
    /// # Errors
    /// `InvalidConfig` if `model` is empty.
    pub fn openai(model: &str) -> Result<Self, Error> {
        Self::built(OPENAI_BASE, "realtime", &[("model", model)], Provider::OpenAi)
    }

    /// A transcription session at OpenAI. The model is part of the session's configuration, not of the URL.
    ///
    /// # Errors
    /// None today; a `Result` like its siblings.
    pub fn openai_transcription() -> Result<Self, Error> {
        Self::built(
            OPENAI_BASE,
            "realtime",
            &[("intent", "transcription")],
            Provider::OpenAi,
        )
    }

    /// The control channel of a running WebRTC or SIP call at OpenAI.
    ///
    /// # Errors
    /// `InvalidConfig` if `call_id` is empty.
    pub fn openai_call(call_id: &str) -> Result<Self, Error> {
        Self::built(OPENAI_BASE, "realtime", &[("call_id", call_id)], Provider::OpenAi)
    }

    /// A deployment at Azure OpenAI, GA form: no `api-version`.
    ///
    /// `resource` is the resource's name (`my-resource`) or its address (`https://my-resource.openai.azure.com`, with or
    /// without `/openai/v1`).
    ///
    /// # Errors
    /// `InvalidConfig` if the resource is not a name or an address, or the deployment is empty.
    pub fn azure(resource: &str, deployment: &str) -> Result<Self, Error> {
        let base = format!("{}/openai/v1", azure_base(resource)?);
        Self::built(&base, "realtime", &[("model", deployment)], Provider::Azure)
    }

    /// A transcription session at Azure OpenAI, GA form.
    ///
    /// # Errors
    /// `InvalidConfig` if the resource is not a name or an address.
    pub fn azure_transcription(resource: &str) -> Result<Self, Error> {
        let base = format!("{}/openai/v1", azure_base(resource)?);
        Self::built(&base, "realtime", &[("intent", "transcription")], Provider::Azure)
    }

    /// A deployment at Azure OpenAI, preview form.
    ///
    /// # Errors
    /// `InvalidConfig` if the resource is not a name or an address, or another part is empty.
    pub fn azure_preview(resource: &str, deployment: &str, api_version: &str) -> Result<Self, Error> {
        let base = format!("{}/openai", azure_base(resource)?);
        let query = [("api-version", api_version), ("deployment", deployment)];
        Self::built(&base, "realtime", &query, Provider::AzurePreview)
    }

    /// Any server, by its whole URL: `wss`, `ws`, or `https` and `http` for the same two.
    ///
    /// Hosts of Azure are recognised by name, so that a key goes into the right header; see
    /// [`with_provider`](Self::with_provider) for one behind a name of its own.
    ///
    /// # Errors
    /// `InvalidConfig` for another scheme, a user name or password, a fragment, or a key, token or signature in the
    /// query.
    pub fn from_url(url: &str) -> Result<Self, Error> {
        let url = checked(url)?;
        let provider = provider_of(&url);
        Ok(Self { url, provider })
    }

    /// The same query at another base, such as `https://eu.api.openai.com/v1` or `http://127.0.0.1:8787/v1`: the path is
    /// the base's with `/realtime` added. The provider is that of the new host, as with [`from_url`](Self::from_url).
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url).
    pub fn with_base_url(self, base: &str) -> Result<Self, Error> {
        let mut url = joined(&checked(base)?, "realtime")?;
        url.set_query(self.url.query());
        let provider = provider_of(&url);
        Ok(Self { url, provider })
    }

    /// The same address, treated as that provider's.
    #[must_use]
    pub fn with_provider(self, provider: Provider) -> Self {
        Self { provider, ..self }
    }

    /// Who runs the server.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The dialect the server speaks, as far as the address tells: GA at OpenAI and at Azure's GA address, beta at Azure
    /// addresses with `api-version`. `None` for any other server, whose first message tells.
    #[must_use]
    pub fn dialect(&self) -> Option<Dialect> {
        match self.provider {
            Provider::Azure => Some(Dialect::Ga),
            Provider::AzurePreview => Some(Dialect::Beta),
            Provider::OpenAi => {
                let host = self.url.host_str()?;
                (host == "openai.com" || host.ends_with(".openai.com")).then_some(Dialect::Ga)
            }
        }
    }

    /// Which beta it would be.
    /// What its sessions are for.
    pub(crate) fn session_kind(&self) -> SessionKind {
        let mut query = self.url.query_pairs();
        if self.url.path().trim_end_matches('/').ends_with("/translations") {
            SessionKind::Translation
        } else if query.any(|(name, value)| name == "intent" && value == "transcription") {
            SessionKind::Transcription
        } else {
            SessionKind::Realtime
        }
    }

    pub(crate) fn beta_variant(&self) -> BetaVariant {
        match self.provider {
            _ if self.url.path().contains("/voice-live/") => BetaVariant::VoiceLive,
            Provider::AzurePreview => BetaVariant::AzurePreview,
            Provider::OpenAi | Provider::Azure => BetaVariant::OpenAi,
        }
    }

    /// Whether the connection is encrypted: `wss`, not `ws`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The whole URL, query values included: do not log it.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host as it stands in the URL, brackets included for IPv6.
    pub(crate) fn host(&self) -> Option<Host<&str>> {
        self.url.host()
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    fn built(base: &str, path: &str, query: &[(&str, &str)], provider: Provider) -> Result<Self, Error> {
        let mut url = joined(&checked(base)?, path)?;
        for (name, value) in query {
            if value.trim().is_empty() {
                return Err(Error::config(format!("`{name}` of the endpoint is empty")));
            }
            url.query_pairs_mut().append_pair(name, value.trim());
        }
        // The form encoding writes a space as `+`, which only forms are sure to read as a space.
        let query = url.query().unwrap_or_default().replace('+', "%20");
        url.set_query(Some(&query));
        Ok(Self { url, provider })
    }
}

/// Who runs the server, by its name.
fn provider_of(url: &Url) -> Provider {
    match url.host_str() {
        Some(host) if is_azure(host) && url.query_pairs().any(|(name, _)| name == "api-version") => {
            Provider::AzurePreview
        }
        Some(host) if is_azure(host) => Provider::Azure,
        _ => Provider::OpenAi,
    }
}

fn is_azure(host: &str) -> bool {
    [
        ".openai.azure.com",
        ".cognitiveservices.azure.com",
        ".services.ai.azure.com",
    ]
    .iter()
    .any(|suffix| host.ends_with(suffix))
}

fn azure_base(resource: &str) -> Result<String, Error> {
    let resource = resource.trim().trim_end_matches('/');
    if resource.contains("://") {
        // The portal and other libraries show addresses with a part of the path.
        let base = resource.strip_suffix("/v1").unwrap_or(resource);
        return Ok(base.strip_suffix("/openai").unwrap_or(resource).to_owned());
    }
    let is_name = !resource.is_empty()
        && resource
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !resource.starts_with('-')
        && !resource.ends_with('-');
    if !is_name {
        return Err(Error::config("the Azure resource is not a resource name")
            .with_hint("pass `my-resource` or `https://my-resource.openai.azure.com`"));
    }
    Ok(format!("https://{resource}.openai.azure.com"))
}

fn joined(base: &Url, path: &str) -> Result<Url, Error> {
    if base.query().is_some() {
        return Err(Error::config("a base URL has no query"));
    }
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| Error::config("the base URL cannot have a path"))?
        .pop_if_empty()
        .push(path);
    Ok(url)
}

/// Parses a URL and makes sure that nothing in it can send a secret astray.
fn checked(text: &str) -> Result<Url, Error> {
    let text = text.trim();
    // A special scheme cannot be set on a parsed URL of another, so it is mapped in the text.
    let mapped = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => format!("ws://{rest}"),
        _ => text.to_owned(),
    };
    // Not the parser's own message: it may repeat a part of the text.
    let url =
        Url::parse(&mapped).map_err(|cause| Error::config("the endpoint is not a URL").with_source(cause))?;
    if !matches!(url.scheme(), "ws" | "wss") {
        return Err(Error::config(
            "the endpoint's scheme is not wss, ws, https or http",
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Error::config("the endpoint has no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::config("the endpoint holds a user name or password")
            .with_hint("pass credentials as `Credentials`"));
    }
    if url.fragment().is_some() {
        return Err(Error::config("the endpoint has a fragment (`#`)"));
    }
    if url
        .query_pairs()
        .any(|(name, _)| names_secret(&name) || name.eq_ignore_ascii_case("sig"))
    {
        return Err(Error::config("the endpoint has a key or token in its query")
            .with_hint("pass it as `Credentials`, or with `Builder::header`: it is sent as a header"));
    }
    Ok(url)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            self.url.scheme(),
            self.url.host_str().unwrap_or_default()
        )?;
        if let Some(port) = self.url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.url.path())?;
        let mut separator = '?';
        for (name, _) in self.url.query_pairs() {
            write!(f, "{separator}{name}=..")?;
            separator = '&';
        }
        Ok(())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self}, {:?})", self.provider)
    }
}

impl std::str::FromStr for Endpoint {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        Self::from_url(url)
    }
}
