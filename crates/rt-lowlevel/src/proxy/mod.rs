//! [`Proxy`]: an HTTP proxy to tunnel through, as its URL has it or as the environment does.

mod exempt;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use zeroize::Zeroizing;

use self::exempt::Exemptions;
use crate::address::Address;
use crate::endpoint::Endpoint;
use crate::error::Error;

/// Where a proxy is, and what it is shown. `Debug` shows the address only.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Name or address; an IPv6 address has no brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether TLS is spoken to the proxy itself.
    pub(crate) is_tls: bool,
    /// The value of `Proxy-Authorization`.
    pub(crate) authorization: Option<SecretString>,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`, or `https://`. A missing scheme is `http`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = Zeroizing::new(if text.contains("://") {
            text.trim().to_owned()
        } else {
            format!("http://{}", text.trim())
        });
        // Not the parser's message: it speaks of what an endpoint may have.
        let not_a_url = || Error::config("the proxy is not a URL");
        let (scheme, rest) = text.split_once("://").ok_or_else(not_a_url)?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (user, host) = match rest[..end].rsplit_once('@') {
            Some((user, host)) => (user, host),
            None => ("", &rest[..end]),
        };
        let is_tls = if scheme.eq_ignore_ascii_case("https") {
            true
        } else if scheme.eq_ignore_ascii_case("http") {
            false
        } else {
            return Err(Error::config("the proxy's scheme is not http or https")
                .with_hint("SOCKS proxies need a `Dialer` of your own"));
        };
        if !matches!(&rest[end..], "" | "/") {
            return Err(Error::config(
                "the URL of the proxy has more than a host and a port",
            ));
        }
        let address = Address::parse("proxy", &format!("{scheme}://{host}"))?;
        Ok(Self {
            host: address.host.bare(),
            port: address.port_or_default(),
            is_tls,
            authorization: basic(user)?,
        })
    }

    /// The proxy for `endpoint` that the variables name, if any.
    ///
    /// `https_proxy` is for wss, `http_proxy` for ws, `all_proxy` for both; the lower-case form wins. What `no_proxy`
    /// lists, and this machine, is reached directly.
    pub(crate) fn from_env(
        endpoint: &Endpoint,
        var: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, Error> {
        let get = |name: &str| var(name).filter(|value| !value.trim().is_empty());
        // In a CGI program HTTP_PROXY is what a request's header `Proxy` says.
        let is_cgi = get("REQUEST_METHOD").is_some();
        let names: &[&str] = match (endpoint.is_tls(), is_cgi) {
            (true, _) => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            (false, false) => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
            (false, true) => &["http_proxy", "all_proxy", "ALL_PROXY"],
        };
        let Some((name, value)) = names.iter().find_map(|name| Some((name, get(name)?))) else {
            return Ok(None);
        };
        let value = Zeroizing::new(value);
        let exempt = get("no_proxy").or_else(|| get("NO_PROXY")).unwrap_or_default();
        if Exemptions::parse(&exempt).cover(endpoint.host(), endpoint.port()) {
            return Ok(None);
        }
        Self::parse(&value).map(Some).map_err(|error| {
            Error::config(format!("{name} of the environment cannot be used")).with_source(error)
        })
    }
}

/// The header of a user name and a password, as they stand before the host.
fn basic(user: &str) -> Result<Option<SecretString>, Error> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    if name.is_empty() && password.is_empty() {
        return Ok(None);
    }
    let mut pair = Zeroizing::new(percent_decode_str(name).collect::<Vec<u8>>());
    if pair.contains(&b':') {
        return Err(Error::config("the user name of the proxy has a colon in it"));
    }
    pair.push(b':');
    pair.extend(percent_decode_str(password));
    let encoded = Zeroizing::new(STANDARD.encode(&*pair));
    Ok(Some(SecretString::from(format!("Basic {}", *encoded))))
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = if self.authorization.is_some() {
            ", redacted"
        } else {
            ""
        };
        write!(f, "Proxy({self}{auth})")
    }
}

#[cfg(test)]
mod tests;
