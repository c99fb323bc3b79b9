//! What an IP address is for, by the IANA registries of special-purpose addresses (RFC 6890 and what updates it).
//!
//! For IPv6 the question is turned around: only `2000::/3` is given out for the internet, so everything else is
//! refused, and within it the blocks with a special purpose are. Forms that carry an IPv4 address inside (mapped,
//! compatible, NAT64, 6to4, Teredo) are refused as a whole: the address inside is somebody else's decision.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Who can be behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody on the internet.
    Public,
    /// This machine or a network of its owner; the text says which kind.
    Private(&'static str),
    /// Nobody that a request is meant for, or nobody can tell; the text says why.
    Never(&'static str),
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.pad("public"),
            Self::Private(what) | Self::Never(what) => f.pad(what),
        }
    }
}

/// A block of addresses: first address, bits of the prefix, what it is.
type Block<A> = (A, u32, Class);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

/// IANA IPv4 Special-Purpose Address Registry; the multicast block is RFC 5771.
const V4: &[Block<Ipv4Addr>] = &[
    (v4(0, 0, 0, 0), 8, Class::Never("this network, RFC 791")),
    (v4(10, 0, 0, 0), 8, Class::Private("private, RFC 1918")),
    (v4(100, 64, 0, 0), 10, Class::Private("carrier-grade NAT, RFC 6598")),
    (v4(127, 0, 0, 0), 8, Class::Private("loopback, RFC 1122")),
    (v4(169, 254, 0, 0), 16, Class::Never("link-local, RFC 3927")),
    (v4(172, 16, 0, 0), 12, Class::Private("private, RFC 1918")),
    (v4(192, 0, 0, 0), 24, Class::Never("protocol assignments, RFC 6890")),
    (v4(192, 0, 2, 0), 24, Class::Never("documentation, RFC 5737")),
    (v4(192, 88, 99, 0), 24, Class::Never("6to4 relay, RFC 7526")),
    (v4(192, 168, 0, 0), 16, Class::Private("private, RFC 1918")),
    (v4(198, 18, 0, 0), 15, Class::Never("benchmarking, RFC 2544")),
    (v4(198, 51, 100, 0), 24, Class::Never("documentation, RFC 5737")),
    (v4(203, 0, 113, 0), 24, Class::Never("documentation, RFC 5737")),
    (v4(224, 0, 0, 0), 4, Class::Never("multicast, RFC 5771")),
    (v4(240, 0, 0, 0), 4, Class::Never("reserved or broadcast, RFC 1112 and RFC 8190")),
];

/// IANA IPv6 Special-Purpose Address Registry, as far as it is told apart from "not given out".
const V6: &[Block<Ipv6Addr>] = &[
    (Ipv6Addr::UNSPECIFIED, 128, Class::Never("unspecified, RFC 4291")),
    (Ipv6Addr::LOCALHOST, 128, Class::Private("loopback, RFC 4291")),
    (Ipv6Addr::UNSPECIFIED, 96, Class::Never("IPv4-compatible, RFC 4291")),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, Class::Never("IPv4-mapped, RFC 4291")),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, Class::Never("NAT64, RFC 6052")),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Class::Never("local NAT64, RFC 8215")),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Class::Never("Teredo, RFC 4380")),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Class::Never("protocol assignments, RFC 2928")),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Class::Never("documentation, RFC 3849")),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Class::Never("6to4, RFC 3056")),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Class::Never("documentation, RFC 9637")),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Class::Public),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Class::Private("unique local, RFC 4193")),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Class::Never("link-local, RFC 4291")),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Class::Never("multicast, RFC 4291")),
];

