//! A host name in, the addresses that may be connected to out: none on this machine, on private or
//! otherwise special networks, unless the deployment allows them.
//!
//! The addresses given out here are the very ones that are connected to (the HTTP client resolves through
//! [`Resolver`], mail connects to the address itself), so that a name cannot change its mind in between.
//! Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why no address of a host may be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EgressError {
    /// The name has no address, or the question failed.
    Unresolved {
        /// The name.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// Only addresses that are not public.
    NotPublic {
        /// The name.
        host: String,
        /// One of its addresses.
        address: IpAddr,
    },
}

impl fmt::Display for EgressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EgressError::Unresolved { host, reason } => {
                write!(f, "the address of {host} was not found: {reason}")
            }
            EgressError::NotPublic { host, address } => write!(
                f,
                "{host} is {address}, an address on this machine, a private or a special network; if that is intended, set allow_private = true for the connection"
            ),
        }
    }
}

impl std::error::Error for EgressError {}

/// Resolves names for the HTTP client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver {
    /// Whether addresses that are not public are given out too.
    pub allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = addresses(name.as_str(), 0, allow_private).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a host (a name, or an address as text) that may be connected to.
pub(super) async fn addresses(
    host: &str,
    port: u16,
    allow_private: bool,
) -> Result<Vec<SocketAddr>, EgressError> {
    let found: Vec<SocketAddr> = match literal(host) {
        Some(ip) => vec![SocketAddr::new(ip, port)],
        None => match tokio::net::lookup_host((host, port)).await {
            Ok(found) => found.collect(),
            Err(error) => {
                return Err(EgressError::Unresolved {
                    host: host.to_owned(),
                    reason: error.to_string(),
                });
            }
        },
    };
    let first = found.first().copied();
    let allowed: Vec<SocketAddr> = found
        .into_iter()
        .filter(|a| allow_private || is_public(a.ip()))
        .collect();
    match first {
        None => Err(EgressError::Unresolved {
            host: host.to_owned(),
            reason: "it has none".into(),
        }),
        Some(address) if allowed.is_empty() => Err(EgressError::NotPublic {
            host: host.to_owned(),
            address: address.ip(),
        }),
        Some(_) => Ok(allowed),
    }
}

/// The address that a host is when it is written as one. Those never reach the resolver.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

/// Whether an address lies on the public internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = a == 0 // "this network"
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local() // includes the metadata services of clouds, 169.254.169.254
        || ip.is_multicast()
        || ip.is_broadcast()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b)) // shared by carriers
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || a >= 240; // reserved
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let tail = |hi: u16, lo: u16| {
        let ([a, b], [c, d]) = (hi.to_be_bytes(), lo.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    // Forms that hold an IPv4 address lead to it.
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(tail(s[6], s[7]));
    }
    if s[0] == 0x2002 {
        return is_public_v4(tail(s[1], s[2]));
    }
    // What is left of the internet is 2000::/3, without tunnels, documentation and benchmarks.
    (s[0] & 0xe000) == 0x2000
        && !(s[0] == 0x2001 && s[1] < 0x0200)
        && !(s[0] == 0x2001 && s[1] == 0x0db8)
        && !(s[0] == 0x3fff && s[1] < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for refused in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "192.0.2.1",
            "240.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "fec0::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(
                !is_public(refused.parse().expect("an address")),
                "{refused}"
            );
        }
        for allowed in [
            "8.8.8.8",
            "20.190.151.1",
            "172.32.0.1",
            "2603:1030::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(allowed.parse().expect("an address")), "{allowed}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        let refused = addresses("localhost", 80, false).await;
        assert!(
            matches!(refused, Err(EgressError::NotPublic { .. })),
            "{refused:?}"
        );
        assert!(addresses("localhost", 80, true).await.is_ok());
        assert!(matches!(
            addresses("[::1]", 80, false).await,
            Err(EgressError::NotPublic { .. })
        ));
    }
}
