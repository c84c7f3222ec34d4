//! Who stands behind a proxy.
//!
//! A proxy in front of the server makes every connection its own and says in `X-Forwarded-For` for whom. Only
//! those on the configured list are believed, here, before anything is counted or told by address. Requests are
//! `comet-wire`'s heads; the address found goes to the caps on connections and to policies.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use comet_wire::http::Head;

/// Addresses that begin with the same bits: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address belongs to it. IPv4 inside IPv6 is IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

/// The text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Network, NoNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if !bits.starts_with('+') => {
                (address, Some(bits.parse().map_err(|_| NoNetwork)?))
            }
            Some(_) => return Err(NoNetwork),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(NoNetwork) } else { Ok(Network { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Whether one of the networks holds the address.
pub(crate) fn is_trusted(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// For whom a trusted proxy at `peer` passes a request on: the last address in `X-Forwarded-For` that is no
/// trusted proxy itself. What stands before that anybody can have written, and what cannot be read ends the
/// search at the proxy that passed it on.
pub(crate) fn client_of(head: &Head<'_>, trusted: &[Network], peer: IpAddr) -> IpAddr {
    let mut client = peer;
    let fields: Vec<&[u8]> = head.fields("x-forwarded-for").collect();
    for entry in fields.iter().rev().flat_map(|field| field.rsplit(|byte| *byte == b',')) {
        match address_of(entry) {
            Some(address) => client = address,
            None => break,
        }
        if !is_trusted(trusted, client) {
            break;
        }
    }
    client
}

/// An address as proxies write it, with or without a port.
fn address_of(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let with_port = || text.parse().map(|address: std::net::SocketAddr| address.ip());
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().or_else(|_| with_port()).ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use comet_wire::http::{HeadLimits, Parsed, parse_head};

    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn client(fields: &str) -> String {
        let text = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        let Ok(Parsed::Complete { head, .. }) = parse_head(text.as_bytes(), &HeadLimits::default()) else {
            panic!("{text} is a head");
        };
        client_of(&head, &networks(&["127.0.0.1", "10.0.0.0/8"]), IpAddr::from([127, 0, 0, 1])).to_string()
    }

    #[test]
    fn a_network_holds_what_begins_with_its_bits() {
        let holds = |network: &str, address: &str| networks(&[network])[0].contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("127.0.0.1", "::ffff:127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("::/0", "::1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0", "x/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1"]
        {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
        assert_eq!("10.1.0.0/16".parse::<Network>().unwrap().to_string(), "10.1.0.0/16");
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
        assert_eq!(client(""), "127.0.0.1");
        assert_eq!(client("X-Forwarded-For: 203.0.113.9\r\n"), "203.0.113.9");
        assert_eq!(client("X-Forwarded-For: 198.51.100.1, 203.0.113.9, 10.1.2.3\r\n"), "203.0.113.9");
        assert_eq!(
            client("X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.9\r\n"),
            "203.0.113.9"
        );
        assert_eq!(client("X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n"), "10.0.0.1");
    }

    #[test]
    fn addresses_are_read_with_ports_and_what_cannot_be_read_ends_the_search() {
        assert_eq!(client("X-Forwarded-For: 203.0.113.9:4711\r\n"), "203.0.113.9");
        assert_eq!(client("X-Forwarded-For: [2001:db8::1]:80\r\n"), "2001:db8::1");
        assert_eq!(client("X-Forwarded-For: [2001:db8::1]\r\n"), "2001:db8::1");
        assert_eq!(client("X-Forwarded-For: ::ffff:203.0.113.9\r\n"), "203.0.113.9");
        assert_eq!(client("X-Forwarded-For: 203.0.113.9, unknown, 10.0.0.2\r\n"), "10.0.0.2");
        assert_eq!(client("X-Forwarded-For: \u{fc}\r\n"), "127.0.0.1");
        assert_eq!(client("X-Forwarded-For:\r\n"), "127.0.0.1");
    }
}
