//! Addresses that a running `Sfu` listens on from some time on, and no longer.
#![cfg(feature = "runtime")]

mod executor;

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use executor::block_on;
use sfu_core::{ErrorKind, Protocol, Sfu};

fn sfu() -> Sfu {
    Sfu::builder().listen("127.0.0.1:0".parse().unwrap()).tcp(false).build().unwrap()
}

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn a_udp_port_is_bound_until_it_is_given_up() {
    block_on(async {
        let sfu = sfu();
        let address = sfu.listen(0, any(), Protocol::Udp).await.unwrap();
        assert_ne!(address.port(), 0);
        assert!(UdpSocket::bind(address).is_err(), "the SFU has it");
        let taken = sfu.listen(0, address, Protocol::Udp).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Io);
        assert!(taken.to_string().contains(&address.to_string()), "{taken}");
        sfu.unlisten(0, address, Protocol::Udp).await.unwrap();
        drop(UdpSocket::bind(address).unwrap());
        assert_eq!(sfu.listen(0, address, Protocol::Udp).await.unwrap(), address);
    });
}

#[test]
fn a_tcp_port_is_closed_with_its_connections() {
    block_on(async {
        let sfu = sfu();
        let first = sfu.listen(0, any(), Protocol::Tcp).await.unwrap();
        let second = sfu.listen(0, any(), Protocol::Tcp).await.unwrap();
        let mut gone = TcpStream::connect(first).unwrap();
        let mut stays = TcpStream::connect(second).unwrap();
        // The shard accepts in its own time: only what it has accepted is closed in order.
        sfu.shard_stats(0).await.unwrap();
        sfu.unlisten(0, first, Protocol::Tcp).await.unwrap();
        gone.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let end = gone.read(&mut [0; 1]);
        assert!(
            matches!(&end, Ok(0))
                || end.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset),
            "{end:?}"
        );
        drop(TcpListener::bind(first).unwrap());
        // A port that comes later does not get in the way of one that was there.
        let third = sfu.listen(0, any(), Protocol::Tcp).await.unwrap();
        drop(TcpStream::connect(third).unwrap());
        stays.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let silent = stays.read(&mut [0; 1]).unwrap_err().kind();
        assert!(matches!(silent, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    });
}

#[test]
fn only_what_was_added_can_be_given_up() {
    block_on(async {
        let sfu = sfu();
        let from_the_start = sfu.addresses(0)[0];
        let added = sfu.listen(0, any(), Protocol::Udp).await.unwrap();
        for (address, protocol) in
            [(from_the_start, Protocol::Udp), (added, Protocol::Tcp), (any(), Protocol::Udp)]
        {
            let refused = sfu.unlisten(0, address, protocol).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidParameters, "{address} {protocol:?}");
        }
        let no_shard = sfu.listen(1, any(), Protocol::Udp).await.unwrap_err();
        assert_eq!(no_shard.kind(), ErrorKind::InvalidParameters);
        assert!(no_shard.to_string().contains("shard"), "{no_shard}");
    });
}
