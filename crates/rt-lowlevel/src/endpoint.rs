//! [`Endpoint`]: which server, which model.

use std::fmt;

use rt_protocol::dialect::{BetaVariant, Dialect};
use rt_protocol::session::SessionKind;

use crate::address::{Address, Host};
use crate::credentials::names_secret;
use crate::error::Error;

#[cfg(test)]
mod tests;

const OPENAI_BASE: &str = "https://api.openai.com/v1";
/// The paths below a base.
const REALTIME: &str = "realtime";
const TRANSLATIONS: &str = "realtime/translations";

/// The address of a Realtime API: a URL that is known to be usable, and how a key is shown there.
///
/// `Debug` and `Display` leave out query values.
///
/// ```
/// use rt_lowlevel::Endpoint;
///
/// let openai = Endpoint::openai("gpt-realtime-2.1")?;
/// assert_eq!(openai.url(), "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1");
///
/// let azure = Endpoint::azure("my-resource", "my-deployment")?;
/// assert_eq!(
///     azure.url(),
///     "wss://my-resource.openai.azure.com/openai/v1/realtime?model=my-deployment"
/// );
///
/// let local = Endpoint::from_url("http://127.0.0.1:8787/v1/realtime?model=any")?;
/// assert!(!local.is_tls());
/// # Ok::<(), rt_lowlevel::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    address: Address,
    /// The address as text.
    url: String,
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
        Self::built(OPENAI_BASE, REALTIME, &[("model", model)], Provider::OpenAi)
    }

    /// A transcription session at OpenAI. The model is part of the session's configuration, not of the URL.
    ///
    /// # Errors
    /// None today; a `Result` like its siblings.
    pub fn openai_transcription() -> Result<Self, Error> {
        Self::built(
            OPENAI_BASE,
            REALTIME,
            &[("intent", "transcription")],
            Provider::OpenAi,
        )
    }

    /// A translation at OpenAI with `model`, such as `gpt-realtime-translate`: speech goes in without turns, and comes out in
    /// another language.
    ///
    /// # Errors
    /// `InvalidConfig` if `model` is empty.
    pub fn openai_translation(model: &str) -> Result<Self, Error> {
        Self::built(OPENAI_BASE, TRANSLATIONS, &[("model", model)], Provider::OpenAi)
    }

    /// The control channel of a running WebRTC or SIP call at OpenAI. Its session is the call's: after a reconnect it is as it
    /// was, so nothing is restored, and nothing takes over from it.
    ///
    /// # Errors
    /// `InvalidConfig` if `call_id` is empty.
    pub fn openai_call(call_id: &str) -> Result<Self, Error> {
        Self::built(OPENAI_BASE, REALTIME, &[("call_id", call_id)], Provider::OpenAi)
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
        Self::built(&base, REALTIME, &[("model", deployment)], Provider::Azure)
    }

    /// A transcription session at Azure OpenAI, GA form.
    ///
    /// # Errors
    /// `InvalidConfig` if the resource is not a name or an address.
    pub fn azure_transcription(resource: &str) -> Result<Self, Error> {
        let base = format!("{}/openai/v1", azure_base(resource)?);
        Self::built(&base, REALTIME, &[("intent", "transcription")], Provider::Azure)
    }

    /// A deployment at Azure OpenAI, preview form.
    ///
    /// # Errors
    /// `InvalidConfig` if the resource is not a name or an address, or another part is empty.
    pub fn azure_preview(resource: &str, deployment: &str, api_version: &str) -> Result<Self, Error> {
        let base = format!("{}/openai", azure_base(resource)?);
        let query = [("api-version", api_version), ("deployment", deployment)];
        Self::built(&base, REALTIME, &query, Provider::AzurePreview)
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
        Ok(Self::of(checked(url)?))
    }

    /// The same query at another base, such as `https://eu.api.openai.com/v1` or `http://127.0.0.1:8787/v1`: the path is
    /// the base's with `/realtime` added (`/realtime/translations` for a translation). The provider is that of the new host, as with [`from_url`](Self::from_url).
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url).
    pub fn with_base_url(self, base: &str) -> Result<Self, Error> {
        let path = match self.session_kind() {
            SessionKind::Translation => TRANSLATIONS,
            _ => REALTIME,
        };
        let mut address = joined(checked(base)?, path)?;
        address.query.clone_from(&self.address.query);
        Ok(Self::of(address))
    }

    /// The control channel of a running WebRTC or SIP call at the same server: the query is `?call_id=` and nothing else.
    ///
    /// # Errors
    /// `InvalidConfig` if `call_id` is empty, or the endpoint is Azure's preview, which has no calls, or that of a
    /// transcription or translation.
    pub fn with_call_id(self, call_id: &str) -> Result<Self, Error> {
        if self.provider == Provider::AzurePreview || self.session_kind() != SessionKind::Realtime {
            return Err(
                Error::config("calls are at the address of conversations, GA form")
                    .with_hint("begin with `Endpoint::openai` or `Endpoint::azure`"),
            );
        }
        let mut address = self.address;
        address.query = None;
        push(&mut address, "call_id", call_id)?;
        Ok(Self {
            url: address.to_string(),
            address,
            provider: self.provider,
        })
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
                let Host::Name(host) = &self.address.host else {
                    return None;
                };
                (host == "openai.com" || host.ends_with(".openai.com")).then_some(Dialect::Ga)
            }
        }
    }

    /// What its sessions are for.
    pub(crate) fn session_kind(&self) -> SessionKind {
        let mut query = self.address.pairs();
        if self.address.path.trim_end_matches('/').ends_with("/translations") {
            SessionKind::Translation
        } else if query.any(|(name, value)| name == "intent" && value == "transcription") {
            SessionKind::Transcription
        } else {
            SessionKind::Realtime
        }
    }

    /// Which beta it would be.
    pub(crate) fn beta_variant(&self) -> BetaVariant {
        match self.provider {
            _ if self.address.path.contains("/voice-live/") => BetaVariant::VoiceLive,
            Provider::AzurePreview => BetaVariant::AzurePreview,
            Provider::OpenAi | Provider::Azure => BetaVariant::OpenAi,
        }
    }

    /// Whether the connection is encrypted: `wss`, not `ws`.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.address.scheme == "wss"
    }

    /// The whole URL, query values included: do not log it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it is the control channel of a call, whose session is the call's: see [`with_call_id`](Self::with_call_id).
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.address.pairs().any(|(name, _)| name == "call_id")
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn host(&self) -> &Host {
        &self.address.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port_or_default()
    }

    fn of(address: Address) -> Self {
        Self {
            url: address.to_string(),
            provider: provider_of(&address),
            address,
        }
    }

    fn built(base: &str, path: &str, query: &[(&str, &str)], provider: Provider) -> Result<Self, Error> {
        let mut address = joined(checked(base)?, path)?;
        for (name, value) in query {
            push(&mut address, name, value)?;
        }
        Ok(Self {
            url: address.to_string(),
            address,
            provider,
        })
    }
}

