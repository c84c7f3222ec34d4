//! The load: one thread, one epoll, every subscriber and the publisher, counted exactly.
//! `crowd` is apart: sessions that share connections, in plain blocking talk.
//! `peer` is one connection, `ledger` what arrived, `publisher` what is sent; `fleet` turns them.
//! It busy-polls while something is measured, so that no wake-up of the generator is charged to the server.

mod crowd;
mod fleet;
mod ledger;
mod peer;
mod publisher;

pub use crowd::Crowd;
pub use fleet::{Fleet, Load};
pub use ledger::{Ledger, Summary};
