//! Racing the addresses of a host, so that a dead one costs a quarter of a second and not two minutes.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Connects to the first address that answers. The next one starts when the last has had its head start or has
/// failed; each has its own deadline.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    stagger: Duration,
    limit: Duration,
) -> Result<TcpStream, io::Error> {
    let mut waiting = interleaved(addresses);
    // Those that lose end with the set.
    let mut racing = JoinSet::new();
    let mut last_error = io::Error::new(io::ErrorKind::AddrNotAvailable, "the host has no address");
    loop {
        if let Some(address) = waiting.pop_front() {
            racing.spawn(async move {
                match tokio::time::timeout(limit, TcpStream::connect(address)).await {
                    Ok(result) => result,
                    Err(_) => Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        format!("{address} did not answer within {limit:?}"),
                    )),
                }
            });
        }
        let head_start = if waiting.is_empty() {
            Duration::MAX
        } else {
            stagger
        };
        match tokio::time::timeout(head_start, racing.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => last_error = error,
            Ok(Some(Err(error))) => last_error = error.into(),
            Ok(None) if waiting.is_empty() => return Err(last_error),
            Ok(None) | Err(_) => {}
        }
    }
}

/// The families in turns, beginning with that of the first address.
fn interleaved(addresses: &[SocketAddr]) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut a, mut b): (VecDeque<_>, VecDeque<_>) = addresses
        .iter()
        .copied()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut order = VecDeque::with_capacity(addresses.len());
    while !a.is_empty() || !b.is_empty() {
        order.extend(a.pop_front());
        order.extend(b.pop_front());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    /// Bound, so that nobody else gets the port, but not listening.
    fn closed_port() -> tokio::net::TcpSocket {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket
    }

    #[test]
    fn families_take_turns() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let expected = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(interleaved(&given), expected);
        assert!(interleaved(&[]).is_empty());
    }

    #[tokio::test]
    async fn a_refused_address_does_not_use_up_its_head_start() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = closed_port();
        let order = [closed.local_addr().unwrap(), listener.local_addr().unwrap()];
        let long = Duration::from_secs(60);
        let stream = tokio::time::timeout(long / 10, connect(&order, long, long))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), order[1]);
    }

    #[tokio::test]
    async fn none_left_is_the_last_error() {
        let closed = closed_port();
        let address = closed.local_addr().unwrap();
        let long = Duration::from_secs(60);
        let error = connect(&[address], long, long).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(connect(&[], long, long).await.is_err());
    }

    /// A listener that answers nobody: its queue is full, so the kernel drops what comes.
    #[cfg(target_os = "linux")]
    fn black_hole(address: &str) -> Option<(SocketAddr, Vec<socket2::Socket>)> {
        use socket2::{Domain, Socket, Type};
        let address: SocketAddr = address.parse().unwrap();
        let stream = || Socket::new(Domain::for_address(address), Type::STREAM, None);
        let listener = stream().ok()?;
        listener.bind(&address.into()).ok()?;
        listener.listen(0).unwrap();
        let bound = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let filler = stream().unwrap();
            filler.set_nonblocking(true).unwrap();
            let _ = filler.connect(&bound);
            sockets.push(filler);
        }
        Some((bound.as_socket().unwrap(), sockets))
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn f04_an_address_that_does_not_answer_costs_its_own_deadline() {
        let (address, _keep) = black_hole("127.0.0.1:0").unwrap();
        let limit = Duration::from_millis(200);
        let begin = std::time::Instant::now();
        let error = connect(&[address], Duration::from_secs(60), limit)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let took = begin.elapsed();
        assert!(took >= limit && took < Duration::from_secs(10), "{took:?}");
        let defaults = crate::config::Timeouts::default();
        assert!(defaults.tcp <= defaults.attempt && defaults.attempt == Duration::from_secs(10));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn f05_a_dead_address_costs_a_head_start() {
        // Where there is no IPv6, another dead IPv4 does.
        let (dead, _keep) = black_hole("[::1]:0")
            .or_else(|| black_hole("127.0.0.1:0"))
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let live = listener.local_addr().unwrap();
        let stagger = crate::config::Timeouts::default().stagger;
        let begin = std::time::Instant::now();
        let stream = connect(&[dead, live], stagger, Duration::from_secs(60))
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let took = begin.elapsed();
        assert!(took >= stagger && took < Duration::from_secs(10), "{took:?}");
    }
}
