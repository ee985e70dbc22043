//! [`TcpDialer`]: the way to a real server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::resolve::Resolver;
use super::{DialError, DialStage, Dialer, Io, Target, eyeballs, tls, tunnel};
use crate::observe;
use crate::proxy::Proxy;

/// Unsent bytes the kernel may hold: about a third of a second of audio. What waits longer waits in our own queue,
/// where it is counted and can be dropped.
#[cfg(target_os = "linux")]
const NOT_SENT: u32 = 16 << 10;

/// Resolves, checks the addresses, races them, goes through the proxy, and speaks TLS.
#[derive(Debug)]
pub(crate) struct TcpDialer {
    tls: Arc<ClientConfig>,
    resolver: Arc<Resolver>,
    proxy: Option<Proxy>,
}

impl TcpDialer {
    pub(crate) fn new(tls: Arc<ClientConfig>, proxy: Option<Proxy>) -> Self {
        static RESOLVER: OnceLock<Arc<Resolver>> = OnceLock::new();
        Self {
            tls,
            resolver: Arc::clone(RESOLVER.get_or_init(Arc::default)),
            proxy,
        }
    }

    /// The addresses of `host`, which are all of this machine if they must be.
    async fn addresses(&self, host: &str, port: u16, target: &Target) -> Result<Vec<SocketAddr>, DialError> {
        let _phase = observe::phase("dns");
        let addresses = self.resolver.resolve(host, port, target.timeouts.dns).await?;
        if target.loopback_only && !addresses.iter().all(is_loopback) {
            return Err(insecure(host));
        }
        Ok(addresses)
    }

    async fn tcp(&self, host: &str, port: u16, target: &Target) -> Result<TcpStream, DialError> {
        let addresses = self.addresses(host, port, target).await?;
        let timeouts = &target.timeouts;
        let _phase = observe::phase("tcp");
        let stream = eyeballs::connect(&addresses, timeouts.stagger, timeouts.tcp)
            .await
            .map_err(|cause| unreachable(host, port, cause))?;
        set_options(&stream, target.tcp_user_timeout);
        Ok(stream)
    }

    /// A stream to the target through the proxy.
    async fn tunnel(&self, proxy: &Proxy, target: &Target) -> Result<Box<dyn Io>, DialError> {
        let timeouts = &target.timeouts;
        let mut host = target.host.clone();
        if target.loopback_only {
            // The proxy is told the address that was checked: it may know the name by another. A name that cannot be
            // checked does not pass.
            let checked = self.addresses(&host, target.port, target).await;
            let checked = checked.ok().and_then(|addresses| addresses.first().copied());
            host = checked.ok_or_else(|| insecure(&host))?.ip().to_string();
        }
        let stream = self.tcp(&proxy.host, proxy.port, target).await?;
        let stream: Box<dyn Io> = if proxy.is_tls {
            let _phase = observe::phase("proxy_tls");
            tls::handshake(Arc::clone(&self.tls), stream, &proxy.host, timeouts.tls).await?
        } else {
            Box::new(stream)
        };
        let _phase = observe::phase("proxy");
        tunnel::connect(stream, proxy, &host, target.port, timeouts.proxy).await
    }

    async fn secured(&self, stream: impl Io + 'static, target: &Target) -> Result<Box<dyn Io>, DialError> {
        if !target.is_tls {
            return Ok(Box::new(stream));
        }
        let _phase = observe::phase("tls");
        tls::handshake(Arc::clone(&self.tls), stream, &target.host, target.timeouts.tls).await
    }
}

#[async_trait::async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self, target: &Target) -> Result<Box<dyn Io>, DialError> {
        match &self.proxy {
            None => {
                let stream = self.tcp(&target.host, target.port, target).await?;
                self.secured(stream, target).await
            }
            Some(proxy) => {
                let stream = self.tunnel(proxy, target).await?;
                self.secured(stream, target).await
            }
        }
    }
}

fn insecure(host: &str) -> DialError {
    DialError::new(
        DialStage::Policy,
        format!("credentials would go to {host} over unencrypted ws://"),
    )
    .with_hint("use wss://, or set `allow_insecure` if the network is yours")
}

