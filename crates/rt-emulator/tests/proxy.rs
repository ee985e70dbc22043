//! The bad line between a client and a server.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::io;
use std::time::Duration;

use rt_emulator::proxy::{Direction, FaultProxy, Traffic};
use rt_emulator::wire::{Cut, Shape};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);
const SOON: Duration = Duration::from_secs(20);

/// A server that gives back what it gets.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

async fn client(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads `length` bytes.
async fn read(stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    timeout(SOON, stream.read_exact(&mut bytes)).await.unwrap()?;
    Ok(bytes)
}

/// All there is until the end.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    timeout(SOON, stream.read_to_end(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    bytes
}

async fn quiet(stream: &mut TcpStream) -> bool {
    timeout(100 * MS, stream.read_u8()).await.is_err()
}

/// Waits until the traffic is as wished.
async fn until(proxy: &FaultProxy, wished: impl Fn(Traffic) -> bool) {
    timeout(SOON, async {
        while !wished(proxy.traffic()) {
            sleep(MS).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn passes_on_and_counts() {
    let proxy = FaultProxy::start(echo().await).await.unwrap();
    let mut stream = client(&proxy).await;
    let sent: Vec<u8> = (0..1_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
    let (mut from, mut to) = stream.split();
    let writing = async {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let mut got = Vec::new();
    let reading = async { from.read_to_end(&mut got).await.unwrap() };
    timeout(SOON, async { tokio::join!(writing, reading) })
        .await
        .unwrap();
    assert!(got == sent);
    until(&proxy, |traffic| traffic.open == 0).await;
    let traffic = proxy.traffic();
    assert_eq!(
        (traffic.connections, traffic.up, traffic.down),
        (1, 1_000_000, 1_000_000)
    );
    assert_eq!(
        proxy.url("wss://example.com/v1/realtime?model=m"),
        format!("wss://{}/v1/realtime?model=m", proxy.address())
    );
    assert_eq!(proxy.url("no url"), "no url");
}

#[tokio::test]
async fn a_hole_swallows_both_data_and_the_end() {
    let proxy = FaultProxy::start(echo().await).await.unwrap();
    let mut stream = client(&proxy).await;
    stream.write_all(b"a").await.unwrap();
    assert_eq!(read(&mut stream, 1).await.unwrap(), b"a");
    proxy.shape(Direction::Down, Shape::default().hole());
    stream.write_all(b"b").await.unwrap();
    until(&proxy, |traffic| traffic.up == 2).await;
    assert!(quiet(&mut stream).await);
    // It heals as TCP does: nothing is missing.
    proxy.heal();
    assert_eq!(read(&mut stream, 1).await.unwrap(), b"b");
    proxy.shape(Direction::Up, Shape::default().hole());
    stream.write_all(b"c").await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(quiet(&mut stream).await);
    assert_eq!(proxy.traffic().up, 2);
    assert_eq!(proxy.traffic().open, 1);
    proxy.heal();
    assert_eq!(read(&mut stream, 1).await.unwrap(), b"c");
    until(&proxy, |traffic| traffic.open == 0).await;
}

#[tokio::test]
async fn cuts_now_and_at_a_byte() {
    let proxy = FaultProxy::start(echo().await).await.unwrap();
    let mut stream = client(&proxy).await;
    stream.write_all(b"x").await.unwrap();
    read(&mut stream, 1).await.unwrap();
    assert_eq!(proxy.cut(Cut::Reset), 1);
    let error = timeout(SOON, stream.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

    let mut stream = client(&proxy).await;
    stream.write_all(b"x").await.unwrap();
    read(&mut stream, 1).await.unwrap();
    proxy.cut_after(Direction::Down, 3, Cut::Fin);
    sleep(20 * MS).await;
    stream.write_all(b"abcdef").await.unwrap();
    assert_eq!(rest(&mut stream).await, b"abc");

    // A shape's cut counts from the start of each connection.
    proxy.shape(Direction::Down, Shape::default().cut(2, Cut::Fin));
    for _ in 0..2 {
        let mut stream = client(&proxy).await;
        stream.write_all(b"abcdef").await.unwrap();
        assert_eq!(rest(&mut stream).await, b"ab");
    }
}

#[tokio::test]
async fn delays_drips_stalls_and_slices() {
    let proxy = FaultProxy::builder(echo().await)
        .shape(Direction::Up, Shape::default().delay(50 * MS))
        .shape(Direction::Down, Shape::default().slice(1))
        .seed(3)
        .start()
        .await
        .unwrap();
    let mut stream = client(&proxy).await;
    let start = Instant::now();
    stream.write_all(b"hello").await.unwrap();
    assert_eq!(read(&mut stream, 5).await.unwrap(), b"hello");
    assert!(start.elapsed() >= 50 * MS);
    proxy.heal();
    proxy.shape(Direction::Down, Shape::default().drip(1, 10 * MS));
    let start = Instant::now();
    stream.write_all(b"0123456789").await.unwrap();
    assert_eq!(read(&mut stream, 10).await.unwrap(), b"0123456789");
    assert!(start.elapsed() >= 40 * MS, "{:?}", start.elapsed());
    proxy.heal();
    let start = Instant::now();
    proxy.stall(Direction::Up, 100 * MS);
    stream.write_all(b"late").await.unwrap();
    assert_eq!(read(&mut stream, 4).await.unwrap(), b"late");
    assert!(start.elapsed() >= 90 * MS, "{:?}", start.elapsed());
    proxy.shape(Direction::Up, Shape::default().bandwidth(100_000));
    let start = Instant::now();
    stream.write_all(&[7; 20_000]).await.unwrap();
    read(&mut stream, 20_000).await.unwrap();
    assert!(start.elapsed() >= 120 * MS, "{:?}", start.elapsed());
}

#[tokio::test]
async fn refuses_and_changes_its_target() {
    let proxy = FaultProxy::start(echo().await).await.unwrap();
    proxy.refuse(true);
    let mut stream = client(&proxy).await;
    assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
    proxy.heal();
    let dead = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    proxy.retarget(dead);
    let mut stream = client(&proxy).await;
    assert!(timeout(SOON, stream.read_u8()).await.unwrap().is_err());
    proxy.retarget(echo().await);
    let mut stream = client(&proxy).await;
    stream.write_all(b"x").await.unwrap();
    assert_eq!(read(&mut stream, 1).await.unwrap(), b"x");
    assert_eq!(proxy.traffic().connections, 3);
}
