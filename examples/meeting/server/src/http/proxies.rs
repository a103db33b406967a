//! Whom a request comes from when a reverse proxy stands before the server.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address, or all addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no [`Network`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidNetwork(String);

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is neither an address, such as 127.0.0.1, nor a network, such as 10.0.0.0/8",
            self.0
        )
    }
}

impl std::error::Error for InvalidNetwork {}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// Reads `ADDRESS` or `ADDRESS/PREFIX`, IPv4 or IPv6.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| invalid())?,
            None => longest,
        };
        if prefix > longest {
            return Err(invalid());
        }
        Ok(Self { address, prefix })
    }
}

impl Network {
    /// Whether `address` belongs to it. IPv4 addresses in IPv6 form count as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = u32::from(own) ^ u32::from(other);
                // A mapped network counts its prefix from the start of the IPv6 form.
                let prefix = if self.address.is_ipv6() {
                    self.prefix.saturating_sub(96)
                } else {
                    self.prefix
                };
                differing.leading_zeros() >= prefix.into()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = u128::from(own) ^ u128::from(other);
                differing.leading_zeros() >= self.prefix.into()
            }
            _ => false,
        }
    }
}

/// The proxies whose `X-Forwarded-For` is believed. None by default: whoever connects could write
/// any address into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// These networks.
    #[must_use]
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client of a request that `peer` delivered.
    ///
    /// Each proxy appends the address that it was called from, so only the end of the list is
    /// known to be true: the client is the last address that is not a trusted proxy's. What stands
    /// before it, the client may have made up. A list that cannot be read leaves the nearest
    /// address that could.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
        let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
        for hop in hops {
            if !self.trusts(client) {
                break;
            }
            let Some(address) =
                std::str::from_utf8(hop).ok().and_then(|hop| hop.trim().parse().ok())
            else {
                break;
            };
            client = address;
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let networks = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        TrustedProxies::new(networks).client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_header_is_believed_from_a_trusted_proxy_only() {
        assert_eq!(client(&[], "127.0.0.1", &["192.0.2.7"]), "127.0.0.1");
        assert_eq!(client(&["127.0.0.1"], "192.0.2.1", &["192.0.2.7"]), "192.0.2.1");
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(client(&["::1"], "::1", &["2001:db8::7"]), "2001:db8::7");
    }

    #[test]
    fn what_the_client_wrote_itself_does_not_count() {
        let trusted = ["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(client(&trusted, "127.0.0.1", &["203.0.113.9, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(client(&trusted, "127.0.0.1", &["203.0.113.9", "192.0.2.7"]), "192.0.2.7");
        // Two proxies, one behind the other.
        assert_eq!(
            client(&trusted, "127.0.0.1", &["203.0.113.9,192.0.2.7 , 10.1.2.3"]),
            "192.0.2.7"
        );
        // Not past what is no address, nor when everybody is a proxy.
        assert_eq!(client(&trusted, "127.0.0.1", &["192.0.2.7, unknown, 10.1.2.3"]), "10.1.2.3");
        assert_eq!(client(&trusted, "127.0.0.1", &["10.9.9.9, 10.1.2.3"]), "10.9.9.9");
        assert_eq!(client(&trusted, "127.0.0.1", &[""]), "127.0.0.1");
    }

    #[test]
    fn networks_are_addresses_with_a_length() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        let contains = |text: &str, address: &str| network(text).contains(address.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("192.0.2.1", "::ffff:192.0.2.1") && !contains("192.0.2.1", "192.0.2.2"));
        assert!(
            contains("::ffff:10.0.0.0/104", "10.1.1.1")
                && !contains("::ffff:10.0.0.0/104", "11.1.1.1")
        );
        assert!(
            contains("2001:db8::/32", "2001:db8:1::1") && !contains("2001:db8::/32", "2001:db9::")
        );
        assert!(contains("0.0.0.0/0", "203.0.113.1") && !contains("0.0.0.0/0", "2001:db8::1"));
        for wrong in
            ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8"]
        {
            let error = wrong.parse::<Network>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("\"{wrong}\" is neither an address")), "{error}");
        }
    }
}
