//! Refusing to be open by accident.
//!
//! A server without a policy lets everyone who reaches it subscribe and publish; without keys the HTTP API
//! does so too. On an address that only the machine itself reaches that is convenient, on any other it
//! has to be asked for by name.

use std::net::SocketAddr;

use super::Configuration;

/// Whether the server may start; otherwise words on how to go on.
pub(crate) fn check(configuration: &Configuration, danger_open: bool) -> Result<(), String> {
    let reachable = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    let mut addresses = configuration.comet.listen.iter().chain(&configuration.comet.flash.listen);
    let Some(address) = addresses.find(reachable) else { return Ok(()) };
    if danger_open {
        return Ok(());
    }
    let who = if configuration.api_keys.is_empty() {
        "everyone who reaches it could publish on every channel, as a client and over the HTTP API"
    } else {
        "every client that reaches it could publish on every channel (the keys of [api] guard the HTTP API only)"
    };
    Err(format!(
        "refusing open publishing on the public address {address}: {who}.\n\
         Listen on 127.0.0.1 behind a proxy that decides who may, or start with --danger-open if everyone is meant."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.comet.listen.push(address.parse().unwrap());
        configuration
    }

    #[test]
    fn loopback_addresses_may_be_open() {
        for address in ["127.0.0.1:0", "127.8.8.8:80", "[::1]:8000", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(check(&listening(address), false), Ok(()), "{address}");
        }
    }

    #[test]
    fn an_address_for_flash_is_as_public_as_any() {
        let mut configuration = listening("127.0.0.1:0");
        configuration.comet.flash.listen.push("0.0.0.0:8100".parse().unwrap());
        assert!(check(&configuration, false).unwrap_err().contains("0.0.0.0:8100"));
    }

    #[test]
    fn one_public_address_is_enough_to_be_refused() {
        for address in ["0.0.0.0:8000", "[::]:8000", "192.0.2.1:80", "[::ffff:192.0.2.1]:80"] {
            assert!(check(&listening(address), false).unwrap_err().contains("--danger-open"), "{address}");
            assert_eq!(check(&listening(address), true), Ok(()));
        }
    }

    #[test]
    fn keys_guard_the_api_and_not_what_clients_publish() {
        let mut configuration = listening("0.0.0.0:8000");
        configuration.api_keys = vec!["0123456789abcdef".into()];
        assert!(check(&configuration, false).unwrap_err().contains("HTTP API only"));
    }
}
