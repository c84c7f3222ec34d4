//! The load: one thread, one epoll, every subscriber and the publisher, counted exactly.
//! `peer` is one connection, `ledger` what arrived, `publisher` what is sent; `fleet` turns them.
//! It busy-polls while something is measured, so that no wake-up of the generator is charged to the server.

mod fleet;
mod ledger;
mod peer;
mod publisher;

pub use fleet::{Fleet, Load};
pub use ledger::{Ledger, Summary};
