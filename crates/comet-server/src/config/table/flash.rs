//! The rows of `[flash]`: XMLSockets, and whose movies may open them.
//!
//! They read and write the library's own part for Flash; its texts are understood here. The table takes them in at the
//! place where the section is listed.

use std::net::{IpAddr, SocketAddr};

use super::super::key::Key;
use super::super::text::{file_or_none, texts};
use super::super::value::{Kind, Value};
use super::row::{list, other};

/// Where players ask for the policy first.
const POLICY_PORT: u16 = 843;

pub(super) const LISTEN: Key = Key {
    read: |c| list(&c.comet.flash.listen),
    write: |c, value| addresses(value, None).map(|addresses| c.comet.flash.listen = addresses),
    ..other(
        "flash",
        "listen",
        Kind::List,
        "Addresses that speak XMLSocket, such as \"127.0.0.1:8100\"; none.",
    )
};

pub(super) const POLICY_LISTEN: Key = Key {
    read: |c| list(&c.comet.flash.policy_listen),
    write: |c, value| {
        addresses(value, Some(POLICY_PORT)).map(|addresses| c.comet.flash.policy_listen = addresses)
    },
    ..other(
        "flash",
        "policy_listen",
        Kind::List,
        "Addresses that tell who may connect and nothing else, at port 843 unless they name another.",
    )
};

pub(super) const DOMAINS: Key = Key {
    read: |c| list(&c.comet.flash.domains),
    write: |c, value| domains(value).map(|domains| c.comet.flash.domains = domains),
    ..other(
        "flash",
        "domains",
        Kind::List,
        "Domains whose movies may connect, as \"www.shop.example\" or \"*.shop.example\"; also in /crossdomain.xml.",
    )
};

pub(super) const PORTS: Key = Key {
    read: |c| list(&c.comet.flash.ports),
    write: |c, value| ports(value).map(|ports| c.comet.flash.ports = ports),
    ..other("flash", "ports", Kind::List, "Ports that are named to players; none for those of listen.")
};

pub(super) const WEBSOCKET: Key = Key {
    read: |c| Value::Switch(c.comet.flash.websocket),
    write: |c, value| match value {
        Value::Switch(on) => {
            c.comet.flash.websocket = on;
            Ok(())
        }
        _ => Err("has to be true or false".into()),
    },
    ..other(
        "flash",
        "websocket",
        Kind::Switch,
        "Whether WebSockets at xmlsocket under a mount carry XMLSockets, for players in JavaScript such as Ruffle.",
    )
};

pub(super) const FILES: Key = Key {
    read: |c| {
        Value::Text(c.flash_files.as_ref().map_or_else(|| "none".into(), |path| path.display().to_string()))
    },
    write: |c, value| file_or_none(value).map(|path| c.flash_files = path),
    ..other(
        "flash",
        "files",
        Kind::Text,
        "A directory with bridge.swf and ruffle/ruffle.js, served under /comet/flash/, or \"none\".",
    )
};

fn addresses(value: Value, port: Option<u16>) -> Result<Vec<SocketAddr>, String> {
    let address = |text: &String| {
        let whole = text.parse().ok();
        let without_port = || Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, port?));
        whole.or_else(without_port).ok_or_else(|| {
            format!("has {text:?}, which is no address such as \"127.0.0.1:8100\" or \"[::1]:8100\"")
        })
    };
    texts(value)?.iter().map(address).collect()
}

fn domains(value: Value) -> Result<Vec<comet::PolicyDomain>, String> {
    let domain = |text: &String| {
        text.parse().map_err(|_| {
            format!("has {text:?}, which is no domain such as \"www.shop.example\" or \"*.shop.example\"")
        })
    };
    texts(value)?.iter().map(domain).collect()
}

fn ports(value: Value) -> Result<Vec<u16>, String> {
    let port = |text: &String| {
        let port = text.parse().ok().filter(|port| *port > 0);
        port.ok_or_else(|| format!("has {text:?}, which is no port such as \"8100\""))
    };
    texts(value)?.iter().map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::Configuration;
    use super::*;

    fn list(texts: &[&str]) -> Value {
        Value::List(texts.iter().map(|text| text.to_string()).collect())
    }

    #[test]
    fn a_policy_listens_at_843_unless_it_is_told_otherwise() {
        let mut configuration = Configuration::default();
        (POLICY_LISTEN.write)(&mut configuration, list(&["0.0.0.0", "::1", "127.0.0.1:8843"])).unwrap();
        let wanted = ["0.0.0.0:843", "[::1]:843", "127.0.0.1:8843"];
        assert_eq!((POLICY_LISTEN.read)(&configuration), list(&wanted));
        assert!(
            (LISTEN.write)(&mut configuration, list(&["127.0.0.1"])).is_err(),
            "sockets have no port of theirs"
        );
    }

    #[test]
    fn nobody_lets_everyone_in() {
        let mut configuration = Configuration::default();
        assert!((DOMAINS.write)(&mut configuration, list(&["*.shop.example", "localhost"])).is_ok());
        for bad in ["*", "*.example", "", "a b", "shop.example:80"] {
            assert!((DOMAINS.write)(&mut configuration, list(&[bad])).unwrap_err().contains(bad), "{bad}");
        }
        for bad in ["0", "65536", "*", "80-90"] {
            assert!((PORTS.write)(&mut configuration, list(&[bad])).unwrap_err().contains(bad), "{bad}");
        }
    }
}
