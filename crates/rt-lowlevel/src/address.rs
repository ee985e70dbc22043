//! [`Address`]: a URL, taken apart as far as a connection needs it.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::error::Error;

/// What is escaped in a path; what is escaped already stays as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What is escaped in a query that is written already.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\'');
/// What is escaped in one value of a query.
const VALUE: &AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

/// The host of an [`Address`]. `Display` as it stands in a URL: brackets around IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name, in lower case.
    Name(String),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    /// As a resolver takes it: an IPv6 address has no brackets.
    pub(crate) fn bare(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::V4(address) => address.to_string(),
            Self::V6(address) => address.to_string(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// A URL with a host. There is no user name and no fragment in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) scheme: String,
    pub(crate) host: Host,
    /// The port if it is written.
    pub(crate) port: Option<u16>,
    /// Begins with a slash.
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: Option<String>,
}

impl Address {
    /// Reads a URL; `what` is what the errors call it. They repeat nothing of it.
    pub(crate) fn parse(what: &str, text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| Error::config(format!("the {what} {why}"));
        let Some((scheme, rest)) = text.trim().split_once("://") else {
            return Err(
                refuse("is not a URL").with_hint("write it whole, with `https://` or `wss://` in front")
            );
        };
        let is_name = |scheme: &str| !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_name(scheme) {
            return Err(refuse("is not a URL"));
        }
        if rest.contains('#') {
            return Err(refuse("has a fragment (`#`)"));
        }
        if rest.chars().any(char::is_control) {
            return Err(refuse("holds a control character"));
        }
        let end = rest.find('?').unwrap_or(rest.len());
        // Some readers take it for a slash, others do not: they would disagree about the host.
        if rest[..end].contains('\\') {
            return Err(refuse("holds a backslash").with_hint("write `/`"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err(
                refuse("holds a user name or password").with_hint("pass credentials as `Credentials`")
            );
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| refuse("has a port that is not 0 to 65535"))?;
        if host.is_empty() {
            return Err(refuse("has no host"));
        }
        let scheme = scheme.to_ascii_lowercase();
        let port = port.filter(|port| Some(*port) != default_port(&scheme));
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(utf8_percent_encode(query, QUERY).to_string())),
            None => (rest, None),
        };
        let path = match utf8_percent_encode(path, PATH).to_string() {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        };
        debug_assert!(path.starts_with('/'), "the authority ends before a slash");
        Ok(Self {
            host: read_host(host, &refuse)?,
            scheme,
            port,
            path,
            query,
        })
    }

    /// The port that is written, or that of the scheme.
    pub(crate) fn port_or_default(&self) -> u16 {
        self.port.or_else(|| default_port(&self.scheme)).unwrap_or(443)
    }

    /// Host and, unless it is the scheme's, port: what the header `Host` holds.
    pub(crate) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Path and query: what a request line holds.
    pub(crate) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Names and values of the query, unescaped.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let pairs = self.query.as_deref().unwrap_or_default().split('&');
        pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), unescaped(value))
        })
    }

    /// Adds a pair to the query, escaped.
    pub(crate) fn push_pair(&mut self, name: &str, value: &str) {
        let query = self.query.get_or_insert_default();
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(value, VALUE));
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme,
            self.authority(),
            self.path_and_query()
        )
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "wss" | "https" => Some(443),
        "ws" | "http" => Some(80),
        _ => None,
    }
}

/// Host and port of an authority; `None` if the port is none.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let after_host = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|colon| bracket + colon),
        None => authority.rfind(':'),
    };
    let Some(colon) = after_host else {
        return Some((authority, None));
    };
    let (host, port) = (&authority[..colon], &authority[colon + 1..]);
    if port.is_empty() {
        return Some((host, None));
    }
    // `parse` alone would take a sign.
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    Some((host, Some(port.parse().ok().filter(|_| is_number)?)))
}

fn read_host(text: &str, refuse: &impl Fn(&str) -> Error) -> Result<Host, Error> {
    if let Some(rest) = text.strip_prefix('[') {
        let address = rest.strip_suffix(']').and_then(|address| address.parse().ok());
        return address
            .map(Host::V6)
            .ok_or_else(|| refuse("has brackets around something else than an IPv6 address"));
    }
    let last = text
        .strip_suffix('.')
        .unwrap_or(text)
        .rsplit('.')
        .next()
        .unwrap_or_default();
    if number(last).is_some() || last.bytes().all(|byte| byte.is_ascii_digit()) && !last.is_empty() {
        let address = read_v4(text.strip_suffix('.').unwrap_or(text));
        return address
            .map(Host::V4)
            .ok_or_else(|| refuse("has a host that is no name and no address"));
    }
    if !text.is_ascii() {
        return Err(refuse("has a host that is not ASCII").with_hint("write it in its ASCII form, `xn--...`"));
    }
    let is_name = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    // Only dots: no label at all.
    if !is_name || text.trim_matches('.').is_empty() {
        return Err(refuse("has a host that is no name and no address"));
    }
    Ok(Host::Name(text.to_ascii_lowercase()))
}

