//! Stories of the whole server, told through the public library.
//!
//! Every story has a server of its own on a free port and speaks to it as browsers, programs and vandals do.

mod api;
mod application;
mod authorizer;
mod bad_batch;
mod bad_frame;
mod bad_request;
mod behind;
mod browser;
mod busy;
mod cache;
mod callback;
mod connect;
mod crossing;
mod door;
mod drain;
mod expiry;
mod extension;
mod history;
mod identity;
mod joining;
mod journal;
mod limit;
mod local_session;
mod manner;
mod origin;
mod page;
mod policy;
mod presence;
mod presence_limit;
mod receipt;
mod received;
mod recovery;
mod replay;
mod request;
mod service;
mod shard;
mod slow;
mod thought;
mod transport;
