//! Which kind of place an IP address is, by the IANA special-purpose registries (RFC 6890 and its successors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Globally reachable unicast.
    Public,
    /// This machine or a private network: only for upstreams that an operator has named.
    Inner,
    /// Never a place to call: link-local (cloud metadata lives there), multicast, reserved, documentation, transition
    /// prefixes that hide another address.
    Forbidden,
}

/// Addresses of cloud metadata services outside the link-local range.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);

/// Sorts an address into its class.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(ip: Ipv4Addr) -> AddressClass {
    if ip == METADATA_V4 {
        return AddressClass::Forbidden;
    }
    match ip.octets() {
        [127 | 10, ..] | [192, 168, ..] => AddressClass::Inner,
        [172, b, ..] if (16..=31).contains(&b) => AddressClass::Inner,
        // Shared address space of carriers (RFC 6598).
        [100, b, ..] if (64..=127).contains(&b) => AddressClass::Inner,
        [0 | 224..=255, ..] | [169, 254, ..] => AddressClass::Forbidden,
        // Protocol assignments, documentation, the retired 6to4 relay, benchmarks.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressClass::Forbidden
        }
        _ => AddressClass::Public,
    }
}

fn classify_v6(ip: Ipv6Addr) -> AddressClass {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return classify_v4(v4);
    }
    if ip == METADATA_V6 {
        return AddressClass::Forbidden;
    }
    if ip.is_loopback() {
        return AddressClass::Inner;
    }
    match ip.segments() {
        [a, ..] if a & 0xfe00 == 0xfc00 => AddressClass::Inner,
        // 2001::/23 (Teredo, ORCHID, …), documentation, 6to4: all special or a wrapper around another address.
        [0x2001, b, ..] if b < 0x0200 => AddressClass::Forbidden,
        [0x2001, 0x0db8, ..] | [0x2002, ..] => AddressClass::Forbidden,
        [0x3fff, b, ..] if b < 0x1000 => AddressClass::Forbidden,
        [a, ..] if a & 0xe000 == 0x2000 => AddressClass::Public,
        _ => AddressClass::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> AddressClass {
        classify(text.parse().unwrap())
    }

    #[test]
    fn special_ranges_by_their_first_and_last_address() {
        for inner in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.0",
            "192.168.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "::1",
            "fc00::",
            "fdff:ffff::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
        ] {
            assert_eq!(class(inner), AddressClass::Inner, "{inner}");
        }
        for forbidden in [
            "0.0.0.0",
            "0.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::127.0.0.1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "100::1",
            "5f00::1",
        ] {
            assert_eq!(class(forbidden), AddressClass::Forbidden, "{forbidden}");
        }
        for public in [
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2400:3200::1",
            "2606:4700::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(class(public), AddressClass::Public, "{public}");
        }
    }
}
