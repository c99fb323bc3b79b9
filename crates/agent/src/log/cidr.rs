//! Ranges of IP addresses (RFC 4632, RFC 4291): `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.1.`, `::1`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}
