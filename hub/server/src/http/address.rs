//! Whose address a call comes from, when proxies stand in front.

use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses in CIDR notation (RFC 4632), or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    network: IpAddr,
    bits: u32,
}

/// Text that is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address or a block like 10.0.0.0/8")]
pub struct NotABlock(pub String);

impl FromStr for Block {
    type Err = NotABlock;
    fn from_str(text: &str) -> Result<Self, NotABlock> {
        let bad = || NotABlock(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| bad())?)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| bad())?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(bad());
        }
        Ok(Self { network, bits })
    }
}

impl Block {
    /// Whether an address lies in the block. An IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32 - self.bits;
                u32::from(a).checked_shr(shift).unwrap_or(0) == u32::from(b).checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128 - self.bits;
                u128::from(a).checked_shr(shift).unwrap_or(0) == u128::from(b).checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

/// The client's address: the socket's, or, where that is a trusted proxy, the right-most entry of `X-Forwarded-For`
/// that no trusted proxy wrote about itself. Whatever an untrusted party could have written is never reached.
#[must_use]
pub fn client_address(socket: IpAddr, forwarded_for: Option<&str>, trusted: &[Block]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|b| b.contains(address));
    let mut current = socket.to_canonical();
    for entry in forwarded_for.unwrap_or_default().rsplit(',') {
        if !is_trusted(current) {
            break;
        }
        match entry.trim().parse::<IpAddr>() {
            Ok(address) => current = address.to_canonical(),
            Err(_) => break,
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn blocks() {
        let ten: Block = "10.0.0.0/8".parse().unwrap();
        assert!(ten.contains(ip("10.9.8.7")) && ten.contains(ip("::ffff:10.1.1.1")) && !ten.contains(ip("11.0.0.1")));
        let all: Block = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(ip("8.8.8.8")) && !all.contains(ip("::1")));
        assert!("2001:db8::/32".parse::<Block>().unwrap().contains(ip("2001:db8::5")));
        assert!("10.0.0.0/33".parse::<Block>().is_err() && "ten".parse::<Block>().is_err());
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let header = Some("6.6.6.6, 1.2.3.4, 10.0.0.2");
        assert_eq!(client_address(ip("9.9.9.9"), header, &trusted), ip("9.9.9.9"));
        assert_eq!(client_address(ip("10.0.0.1"), header, &trusted), ip("1.2.3.4"));
        assert_eq!(client_address(ip("10.0.0.1"), header, &[]), ip("10.0.0.1"));
        assert_eq!(client_address(ip("10.0.0.1"), Some("junk"), &trusted), ip("10.0.0.1"));
        assert_eq!(client_address(ip("10.0.0.1"), None, &trusted), ip("10.0.0.1"));
    }
}
