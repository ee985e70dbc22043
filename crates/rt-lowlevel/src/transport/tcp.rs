//! [`TcpDialer`]: the way to a real server.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::resolve::Resolver;
use super::{DialError, DialStage, Dialer, Io, Target, eyeballs, tls};

/// Unsent bytes the kernel may hold: about a third of a second of audio. What waits longer waits in our own queue,
/// where it is counted and can be dropped.
#[cfg(target_os = "linux")]
const NOT_SENT: u32 = 16 << 10;

/// Resolves, checks the addresses, races them, and speaks TLS.
#[derive(Debug)]
pub(crate) struct TcpDialer {
    tls: Arc<ClientConfig>,
    resolver: Arc<Resolver>,
}

impl TcpDialer {
    pub(crate) fn new(tls: Arc<ClientConfig>) -> Self {
        static RESOLVER: OnceLock<Arc<Resolver>> = OnceLock::new();
        Self {
            tls,
            resolver: Arc::clone(RESOLVER.get_or_init(Arc::default)),
        }
    }
}

#[async_trait::async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self, target: &Target) -> Result<Box<dyn Io>, DialError> {
        let timeouts = &target.timeouts;
        let addresses = self
            .resolver
            .resolve(&target.host, target.port, timeouts.dns)
            .await?;
        if target.loopback_only && !addresses.iter().all(is_loopback) {
            return Err(DialError::new(
                DialStage::Policy,
                format!("credentials would go to {} over unencrypted ws://", target.host),
            )
            .with_hint("use wss://, or set `allow_insecure` if the network is yours"));
        }
        let stream = eyeballs::connect(&addresses, timeouts.stagger, timeouts.tcp)
            .await
            .map_err(|cause| {
                let message = format!(
                    "no address of {}:{} accepted a connection",
                    target.host, target.port
                );
                DialError::new(DialStage::Tcp, message)
                    .with_source(cause)
                    .with_hint("check that the server runs and the network lets you reach it")
            })?;
        set_options(&stream, target.tcp_user_timeout);
        if target.is_tls {
            return tls::handshake(Arc::clone(&self.tls), stream, target).await;
        }
        Ok(Box::new(stream))
    }
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
}
