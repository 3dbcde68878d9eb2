//! Addresses of proxies.

use std::net::IpAddr;

use crate::error::ConfigError;

/// An address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.7`, `10.0.0.8/30` or `fd00:7::/64`.
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad = || ConfigError::BadProxy(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| bad())?;
        let address = written.to_canonical();
        let longest = bits_of(written);
        let prefix = match prefix {
            None => longest,
            // `u8::from_str` would take a sign.
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= longest)
                .ok_or_else(bad)?,
            Some(_) => return Err(bad()),
        };
        // An IPv4 address written as IPv6 has 96 bits before its own.
        let prefix = prefix
            .checked_sub(longest - bits_of(address))
            .ok_or_else(bad)?;
        Ok(Self { address, prefix })
    }

    /// Whether the address, IPv4 also where it is written as IPv6, is one of these.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits_of(address) == bits_of(self.address)
            && first_bits(address, self.prefix) == first_bits(self.address, self.prefix)
    }
}

/// Who guesses passwords from an address has all of its network, if it is IPv6: those who give it
/// out give out 64 bits and more (RFC 6177).
pub(super) fn neighbourhood(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        address @ IpAddr::V6(_) => first_bits(address, 64),
    }
}

fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all but its first bits zero.
fn first_bits(address: IpAddr, count: u8) -> u128 {
    let (bits, unused) = match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32_u32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let rest = unused.saturating_sub(count.into());
    // Shifting by all 128 bits is no shift at all to the processor.
    bits.checked_shr(rest)
        .and_then(|bits: u128| bits.checked_shl(rest))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