fn unreachable(host: &str, port: u16, cause: io::Error) -> DialError {
    // ENFILE and EMFILE: the address has nothing to do with it.
    let hint = if matches!(cause.raw_os_error(), Some(23 | 24)) && cfg!(unix) {
        "too many files are open: raise the limit (`ulimit -n`), or keep fewer"
    } else {
        "check that the server runs and the network lets you reach it"
    };
    DialError::new(
        DialStage::Tcp,
        format!("no address of {host}:{port} accepted a connection"),
    )
    .with_source(cause)
    .with_hint(hint)
}

/// Options that make a live connection better and are no reason to fail if the system does not have them.
fn set_options(stream: &TcpStream, user_timeout: Duration) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(30));
    let mut results = vec![socket.set_tcp_nodelay(true), socket.set_tcp_keepalive(&keepalive)];
    #[cfg(target_os = "linux")]
    {
        results.push(socket.set_tcp_user_timeout(Some(user_timeout)));
        results.push(socket.set_tcp_notsent_lowat(NOT_SENT));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = user_timeout;
    for error in results.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "socket option not set");
    }
}

fn is_loopback(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.255.0.3:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("10.0.0.1:1", false),
            ("[::]:1", false),
            ("[::ffff:10.0.0.1]:1", false),
            ("[::127.0.0.1]:1", false),
        ] {
            assert_eq!(is_loopback(&address.parse().unwrap()), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn options_are_set() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        set_options(&stream, Duration::from_secs(15));
        assert!(stream.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        {
            let socket = SockRef::from(&stream);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(15)));
            assert_eq!(socket.tcp_notsent_lowat().unwrap(), NOT_SENT);
            assert!(socket.keepalive().unwrap());
        }
    }

    /// What a dial of `host` comes to when names have the addresses given, with a secret that is not to leave the machine.
    async fn dialed(host: &str, port: u16, known: &[(&str, &[&str])], proxy: Option<&str>) -> DialStage {
        let dialer = TcpDialer {
            tls: tls::Roots::default().config().unwrap(),
            resolver: Arc::new(Resolver::knowing(known)),
            proxy: proxy.map(|url| Proxy::parse(url).unwrap()),
        };
        let target = Target {
            host: host.to_owned(),
            port,
            is_tls: false,
            loopback_only: true,
            timeouts: crate::config::Timeouts::default(),
            tcp_user_timeout: Duration::from_secs(15),
        };
        match dialer.dial(&target).await {
            Ok(_) => panic!("{host} was reached"),
            Err(error) => error.stage(),
        }
    }

    #[tokio::test]
    async fn f69_a_name_is_what_its_addresses_are() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let known: &[(&str, &[&str])] = &[
            ("localhost.evil.test", &["192.0.2.1"]),
            ("127.0.0.1.evil.test", &["192.0.2.1"]),
            ("half.test", &["127.0.0.1", "192.0.2.1"]),
            ("six.test", &["::1", "2001:db8::1"]),
            ("mapped.test", &["::ffff:10.0.0.1"]),
            ("localhost", &["10.0.0.1"]),
        ];
        for (host, _) in known {
            assert_eq!(dialed(host, port, known, None).await, DialStage::Policy, "{host}");
        }
        let accepted = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await;
        assert!(
            accepted.is_err(),
            "not even to the address that is this machine's"
        );
    }

    #[tokio::test]
    async fn f69_a_proxy_is_no_way_around_it() {
        let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", proxy.local_addr().unwrap());
        let known: &[(&str, &[&str])] = &[("api.test", &["192.0.2.1"]), ("proxy.test", &["192.0.2.1"])];
        assert_eq!(dialed("api.test", 80, known, Some(&url)).await, DialStage::Policy);
        // One that nobody here can resolve, and one that is this machine seen from another.
        assert_eq!(
            dialed("only-the-proxy-knows.invalid", 80, known, Some(&url)).await,
            DialStage::Policy
        );
        let far = "http://proxy.test:3128";
        assert_eq!(dialed("127.0.0.1", 80, known, Some(far)).await, DialStage::Policy);
        let accepted = tokio::time::timeout(Duration::from_millis(20), proxy.accept()).await;
        assert!(accepted.is_err());
    }
}
