//! Which addresses are spoken to.
//!
//! Keys may be named by metadata that somebody else wrote. No such name makes Watchword ask a
//! cloud's metadata service, or a neighbour on the link, on somebody's behalf. Addresses are judged
//! where the connection is made: in the resolver, whose answer is the one that is used, so a name
//! cannot change between check and use.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names with the system, and refuses a name of which any address is forbidden: nobody has
/// both kinds in good faith.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) deny_private: bool,
}

/// An address that is not spoken to. It passes through the client's errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is {kind} ({address}), which is not spoken to")]
pub struct Forbidden {
    pub(super) host: String,
    pub(super) address: IpAddr,
    pub(super) kind: &'static str,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let deny_private = self.deny_private;
        Box::pin(async move {
            let host = name.as_str();
            // The client sets the port.
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            for address in &addresses {
                check(host, address.ip(), deny_private)?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Checks a URL whose host is an address; such hosts never come to a resolver.
pub(super) fn check_literal(url: &Url, deny_private: bool) -> Result<(), Forbidden> {
    match literal(url) {
        Some(address) => check(url.host_str().unwrap_or_default(), address, deny_private),
        None => Ok(()),
    }
}

/// The address that stands in a URL in place of a name, if it is one that is not spoken to, and
/// what kind it is.
pub(crate) fn forbidden_literal(url: &Url, deny_private: bool) -> Option<(IpAddr, &'static str)> {
    let address = literal(url)?.to_canonical();
    Some((address, forbidden(address, deny_private)?))
}

/// The URL's parser has brought all spellings of an address into one form.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn check(host: &str, address: IpAddr, deny_private: bool) -> Result<(), Forbidden> {
    match forbidden(address, deny_private) {
        None => Ok(()),
        Some(kind) => Err(Forbidden {
            host: host.to_owned(),
            address,
            kind,
        }),
    }
}

impl Forbidden {
    pub(super) fn among_causes<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut causes = std::iter::successors(Some(error), |error| (*error).source());
        causes.find_map(|cause| cause.downcast_ref())
    }
}

type V4 = (Ipv4Addr, u32, &'static str);
/// The first three segments of a network, its length, and its kind.
type V6 = ([u16; 3], u32, &'static str);

const METADATA: &str = "a cloud metadata service";
const SPECIAL: &str = "a special-purpose address";

/// The addresses at which clouds hand out an instance's credentials and data: mostly in the
/// link-local range, but Azure's, Alibaba's and Oracle's are in ranges that are public or shared.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];

/// The same for version 6: unique local addresses of Amazon, Google, Oracle and Scaleway.
const METADATA_V6: [Ipv6Addr; 5] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Networks that are never spoken to; of several that contain an address, the first names it.
const NEVER_V4: [V4; 5] = [
    (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
    (Ipv4Addr::UNSPECIFIED, 8, "an unspecified address"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
    (Ipv4Addr::BROADCAST, 32, "the broadcast address"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
];

/// Networks that are not of the public Internet (RFC 6890 and its registry).
const PRIVATE_V4: [V4; 11] = [
    (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "a private address"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 0, 2, 0), 24, SPECIAL),
    (Ipv4Addr::new(192, 88, 99, 0), 24, SPECIAL),
    (Ipv4Addr::new(198, 18, 0, 0), 15, SPECIAL),
    (Ipv4Addr::new(198, 51, 100, 0), 24, SPECIAL),
    (Ipv4Addr::new(203, 0, 113, 0), 24, SPECIAL),
];

const NEVER_V6: [V6; 3] = [
    ([0xfe80, 0, 0], 10, "a link-local address"),
    ([0xff00, 0, 0], 8, "a multicast address"),
    // Names an IPv4 address and a relay, both of the sender's choice (RFC 4380).
    ([0x2001, 0, 0], 32, "a Teredo address"),
];

const PRIVATE_V6: [V6; 5] = [
    ([0xfc00, 0, 0], 7, "a private address"),
    ([0x2001, 0, 0], 23, SPECIAL),
    ([0x2001, 0xdb8, 0], 32, SPECIAL),
    // The operator chooses where in it an IPv4 address stands (RFC 8215).
    ([0x64, 0xff9b, 1], 48, SPECIAL),
    ([0x3fff, 0, 0], 20, SPECIAL),
];

/// All of today's global unicast addresses (RFC 4291 §2.4 and IANA's registry).
const GLOBAL_V6: V6 = ([0x2000, 0, 0], 3, "");

/// The kind of a forbidden address; `None` for one that may be contacted.
fn forbidden(address: IpAddr, deny_private: bool) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => forbidden_v4(address, deny_private),
        IpAddr::V6(address) => forbidden_v6(address, deny_private),
    }
}

fn forbidden_v4(address: Ipv4Addr, deny_private: bool) -> Option<&'static str> {
    if METADATA_V4.contains(&address) {
        return Some(METADATA);
    }
    let contains = |network: &Ipv4Addr, length: u32| {
        (network.to_bits() ^ address.to_bits()).leading_zeros() >= length
    };
    let private: &[V4] = if deny_private { &PRIVATE_V4 } else { &[] };
    let mut networks = NEVER_V4.iter().chain(private);
    let found = networks.find(|(network, length, _)| contains(network, *length));
    found.map(|(_, _, kind)| *kind)
}

fn forbidden_v6(address: Ipv6Addr, deny_private: bool) -> Option<&'static str> {
    let inner = embedded(address);
    match inner.and_then(|inner| forbidden_v4(inner, deny_private)) {
        Some(kind) => return Some(kind),
        None if METADATA_V6.contains(&address) => return Some(METADATA),
        None if address == Ipv6Addr::UNSPECIFIED => return Some("an unspecified address"),
        None if address == Ipv6Addr::LOCALHOST => {
            return deny_private.then_some("a loopback address");
        }
        None => {}
    }
    let private: &[V6] = if deny_private { &PRIVATE_V6 } else { &[] };
    let mut networks = NEVER_V6.iter().chain(private);
    match networks.find(|network| is_in(address, network)) {
        Some((_, _, kind)) => Some(kind),
        None if deny_private && inner.is_none() && !is_in(address, &GLOBAL_V6) => Some(SPECIAL),
        None => None,
    }
}

fn is_in(address: Ipv6Addr, ([first, second, third], length, _): &V6) -> bool {
    let network = Ipv6Addr::new(*first, *second, *third, 0, 0, 0, 0, 0);
    (network.to_bits() ^ address.to_bits()).leading_zeros() >= *length
}

/// The IPv4 address to which a packet to this one goes in the end.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        // These two are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        // Compatible and mapped (RFC 4291 §2.5.5), translated (RFC 2765 §2.1), NAT64 (RFC 6052
        // §2.1, RFC 8215), 6to4 (RFC 3056 §2).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests;
