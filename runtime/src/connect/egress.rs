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
    /// An address at which a cloud tells a machine its own credentials. Nothing allows it.
    OfTheCloud {
        /// The name.
        host: String,
        /// The address.
        address: IpAddr,
    },
}

impl EgressError {
    /// What keeps us from an address, if something does.
    pub fn of(host: &str, address: IpAddr, allow_private: bool) -> Option<EgressError> {
        let host = || host.to_owned();
        if is_of_the_cloud(address) {
            Some(EgressError::OfTheCloud {
                host: host(),
                address,
            })
        } else if !allow_private && !is_public(address) {
            Some(EgressError::NotPublic {
                host: host(),
                address,
            })
        } else {
            None
        }
    }
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
            EgressError::OfTheCloud { host, address } => write!(
                f,
                "{host} is {address}, where a cloud tells a machine its own credentials; no connection may lead there"
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
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in found {
        match EgressError::of(host, address.ip(), allow_private) {
            None => allowed.push(address),
            Some(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        _ if !allowed.is_empty() => Ok(allowed),
        Some(error) => Err(error),
        None => Err(EgressError::Unresolved {
            host: host.to_owned(),
            reason: "it has none".into(),
        }),
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

/// Whether a cloud answers there with a machine's or a container's own credentials or configuration:
///
/// - 169.254.169.254, the metadata services of Azure, AWS, Google, OpenStack and others; over IPv6 fd00:ec2::254 ("IPv6 on
///   AWS", Supporting Amazon VPC services), fd20:ce::254 (Google's Config Connector names it as `GCE_METADATA_HOST`),
///   fe80::a9fe:a9fe (OpenStack Neutron, "IPv6 support in Metadata service");
/// - 169.254.170.2, the credentials of an ECS task, and 169.254.170.23 and fd00:ec2::23, those of an EKS pod (AWS SDK
///   for Rust, `aws_config::ecs`; "Set up the Amazon EKS Pod Identity Agent");
/// - 168.63.129.16, the WireServer of Azure, whose address looks public ("What is IP address 168.63.129.16?");
/// - 100.100.100.200, the metadata service of Alibaba Cloud ("Instance metadata");
/// - 192.0.0.192, that of Oracle's Cloud at Customer ("Retrieve Predefined Instance Metadata").
fn is_of_the_cloud(ip: IpAddr) -> bool {
    const V4: [Ipv4Addr; 6] = [
        Ipv4Addr::new(169, 254, 169, 254),
        Ipv4Addr::new(169, 254, 170, 2),
        Ipv4Addr::new(169, 254, 170, 23),
        Ipv4Addr::new(168, 63, 129, 16),
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(192, 0, 0, 192),
    ];
    const V6: [Ipv6Addr; 4] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    ];
    match ip {
        IpAddr::V4(ip) => V4.contains(&ip),
        IpAddr::V6(ip) => V6.contains(&ip) || inner(ip).is_some_and(|ip| V4.contains(&ip)),
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
        || (a == 192 && b == 88 && c == 99) // relays of 6to4, given up
        || is_of_the_cloud(ip.into())
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || a >= 240; // reserved
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    if let Some(inner) = inner(ip) {
        return is_public_v4(inner);
    }
    // What is left of the internet is 2000::/3, without tunnels, documentation and benchmarks.
    (s[0] & 0xe000) == 0x2000
        && !(s[0] == 0x2001 && s[1] < 0x0200)
        && !(s[0] == 0x2001 && s[1] == 0x0db8)
        && !(s[0] == 0x3fff && s[1] < 0x1000)
}

/// The IPv4 address that a form of IPv6 leads to: mapped, translated (NAT64), or tunnelled (6to4).
fn inner(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let tail = |hi: u16, lo: u16| {
        let ([a, b], [c, d]) = (hi.to_be_bytes(), lo.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    if let Some(inner) = ip.to_ipv4_mapped() {
        return Some(inner);
    }
    if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return Some(tail(s[6], s[7]));
    }
    (s[0] == 0x2002).then(|| tail(s[1], s[2]))
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
            "168.63.129.16",
            "::ffff:168.63.129.16",
            "64:ff9b::a83f:8110",
            "192.88.99.1",
            "192.0.0.192",
            "100.100.100.200",
            "fd00:ec2::254",
            "2002:a9fe:a9fe::1",
            "2002:a83f:8110::",
            "64:ff9b::a9fe:a9fe",
            "::ffff:169.254.169.254",
            "5f00::1",
            "3fff::1",
            "2001:20::1",
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

    #[test]
    fn what_a_cloud_tells_its_machines_is_never_asked() {
        for address in [
            "169.254.169.254",
            "168.63.129.16",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a83f:8110::",
            "169.254.170.2",
            "::ffff:169.254.170.2",
            "64:ff9b::a9fe:aa02",
            "169.254.170.23",
            "2002:a9fe:aa17::",
            "100.100.100.200",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fe80::a9fe:a9fe",
        ] {
            let ip = address.parse().expect("an address");
            assert!(
                matches!(
                    EgressError::of("x", ip, true),
                    Some(EgressError::OfTheCloud { .. })
                ),
                "{address}"
            );
        }
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "169.254.170.3",
            "fd00::1",
            "fd00:ec2::1",
            "fe80::1",
            "::1",
        ] {
            let ip = address.parse().expect("an address");
            assert_eq!(EgressError::of("x", ip, true), None, "{address}");
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
