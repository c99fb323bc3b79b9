//! Ranges of IP addresses (RFC 4632, RFC 4291): `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.1.`, `::1`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Reads a range; none where the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        if let Some(front) = address.strip_suffix('.').filter(|_| bits.is_none()) {
            return Self::front(front);
        }
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.contains('.') => mask(bits.parse().ok()?)?,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most)?,
        };
        // An IPv4 range in the form of IPv6 is the IPv4 range (RFC 4291 section 2.5.5.2).
        match (address, address.to_canonical(), bits.checked_sub(96)) {
            (IpAddr::V6(_), four @ IpAddr::V4(_), Some(bits)) => Some(Self { address: four, bits }),
            _ => Some(Self { address, bits }),
        }
    }

    /// `10.1` for 10.1.0.0/16.
    fn front(text: &str) -> Option<Self> {
        let parts: Vec<u8> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let mut octets = [0; 4];
        octets.get_mut(..parts.len())?.copy_from_slice(&parts);
        let bits = u8::try_from(parts.len() * 8).ok()?;
        Some(Self { address: IpAddr::V4(Ipv4Addr::from(octets)), bits })
    }

    /// One address.
    #[must_use]
    pub const fn one(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    /// The range of so many leading bits that an address lies in. An IPv4 address in the form of IPv6 is the IPv4 address.
    #[must_use]
    pub fn around(address: IpAddr, bits: u8) -> Self {
        match address.to_canonical() {
            IpAddr::V4(own) => {
                let bits = bits.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                Self { address: IpAddr::V4(Ipv4Addr::from(u32::from(own) & mask)), bits }
            }
            IpAddr::V6(own) => {
                let bits = bits.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                Self { address: IpAddr::V6(Ipv6Addr::from(u128::from(own) & mask)), bits }
            }
        }
    }

    /// The address, or the first one of the range.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether it is one address.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.bits == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Whether any address lies in both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.holds(other.address) || other.holds(self.address)
    }

    /// As people write it: an address, or a range.
    #[must_use]
    pub fn text(&self) -> String {
        if self.is_one() { self.address.to_string() } else { self.to_string() }
    }

    /// Whether an address lies in it. An IPv4 address in the form of IPv6 is the IPv4 address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let shifted = |address: u128, width: u32| address.checked_shr(width - u32::from(self.bits)).unwrap_or(0);
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                shifted(u32::from(own).into(), 32) == shifted(u32::from(other).into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => shifted(own.into(), 128) == shifted(other.into(), 128),
            _ => false,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn mask(mask: Ipv4Addr) -> Option<u8> {
    let bits = u32::from(mask);
    (bits.leading_ones() == bits.count_ones()).then(|| bits.count_ones() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_what_lies_in_them() {
        for (range, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/255.255.0.0", "10.0.3.1", true),
            ("10.1.", "10.1.9.9", true),
            ("10.1.", "10.10.9.9", false),
            ("1.2.3.4", "1.2.3.4", true),
            ("1.2.3.4", "::ffff:1.2.3.4", true),
            ("::ffff:10.1.2.0/120", "10.1.2.9", true),
            ("::ffff:10.1.2.0/120", "::ffff:10.1.2.9", true),
            ("::ffff:10.1.2.0/120", "10.1.3.9", false),
            ("::ffff:1.2.3.4", "1.2.3.4", true),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "::1", false),
            ("fe80::/10", "fe80::1", true),
            ("::1", "::2", false),
            ("::/0", "2001:db8::1", true),
        ] {
            assert_eq!(Cidr::parse(range).unwrap().holds(address.parse().unwrap()), expected, "{range} {address}");
        }
        for text in ["", "10", "10.0.0.0/33", "10.0.0.0/255.0.255.0", "x/8", "1.2.3.4.5.", "::/129"] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_around_addresses() {
        for (address, bits, expected) in [
            ("2001:db8:1:2:3::4", 64, "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::4", 128, "2001:db8:1:2:3::4"),
            ("2001:db8:1:2:3::4", 0, "::/0"),
            ("::ffff:192.0.2.7", 24, "192.0.2.0/24"),
            ("192.0.2.7", 64, "192.0.2.7"),
        ] {
            assert_eq!(Cidr::around(address.parse().unwrap(), bits).text(), expected);
        }
        for (one, other, expected) in [
            ("10.0.0.0/8", "10.2.0.0/16", true),
            ("10.2.0.0/16", "10.0.0.0/8", true),
            ("10.2.0.0/16", "10.3.0.1", false),
        ] {
            assert_eq!(Cidr::parse(one).unwrap().meets(&Cidr::parse(other).unwrap()), expected, "{one} {other}");
        }
    }
}
