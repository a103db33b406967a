//! What the binary can be told, by arguments or environment. Everything has a default.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Parser;

use crate::http::Network;

/// The Plenum meeting server.
#[derive(Debug, Clone, Parser)]
#[command(name = "plenum-server", version, about)]
pub struct Config {
    /// Where to serve the web client and the API. Browsers give camera and microphone to pages of
    /// localhost or over HTTPS only, so that other addresses need a TLS proxy in front.
    #[arg(long, env = "PLENUM_HTTP", default_value = "127.0.0.1:8080")]
    pub http: SocketAddr,

    /// Where to serve `GET /metrics` for Prometheus, for example 127.0.0.1:9090. Nowhere by default;
    /// the address should not be one that the public reaches.
    #[arg(long, env = "PLENUM_METRICS")]
    pub metrics: Option<SocketAddr>,

    /// A reverse proxy, or a network of them (10.0.0.0/8), whose `X-Forwarded-For` is believed, so
    /// that clients behind it are told apart; may be given several times. None by default.
    #[arg(long = "trusted-proxy", env = "PLENUM_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,

    /// Where to receive media, over UDP and TCP.
    #[arg(long, env = "PLENUM_MEDIA", default_value = "0.0.0.0:40000")]
    pub media: SocketAddr,

    /// An address under which clients reach the media port; may be given several times. Default:
    /// the addresses of this machine's interfaces.
    #[arg(long, env = "PLENUM_ANNOUNCE", value_delimiter = ',')]
    pub announce: Vec<IpAddr>,

    /// The SQLite file for meetings and chat.
    #[arg(long, env = "PLENUM_DATABASE", default_value = "plenum.sqlite")]
    pub database: PathBuf,

    /// Media threads, each with a port of its own from that of `--media` on; a meeting runs on one
    /// of them. 0 means one per core.
    #[arg(long, env = "PLENUM_SHARDS", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(0..=256))]
    pub shards: u16,

    /// Seats per meeting.
    #[arg(long, env = "PLENUM_MAX_PARTICIPANTS", default_value_t = 250,
          value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub max_participants: u16,

    /// Live meetings at a time.
    #[arg(long, env = "PLENUM_MAX_MEETINGS", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_meetings: u32,

    /// Log filter, for example `info` or `meeting_server=debug`.
    #[arg(long, env = "PLENUM_LOG", default_value = "info")]
    pub log: String,
}

impl Config {
    /// How many media threads to start.
    #[must_use]
    pub fn shards(&self) -> usize {
        match self.shards {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            shards => shards.into(),
        }
    }

    /// The ports that a firewall must let through.
    #[must_use]
    pub fn media_ports(&self) -> RangeInclusive<u16> {
        let further = u16::try_from(self.shards() - 1).unwrap_or(u16::MAX);
        self.media.port()..=self.media.port().saturating_add(further)
    }

    /// The addresses to put into candidates.
    ///
    /// # Errors
    /// When the interfaces cannot be listed.
    pub fn announced(&self) -> std::io::Result<Vec<IpAddr>> {
        if !self.announce.is_empty() {
            return Ok(self.announce.clone());
        }
        if !self.media.ip().is_unspecified() {
            return Ok(vec![self.media.ip()]);
        }
        let found = if_addrs::get_if_addrs()?.into_iter().map(|interface| interface.ip());
        let mut addresses = reachable(found, self.media.is_ipv6());
        // The first run of everybody is on one machine.
        addresses.push(Ipv4Addr::LOCALHOST.into());
        Ok(addresses)
    }
}

fn reachable(found: impl Iterator<Item = IpAddr>, v6: bool) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        let useful = match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
            IpAddr::V6(v6_address) => {
                v6 && !v6_address.is_loopback()
                    && !v6_address.is_unicast_link_local()
                    && !v6_address.is_unspecified()
            }
        };
        if useful && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_complete() {
        let config = Config::try_parse_from(["plenum-server"]).unwrap();
        assert!(config.http.ip().is_loopback());
        assert!(config.announced().unwrap().contains(&Ipv4Addr::LOCALHOST.into()));
        assert!(config.metrics.is_none() && config.trusted_proxies.is_empty());
    }

    #[test]
    fn proxies_are_addresses_or_networks() {
        let arguments = ["plenum-server", "--trusted-proxy", "127.0.0.1,10.0.0.0/8"];
        let config = Config::try_parse_from(arguments).unwrap();
        let expected: Vec<Network> =
            vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        assert_eq!(config.trusted_proxies, expected);
        let wrong = ["plenum-server", "--trusted-proxy", "proxy.example"];
        let error = Config::try_parse_from(wrong).unwrap_err().to_string();
        assert!(error.contains("proxy.example") && error.contains("nor a network"), "{error}");
    }

    #[test]
    fn what_is_announced_can_be_said() {
        let arguments = ["plenum-server", "--announce", "192.0.2.1", "--announce", "2001:db8::1"];
        let config = Config::try_parse_from(arguments).unwrap();
        let expected: Vec<IpAddr> =
            vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        assert_eq!(config.announced().unwrap(), expected);
    }

    #[test]
    fn only_addresses_that_a_client_can_use_are_found() {
        let found =
            ["127.0.0.1", "169.254.1.1", "192.0.2.1", "192.0.2.1", "fe80::1", "2001:db8::1"];
        let found = || found.iter().map(|text| text.parse().unwrap());
        let texts = |v6| -> Vec<String> {
            reachable(found(), v6).iter().map(ToString::to_string).collect()
        };
        assert_eq!(texts(false), ["192.0.2.1"]);
        assert_eq!(texts(true), ["192.0.2.1", "2001:db8::1"]);
    }
}
