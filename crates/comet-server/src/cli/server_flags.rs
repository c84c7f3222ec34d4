//! The flags of every verb that runs a server.

use std::net::SocketAddr;

use clap::Args;

/// Where a server listens and what it is allowed.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServerFlags {
    /// Address to listen on; port 0 takes any free one. May be given several times
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<SocketAddr>,
    /// Address of the internal listener
    #[arg(long, value_name = "ADDR")]
    pub(crate) internal_listen: Option<SocketAddr>,
    /// Start even though everyone who reaches a public address may publish
    #[arg(long)]
    pub(crate) danger_open: bool,
}
