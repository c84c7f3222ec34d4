//! Stories of the whole server, told through the public library.
//!
//! Every story has a server of its own on a free port and speaks to it as browsers, programs and vandals do.

mod application;
mod connect;
mod crossing;
mod shard;
mod transport;
