//! Networks, and the first bits of an address.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use crate::config::InvalidConfig;

/// Those who are trusted, by where they are. None, by default.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Networks(Arc<[Network]>);

impl Networks {
    /// Reads what was set as `setting`.
    pub(in crate::http) fn read<N: AsRef<str>>(
        setting: &'static str,
        networks: impl IntoIterator<Item = N>,
    ) -> Result<Self, InvalidConfig> {
        let read = |network: N| {
            let text = network.as_ref();
            let allowed =
                "a network such as 10.0.0.0/8 or fd00::/8, or an address, and not all there are";
            Network::read(text.trim()).ok_or_else(|| InvalidConfig::new(setting, text, allowed))
        };
        Ok(Self(networks.into_iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Nobody is in none of them.
    pub(in crate::http) fn contain(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.0.iter().any(|network| network.contains(address)))
    }

    /// These and those.
    pub(in crate::http) fn and(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(&*others.0).copied().collect())
    }
}

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        first_bits(address, self.bits) == self.first
    }

    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().ok()?;
        let address = written.to_canonical();
        let bits = bits.unwrap_or(longest(written));
        // Of an IPv4 network that is written in IPv6.
        let bits = bits.checked_sub(longest(written) - longest(address))?;
        let network = Self { first: first_bits(address, bits), bits };
        (1..=longest(address)).contains(&bits).then_some(network)
    }
}

/// The address with only its first bits left, the others 0. All of it where it has no
/// more.
pub(super) fn first_bits(address: IpAddr, bits: u8) -> IpAddr {
    let bits = bits.into();
    match address {
        IpAddr::V4(address) => {
            let mask = !u32::MAX.checked_shr(bits).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = !u128::MAX.checked_shr(bits).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// How many bits such an address has.
fn longest(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        let networks = Networks::read("behind", [network]).expect("it is a network");
        networks.contain(Some(address.parse().expect("it is an address")))
    }

    #[test]
    fn a_network_ends_where_it_says() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("172.16.0.0/12", "172.31.0.1", "172.32.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.1/32", "192.0.2.1", "192.0.2.0"),
            ("128.0.0.0/1", "255.0.0.1", "127.255.255.255"),
            ("fd00::/8", "fdff::1", "fc00::1"),
            ("2001:db8::7", "2001:db8::7", "2001:db8::8"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
            (" 10.0.0.0/8\n", "10.0.0.1", "::10.0.0.1"),
            // Not the IPv4 addresses that could be written in it.
            ("::/8", "::1", "10.0.0.1"),
        ] {
            assert!(contains(network, inside), "{inside} in {network}");
            assert!(!contains(network, outside), "{outside} not in {network}");
        }
    }

    #[test]
    fn what_is_no_network_or_all_of_them_is_invalid() {
        for text in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0/8",
            "fd00::/129",
            "0.0.0.0/0",
            "::/0",
            "::ffff:0.0.0.0/96",
            "::ffff:10.0.0.0/8",
            "proxy.internal",
            "10.0.0.0/8/8",
            "10.0.0.0/256",
            "10.0.0.0/8,192.168.0.0/16",
        ] {
            assert!(Networks::read("behind", [text]).is_err(), "{text:?}");
        }
        assert_eq!(
            Networks::read("behind", ["10.0.0.0/33"]).expect_err("it is too long").to_string(),
            "`behind` is 10.0.0.0/33, but must be a network such as 10.0.0.0/8 or fd00::/8, or \
             an address, and not all there are"
        );
    }
}
