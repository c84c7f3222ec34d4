//! What a publisher is told: where its message stands, and how safe it is there.

use comet_bus::{Durability, Position};

/// A message was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its place in the channel.
    pub position: Position,
    /// What it outlives.
    pub durability: Durability,
}