/// What an address is for. The first block that holds it decides.
#[must_use]
pub fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => {
            let bits = |a: Ipv4Addr| u32::from(a);
            let holds = |first: Ipv4Addr, prefix: u32| (bits(address) ^ bits(first)) >> (32 - prefix) == 0;
            V4.iter().find(|(first, prefix, _)| holds(*first, *prefix)).map_or(Class::Public, |(_, _, class)| *class)
        }
        IpAddr::V6(address) => {
            let bits = |a: Ipv6Addr| u128::from(a);
            let holds = |first: Ipv6Addr, prefix: u32| (bits(address) ^ bits(first)) >> (128 - prefix) == 0;
            let found = V6.iter().find(|(first, prefix, _)| holds(*first, *prefix));
            found.map_or(Class::Never("not given out, RFC 4291"), |(_, _, class)| *class)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of the IANA registries that are not for a request, written as the registries write them and independent
    /// of the tables above.
    const NOT_PUBLIC: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.0.0/29",
        "192.0.0.8/32",
        "192.0.0.170/32",
        "192.0.0.171/32",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::1/128",
        "::/128",
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001::/32",
        "2001:2::/48",
        "2001:10::/28",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    /// Blocks of the registry that are reachable from everywhere, and addresses just outside of blocks that are not.
    const PUBLIC: &[&str] = &[
        "1.0.0.0/32",
        "9.255.255.255/32",
        "11.0.0.0/32",
        "100.63.255.255/32",
        "100.128.0.0/32",
        "126.255.255.255/32",
        "128.0.0.0/32",
        "169.253.255.255/32",
        "169.255.0.0/32",
        "172.15.255.255/32",
        "172.32.0.0/32",
        "191.255.255.255/32",
        "192.0.1.0/32",
        "192.0.3.0/32",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.98.255/32",
        "192.88.100.0/32",
        "192.167.255.255/32",
        "192.169.0.0/32",
        "192.175.48.0/24",
        "198.17.255.255/32",
        "198.20.0.0/32",
        "198.51.99.255/32",
        "198.51.101.0/32",
        "203.0.112.255/32",
        "203.0.114.0/32",
        "223.255.255.255/32",
        "2000::/32",
        "2001:200::/32",
        "2001:db7:ffff::/48",
        "2001:db9::/32",
        "2003::/16",
        "2620:4f:8000::/48",
        "2a00::/12",
        "3ffe::/16",
        "3fff:1000::/32",
    ];

    /// First, last and 200 other addresses of a block.
    fn sample(block: &str, seed: &mut u64) -> Vec<IpAddr> {
        let (first, prefix) = block.split_once('/').unwrap();
        let prefix: u32 = prefix.parse().unwrap();
        let mut next = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *seed >> 16
        };
        let wide = |bits: u32| if bits == 0 { 0 } else { u128::MAX >> (128 - bits) };
        match first.parse().unwrap() {
            IpAddr::V4(first) => {
                let room = wide(32 - prefix) as u32;
                let random = (0..200).map(|_| next() as u32 & room).collect::<Vec<_>>();
                let all = [0, room].into_iter().chain(random);
                all.map(|low| IpAddr::V4(Ipv4Addr::from(u32::from(first) | low))).collect()
            }
            IpAddr::V6(first) => {
                let room = wide(128 - prefix);
                let random = (0..200).map(|_| (u128::from(next()) << 64 | u128::from(next())) & room);
                let all = [0, room].into_iter().chain(random.collect::<Vec<_>>());
                all.map(|low| IpAddr::V6(Ipv6Addr::from(u128::from(first) | low))).collect()
            }
        }
    }

    #[test]
    fn no_address_of_a_special_block_is_public() {
        let mut seed = 7;
        for block in NOT_PUBLIC {
            for address in sample(block, &mut seed) {
                assert_ne!(class(address), Class::Public, "{address} of {block}");
            }
        }
    }

    #[test]
    fn what_is_outside_of_the_special_blocks_is_public() {
        let mut seed = 11;
        for block in PUBLIC {
            for address in sample(block, &mut seed) {
                assert_eq!(class(address), Class::Public, "{address} of {block}");
            }
        }
    }

    /// Random addresses: what the standard library calls special is never public here, and an IPv4 address in any
    /// IPv6 dress is never public either.
    #[test]
    fn agrees_with_the_standard_library() {
        let mut seed = 42;
        for address in
            sample("0.0.0.0/0", &mut seed).into_iter().chain((0..50).flat_map(|_| sample("0.0.0.0/0", &mut 99)))
        {
            let IpAddr::V4(v4) = address else { unreachable!() };
            let special = v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || v4.is_unspecified();
            assert!(!special || class(address) != Class::Public, "{v4}");
            for dress in [v4.to_ipv6_mapped(), v4.to_ipv6_compatible()] {
                assert_ne!(class(IpAddr::V6(dress)), Class::Public, "{dress}");
            }
            let [a, b, c, d] = v4.octets().map(u16::from);
            let six_to_four = Ipv6Addr::new(0x2002, a << 8 | b, c << 8 | d, 0, 0, 0, 0, 1);
            assert_ne!(class(IpAddr::V6(six_to_four)), Class::Public, "{six_to_four}");
        }
        for address in (1..50).flat_map(|seed| sample("::/0", &mut (seed * 1_000_003))) {
            let IpAddr::V6(v6) = address else { unreachable!() };
            let special = v6.is_loopback()
                || v6.is_multicast()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.segments()[0] >> 13 != 1;
            assert!(!special || class(address) != Class::Public, "{v6}");
        }
    }

    #[test]
    fn only_networks_of_an_owner_can_be_vouched_for() {
        for (address, private) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("172.31.255.1", true),
            ("192.168.0.1", true),
            ("100.64.0.1", true),
            ("::1", true),
            ("fd00::1", true),
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("::ffff:127.0.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
        ] {
            let class = class(address.parse().unwrap());
            assert_eq!(matches!(class, Class::Private(_)), private, "{address}: {class:?}");
        }
    }
}
