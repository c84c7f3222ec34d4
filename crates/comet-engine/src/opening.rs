//! The request that opened a WebSocket, kept small.
//!
//! Policies see it at every handshake on that socket, so it is kept as long as the socket; in one box,
//! because most sockets have little in it and there are many of them.

use std::net::SocketAddr;

use crate::host::RequestInfo;

/// What of an opening request policies may want to see, each part on a line of its own.
#[derive(Default)]
pub(crate) struct Opening(Box<str>);

impl Opening {
    /// Packs a request. No part of a request that was accepted holds a line break.
    pub(crate) fn of(request: &RequestInfo) -> Opening {
        let RequestInfo { address: _, target, origin, cookie, authorization } = request;
        let [origin, cookie, authorization] =
            [origin, cookie, authorization].map(|part| part.as_deref().unwrap_or_default());
        Opening(format!("{target}\n{origin}\n{cookie}\n{authorization}").into())
    }

    /// The request again, of a peer at `address`. A part that was empty is missing.
    pub(crate) fn request(&self, address: SocketAddr) -> RequestInfo {
        let mut parts = self.0.split('\n');
        let target = parts.next().unwrap_or_default().into();
        let mut part = || parts.next().filter(|part| !part.is_empty()).map(Into::into);
        RequestInfo { address, target, origin: part(), cookie: part(), authorization: part() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_out_as_it_went_in() {
        let address = SocketAddr::from(([127, 0, 0, 1], 5));
        for (origin, cookie, authorization) in [
            (None, None, None),
            (Some("https://shop.example"), None, Some("Bearer x")),
            (None, Some("a=b; c=d"), None),
        ] {
            let [origin, cookie, authorization] =
                [origin, cookie, authorization].map(|part| part.map(Into::into));
            let request = RequestInfo { address, target: "/cometd?x".into(), origin, cookie, authorization };
            let again = Opening::of(&request).request(address);
            assert_eq!(format!("{again:?}"), format!("{request:?}"));
        }
    }
}
