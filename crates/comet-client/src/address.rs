//! Where the server is.
//!
//! An address is taken apart once; wires and the API ask it for what they need. TLS is not spoken here: a
//! client far away from its server goes through something that does.

use http::Uri;
use http::uri::Authority;

use crate::Error;

/// The path of the transports when the address names none.
const USUAL_PATH: &str = "/cometd";

/// Where a server is, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    authority: Authority,
    path: String,
}

impl Address {
    /// Reads `http://host:port/path`; `ws://` is the same.
    pub(crate) fn parse(text: &str) -> Result<Address, Error> {
        let wrong = |why: &str| Error::Address(format!("{text:?} is no address of a server: {why}"));
        let uri: Uri = text.trim().parse().map_err(|_| wrong("it cannot be read"))?;
        match uri.scheme_str() {
            Some("http" | "ws") => {}
            Some("https" | "wss") => return Err(wrong("this client does not speak TLS")),
            _ => return Err(wrong("it does not begin with http://")),
        }
        let authority = uri.authority().cloned().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a name and a password do not belong there"));
        }
        let path = match uri.path() {
            "" | "/" => USUAL_PATH.to_owned(),
            path => path.trim_end_matches('/').to_owned(),
        };
        Ok(Address { authority, path })
    }

    /// The value of the `Host` field.
    pub(crate) fn host(&self) -> &str {
        self.authority.as_str()
    }

    /// Host and port to connect to.
    pub(crate) fn socket(&self) -> (&str, u16) {
        let host = self.authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        (bare, self.authority.port_u16().unwrap_or(80))
    }

    /// The path of the transports.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// A path on the same host, as an address.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_means_the_usual_one() {
        for text in ["http://127.0.0.1:8000", "http://127.0.0.1:8000/", "ws://127.0.0.1:8000"] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host(), address.path()), ("127.0.0.1:8000", "/cometd"), "{text}");
            assert_eq!(address.socket(), ("127.0.0.1", 8000));
        }
        let address = Address::parse("http://[::1]/bayeux/").unwrap();
        assert_eq!((address.host(), address.path(), address.socket()), ("[::1]", "/bayeux", ("::1", 80)));
        assert_eq!(address.at("/api/publish"), "http://[::1]/api/publish");
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        for text in
            ["", "127.0.0.1:8000", "https://shop.example", "/cometd", "http://", "http://a:b@host", "ftp://a"]
        {
            assert!(matches!(Address::parse(text), Err(Error::Address(_))), "{text:?}");
        }
    }
}
