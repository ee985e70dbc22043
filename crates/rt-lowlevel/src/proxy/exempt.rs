//! [`Exemptions`]: what `no_proxy` lists.

use std::net::IpAddr;

use crate::address::Host;

/// Hosts that are reached without the proxy.
#[derive(Debug, Default)]
pub(super) struct Exemptions {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug)]
enum Hosts {
    All,
    /// The name itself and what ends with a dot and it; without the name itself if it was written with a dot in front.
    Name {
        name: String,
        only_below: bool,
    },
    /// Addresses whose first bits are these.
    Net {
        address: IpAddr,
        bits: u32,
    },
}

impl Exemptions {
    /// Reads a list separated by commas or spaces: names, `.names`, `*.names`, addresses, `address/bits`, each with `:port` or not, or
    /// `*` for everything. What cannot be read matches nothing.
    pub(super) fn parse(list: &str) -> Self {
        let rules = list
            .split([',', ' ', '\t'])
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .filter_map(Rule::parse)
            .collect();
        Self { rules }
    }

    /// Whether this host is reached directly. This machine always is.
    pub(super) fn cover(&self, host: &Host, port: u16) -> bool {
        let (name, address) = match host {
            Host::Name(name) => (
                Some(name.trim_end_matches('.').to_ascii_lowercase()),
                name.parse::<IpAddr>().ok(),
            ),
            Host::V4(address) => (None, Some(IpAddr::V4(*address))),
            Host::V6(address) => (None, Some(IpAddr::V6(*address))),
        };
        let address = address.map(|address| address.to_canonical());
        let is_local = address.is_some_and(|address| address.is_loopback())
            || name
                .as_deref()
                .is_some_and(|name| name == "localhost" || name.ends_with(".localhost"));
        is_local
            || self
                .rules
                .iter()
                .any(|rule| rule.matches(name.as_deref(), address, port))
    }
}

impl Rule {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self {
                hosts: Hosts::All,
                port: None,
            });
        }
        if let Some(hosts) = net(entry) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let hosts = match net(bare) {
            Some(hosts) => hosts,
            None => {
                let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
                let name = below.unwrap_or(host).trim_end_matches('.');
                if name.is_empty() || name.contains(['/', '*', ':', '[']) {
                    return None;
                }
                Hosts::Name {
                    name: name.to_ascii_lowercase(),
                    only_below: below.is_some(),
                }
            }
        };
        Some(Self { hosts, port })
    }

    fn matches(&self, host: Option<&str>, address: Option<IpAddr>, port: u16) -> bool {
        if self.port.is_some_and(|own| own != port) {
            return false;
        }
        match &self.hosts {
            Hosts::All => true,
            Hosts::Name { name, only_below } => host.is_some_and(|host| {
                (host == name && !only_below)
                    || host
                        .strip_suffix(name.as_str())
                        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }),
            Hosts::Net { address: own, bits } => address.is_some_and(|address| shares(*own, address, *bits)),
        }
    }
}

/// An address, with or without the number of bits that count.
fn net(text: &str) -> Option<Hosts> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(all);
    (bits <= all).then_some(Hosts::Net { address, bits })
}

fn shares(a: IpAddr, b: IpAddr, bits: u32) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits,
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(list: &str, url: &str) -> bool {
        let address = crate::address::Address::parse("endpoint", url).unwrap();
        Exemptions::parse(list).cover(&address.host, address.port_or_default())
    }

    #[test]
    fn names_match_whole_labels() {
        for (list, url, expected) in [
            ("", "wss://a.test", false),
            ("*", "wss://a.test", true),
            ("a.test", "wss://a.test", true),
            ("A.TEST", "wss://a.test", true),
            ("a.test", "wss://a.test.", true),
            ("a.test", "wss://x.a.test", true),
            ("a.test", "wss://xa.test", false),
            ("a.test", "wss://a.test.evil", false),
            (".a.test", "wss://a.test", false),
            (".a.test", "wss://x.a.test", true),
            ("*.a.test", "wss://x.y.a.test", true),
            ("b.test, a.test", "wss://a.test", true),
            ("b.test a.test", "wss://a.test", true),
            ("a.test:443", "wss://a.test", true),
            ("a.test:444", "wss://a.test", false),
            ("a.test:x", "wss://a.test", false),
            ("a*", "wss://a.test", false),
            (",,. ,", "wss://a.test", false),
        ] {
            assert_eq!(covered(list, url), expected, "{list} {url}");
        }
    }

    #[test]
    fn addresses_match_by_their_first_bits() {
        for (list, url, expected) in [
            ("10.1.2.3", "wss://10.1.2.3", true),
            ("10.1.2.3:443", "wss://10.1.2.3", true),
            ("10.1.2.3:444", "wss://10.1.2.3", false),
            ("10.0.0.0/8", "wss://10.9.9.9", true),
            ("10.0.0.0/8", "wss://11.0.0.0", false),
            ("10.0.0.0/33", "wss://10.0.0.0", false),
            ("0.0.0.0/0", "wss://10.0.0.0", true),
            ("2001:db8::1", "wss://[2001:db8::1]", true),
            ("[2001:db8::1]:443", "wss://[2001:db8::1]", true),
            ("2001:db8::/32", "wss://[2001:db8:9::1]", true),
            ("2001:db8::/32", "wss://[2001:db9::1]", false),
            ("0.0.0.0/0", "wss://[2001:db8::1]", false),
            ("10.1.2.3", "wss://name.test", false),
        ] {
            assert_eq!(covered(list, url), expected, "{list} {url}");
        }
    }

    #[test]
    fn this_machine_is_always_reached_directly() {
        for url in [
            "ws://localhost:1",
            "ws://LOCALHOST.",
            "ws://x.localhost",
            "ws://127.0.0.1",
            "ws://127.9.9.9",
            "ws://[::1]",
            "ws://[::ffff:127.0.0.1]",
        ] {
            assert!(covered("", url), "{url}");
        }
        assert!(!covered("", "ws://localhost.evil.test"));
    }
}
