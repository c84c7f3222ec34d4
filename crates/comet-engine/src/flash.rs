//! What is there for Flash: XMLSockets, and the word on who may open them.
//!
//! Here is what the configuration says of it, and which listener is for what. The bytes are `comet-wire`'s; sessions on
//! such a wire are like all others, in `shard/xml_socket.rs`.

use std::net::SocketAddr;
use std::sync::Arc;

pub use comet_wire::xml_socket::policy::Domain as PolicyDomain;
use comet_wire::xml_socket::policy::document;

/// What is there for Flash. Nothing, unless it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flash {
    /// Addresses that speak XMLSocket; port 0 takes any free one.
    pub listen: Vec<SocketAddr>,
    /// Addresses that answer the question for the policy and nothing else, for players that ask at port 843.
    pub policy_listen: Vec<SocketAddr>,
    /// Domains whose movies may connect.
    pub domains: Vec<PolicyDomain>,
    /// Ports that the policy names; none for those of `listen`.
    pub ports: Vec<u16>,
    /// Whether WebSockets at `xmlsocket` under a mount carry the stream of an XMLSocket, for players without sockets of
    /// their own.
    pub websocket: bool,
}

impl Flash {
    /// Whether there is any way for sessions to come by.
    pub(crate) fn is_on(&self) -> bool {
        self.websocket || !self.listen.is_empty()
    }

    /// The policy, with the ports that the system chose for `listen`.
    pub(crate) fn policy(&self, listening: &[SocketAddr]) -> Arc<str> {
        let bound: Vec<u16> = listening.iter().map(SocketAddr::port).collect();
        document(&self.domains, if self.ports.is_empty() { &bound } else { &self.ports }).into()
    }
}

/// What comes in at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Http,
    XmlSocket,
    Policy,
}

/// The listeners of a shard, in their order: those for HTTP, for XMLSockets, and for the policy alone.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) http: usize,
    pub(crate) xml_socket: usize,
    /// What is answered to who asks for it.
    pub(crate) policy: Arc<str>,
}

impl Doors {
    /// What comes in at this one.
    pub(crate) fn of(&self, listener: usize) -> Door {
        match listener {
            _ if listener < self.http => Door::Http,
            _ if listener < self.http + self.xml_socket => Door::XmlSocket,
            _ => Door::Policy,
        }
    }
}