/// An IPv4 address in any of the spellings that resolvers and browsers take: `127.0.0.1`, `127.1`, `0x7f.1`, `2130706433`.
fn read_v4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    // The last part stands for all bytes that are left.
    let left = 8 * (4 - u32::try_from(first.len()).ok()?);
    if left < 32 && last >> left != 0 {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).map(|(part, shift)| part << shift);
    Some(Ipv4Addr::from_bits(high.sum::<u32>() | last))
}

/// A part of an IPv4 address: decimal, `0x` and hexadecimal, or `0` and octal.
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some("") => return Some(0),
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    // `from_str_radix` alone would take a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, radix).ok().filter(|_| is_number)
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_put_together() {
        for (text, shown) in [
            ("HTTPS://Host.Test", "https://host.test/"),
            ("wss://h:443/a", "wss://h/a"),
            ("ws://h:80", "ws://h/"),
            ("ws://h:443/?x", "ws://h:443/?x"),
            ("ws://h:/p", "ws://h/p"),
            ("ws://[0:0::1]:9/x", "ws://[::1]:9/x"),
            ("ws://127.0.0.1:9?a=b", "ws://127.0.0.1:9/?a=b"),
            (
                "wss://h/a b/é?q=ü w&r=%20",
                "wss://h/a%20b/%C3%A9?q=%C3%BC%20w&r=%20",
            ),
            ("wss://a_b.test./p", "wss://a_b.test./p"),
            ("wss://h?q=a\\b", "wss://h/?q=a\\b"),
            ("ws://127.0.0.1./", "ws://127.0.0.1/"),
            ("ws://0x7f.1/", "ws://127.0.0.1/"),
            ("ws://2130706433/", "ws://127.0.0.1/"),
            ("ws://0300.0.2.1/", "ws://192.0.2.1/"),
            ("ws://192.513/", "ws://192.0.2.1/"),
            ("ws://0/", "ws://0.0.0.0/"),
            ("ws://4294967295/", "ws://255.255.255.255/"),
            ("ws://1.2.3.test/", "ws://1.2.3.test/"),
        ] {
            assert_eq!(Address::parse("endpoint", text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_repeated() {
        for (text, expected) in [
            ("canary", "not a URL"),
            ("://canary", "not a URL"),
            ("ca nary://h", "not a URL"),
            ("wss://", "no host"),
            ("wss:///canary", "no host"),
            ("wss://:1", "no host"),
            ("wss://canary@h", "user name"),
            ("wss://h#canary", "fragment"),
            ("wss://h:canary", "port"),
            ("wss://h:70000", "port"),
            ("wss://h:+1", "port"),
            ("wss://canaryé.test", "not ASCII"),
            ("wss://[canary]", "IPv6"),
            ("wss://canary%2e", "no name"),
            ("wss://canary test", "no name"),
            ("wss://..", "no name"),
            ("wss://1.2.3.4.5", "no name"),
            ("wss://256.1.1.1", "no name"),
            ("wss://1.1.1.256", "no name"),
            ("wss://4294967296", "no name"),
            ("wss://a.1", "no name"),
            ("wss://08.1", "no name"),
            ("wss://h/canary\r\nx: y", "control"),
            ("wss://h\\canary", "backslash"),
            ("wss://h\\@canary/", "backslash"),
            ("wss://h\\.canary:9/p?q", "backslash"),
            ("wss://h/a\\..\\canary?q", "backslash"),
        ] {
            let error = Address::parse("endpoint", text)
                .err()
                .unwrap_or_else(|| panic!("{text}"));
            let shown = format!("{error} {error:?}");
            assert!(
                shown.contains(expected) && !shown.contains("canary"),
                "{text}: {shown}"
            );
        }
    }

    #[test]
    fn pairs_are_unescaped_and_escaped() {
        let mut address = Address::parse("endpoint", "ws://h/?a=b+c&d=%26&&e").unwrap();
        let pairs: Vec<(String, String)> = address
            .pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let expected = [("a", "b c"), ("d", "&"), ("e", "")];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        address.push_pair("m", "a b&c=d/é");
        assert!(
            address.to_string().ends_with("&m=a%20b%26c%3Dd%2F%C3%A9"),
            "{address}"
        );
    }
}
