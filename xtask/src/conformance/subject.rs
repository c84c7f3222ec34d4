//! The server that is judged: ours, or one of another project by which the judges themselves are tried. Knows how each
//! is started and what each lacks. Running servers go out.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;

use super::Reference;
use crate::server::Server;
use crate::setup;
use crate::workspace::Workspace;

/// What is judged.
pub(crate) struct Subject {
    reference: Option<Reference>,
}

impl Subject {
    pub(crate) fn of(reference: Option<Reference>) -> Self {
        Self { reference }
    }

    /// Whether the Bayeux clients can judge it.
    pub(crate) fn speaks_bayeux(&self) -> bool {
        self.reference != Some(Reference::Ws)
    }

    /// Whether it can be asked for a plain WebSocket echo.
    pub(crate) fn echoes(&self) -> bool {
        matches!(self.reference, None | Some(Reference::Ws))
    }

    /// Whether it offers a transport at all.
    pub(crate) fn offers(&self, transport: &str) -> bool {
        self.reference != Some(Reference::Cometd) || transport == "long-polling"
    }

    /// Whether it has what a judge is about: of the references only CometD's acknowledges, and none has the rest.
    pub(crate) fn suits(&self, judge: &str) -> bool {
        match judge {
            "cometd-ack" => matches!(self.reference, None | Some(Reference::Cometd)),
            "cometd-extensions" | "cometd-reload" | "aiosfstream" => self.reference.is_none(),
            _ => true,
        }
    }

    /// Cases it cannot pass by its nature: neither reference answers a remote call.
    pub(crate) fn lacks(&self) -> &'static [&'static str] {
        if self.reference.is_some() { &["remote-call"] } else { &[] }
    }

    /// The name of its host in URLs. Some clients keep cookies for names but not for addresses, and CometD's server
    /// wants its cookie back; ours must do without.
    pub(crate) fn host(&self) -> &'static str {
        if self.reference == Some(Reference::Cometd) { "localhost" } else { "127.0.0.1" }
    }

    /// Starts the Bayeux server; pages of `origin` may talk to it.
    pub(crate) fn start(&self, workspace: &Workspace, name: &str, origin: &str) -> Result<Server> {
        match self.reference {
            None => {
                let config = format!("[http]\nallowed_origins = [\"{origin}\"]\n");
                Server::comet(workspace, name, "demo", &config)
            }
            Some(Reference::Faye) => script(workspace, name, "faye-server.mjs"),
            Some(Reference::Cometd) => script(workspace, name, "cometd-server.mjs"),
            Some(Reference::Ws) => script(workspace, name, "echo-server.mjs"),
        }
    }

    /// Starts the echo.
    pub(crate) fn start_echo(&self, workspace: &Workspace) -> Result<Server> {
        if self.reference.is_some() {
            return script(workspace, "echo", "echo-server.mjs");
        }
        let program = workspace.target().join("release/examples/autobahn_echo");
        let start = move |address: SocketAddr| {
            let mut command = Command::new(&program);
            command.arg(address.to_string());
            command
        };
        Server::start(&workspace.scratch("servers")?.join("echo.log"), Box::new(start))
    }
}

fn script(workspace: &Workspace, name: &str, file: &'static str) -> Result<Server> {
    let log = workspace.scratch("servers")?.join(format!("{name}.log"));
    let program = setup::node(workspace, "conformance").get_program().to_os_string();
    let folder = workspace.root().join("conformance");
    let start = move |address: SocketAddr| {
        let mut command = Command::new(&program);
        command.arg(format!("reference/{file}")).arg(address.port().to_string()).current_dir(&folder);
        command
    };
    Server::start(&log, Box::new(start))
}