fn push(address: &mut Address, name: &str, value: &str) -> Result<(), Error> {
    if value.trim().is_empty() {
        return Err(Error::config(format!("`{name}` of the endpoint is empty")));
    }
    address.push_pair(name, value.trim());
    Ok(())
}

/// Who runs the server, by its name.
fn provider_of(address: &Address) -> Provider {
    let Host::Name(host) = &address.host else {
        return Provider::OpenAi;
    };
    match is_azure(host) {
        true if address.pairs().any(|(name, _)| name == "api-version") => Provider::AzurePreview,
        true => Provider::Azure,
        false => Provider::OpenAi,
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

fn joined(mut base: Address, path: &str) -> Result<Address, Error> {
    if base.query.is_some() {
        return Err(Error::config("a base URL has no query"));
    }
    base.path = format!("{}/{path}", base.path.strip_suffix('/').unwrap_or(&base.path));
    Ok(base)
}

/// Parses a URL and makes sure that nothing in it can send a secret astray.
fn checked(text: &str) -> Result<Address, Error> {
    let mut address = Address::parse("endpoint", text)?;
    let scheme = match address.scheme.as_str() {
        "wss" | "https" => "wss",
        "ws" | "http" => "ws",
        _ => {
            return Err(Error::config(
                "the endpoint's scheme is not wss, ws, https or http",
            ));
        }
    };
    scheme.clone_into(&mut address.scheme);
    if address
        .pairs()
        .any(|(name, _)| names_secret(&name) || name.eq_ignore_ascii_case("sig"))
    {
        return Err(Error::config("the endpoint has a key or token in its query")
            .with_hint("pass it as `Credentials`, or with `Builder::header`: it is sent as a header"));
    }
    Ok(address)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { scheme, path, .. } = &self.address;
        write!(f, "{scheme}://{}{path}", self.address.authority())?;
        let mut separator = '?';
        for (name, _) in self.address.pairs() {
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
