//! Caps on connections: in all, and for one address.
//!
//! Counted once for the whole node, at accept and at close, never on the way of a message. A connection
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
        Some(Permit { gate: self.clone(), address })
    }

    /// Connections that hold a permit.
    pub(crate) fn connections(&self) -> usize {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).connections
    }
}

/// One connection's place under the caps.
pub struct Permit {
    gate: Gate,
    address: IpAddr,
}

impl Permit {
    /// The address it was given for.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.connections -= 1;
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
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
}
