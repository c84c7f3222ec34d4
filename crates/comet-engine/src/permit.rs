//! Caps on connections: in all, and for one address.
//!
//! Counted once for the whole node, at accept and at close, never on the way of a message; behind a trusted proxy,
//! where connections are the proxy's, an address is counted while one of its requests is served. A connection
//! holds a [`Permit`] wherever it goes, to another shard or to the host, and dropping it counts down.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the connections of a node.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Inner>);

struct Inner {
    connections: usize,
    per_address: usize,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    by_address: HashMap<IpAddr, u32>,
}

impl Gate {
    pub(crate) fn new(connections: usize, per_address: usize) -> Gate {
        Gate(Arc::new(Inner { connections, per_address, counts: Mutex::default() }))
    }

    /// Room for one more connection from this address, or `None` when a cap is reached.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Permit> {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.connections >= self.0.connections {
            return None;
        }
        let count = counts.by_address.entry(address).or_default();
        if *count as usize >= self.0.per_address {
            return None;
        }
        *count += 1;
        counts.connections += 1;
        Some(Permit { gate: self.clone(), address: Some(address), is_proxy: false })
    }

    /// Room for one more connection of a trusted proxy, or `None` when the cap in all is reached. No address is
    /// counted before it is known for whom.
    pub(crate) fn admit_proxy(&self) -> Option<Permit> {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.connections >= self.0.connections {
            return None;
        }
        counts.connections += 1;
        Some(Permit { gate: self.clone(), address: None, is_proxy: true })
    }

    /// Connections that hold a permit.
    pub(crate) fn connections(&self) -> usize {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).connections
    }
}

/// One connection's place under the caps.
pub struct Permit {
    gate: Gate,
    /// The address it is counted for; none between two requests of a proxy.
    address: Option<IpAddr>,
    is_proxy: bool,
}

impl Permit {
    /// Whether the connection is a trusted proxy's.
    pub(crate) fn is_proxy(&self) -> bool {
        self.is_proxy
    }

    /// Counts for this address from here on; false when that has no room, and then for none.
    pub(crate) fn count_for(&mut self, address: IpAddr) -> bool {
        if self.address == Some(address) {
            return true;
        }
        let mut counts = self.gate.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = self.address.take() {
            counts.give_back(before);
        }
        let count = counts.by_address.get(&address).copied().unwrap_or_default();
        if count as usize >= self.gate.0.per_address {
            return false;
        }
        counts.by_address.insert(address, count + 1);
        self.address = Some(address);
        true
    }

    /// A request of a proxy is served: the connection counts for no address until the next.
    pub(crate) fn release_address(&mut self) {
        if self.is_proxy
            && let Some(address) = self.address.take()
        {
            self.gate.0.counts.lock().unwrap_or_else(PoisonError::into_inner).give_back(address);
        }
    }
}

impl Counts {
    fn give_back(&mut self, address: IpAddr) {
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.connections -= 1;
        if let Some(address) = self.address {
            counts.give_back(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_own_cap_and_gives_back_what_it_drops() {
        let gate = Gate::new(3, 2);
        let [a, b] = [[127, 0, 0, 1], [127, 0, 0, 2]].map(IpAddr::from);
        let first = gate.admit(a).expect("there is room");
        let _second = gate.admit(a).expect("there is room");
        assert!(gate.admit(a).is_none());
        let _third = gate.admit(b).expect("another address has room");
        assert!(gate.admit(b).is_none(), "the cap in all is reached");
        drop(first);
        assert!(gate.admit(a).is_some());
    }

    #[test]
    fn the_connections_of_a_proxy_count_for_whom_they_serve() {
        let gate = Gate::new(4, 1);
        let [a, b] = [[203, 0, 113, 1], [203, 0, 113, 2]].map(IpAddr::from);
        let mut permits: Vec<_> = (0..3).map(|_| gate.admit_proxy().expect("there is room")).collect();
        assert!(permits[0].count_for(a) && permits[0].count_for(a));
        assert!(!permits[1].count_for(a), "another request of the same client is one too many");
        assert!(permits[1].count_for(b));
        assert!(!permits[1].count_for(a), "who may not change is counted no more");
        assert!(permits[2].count_for(b));
        permits[0].release_address();
        assert!(permits[1].count_for(a));
        permits.clear();
        assert_eq!((gate.connections(), gate.0.counts.lock().unwrap().by_address.len()), (0, 0));
        let mut direct = gate.admit(a).expect("there is room");
        direct.release_address();
        assert!(gate.admit(a).is_none(), "what is no proxy's counts until it is closed");
    }
}
