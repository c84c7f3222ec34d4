//! A server under test: started on a port of loopback, waited for, killed, started again at the same place. Which
//! program it is comes in as a command; its address goes out, its output goes to a log file below `target`.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

const START_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Makes the command that starts a server on an address.
type Start = Box<dyn Fn(SocketAddr) -> Command>;

/// A running server; killed when dropped.
pub(crate) struct Server {
    start: Start,
    address: SocketAddr,
    log: PathBuf,
    child: Child,
}

impl Server {
    /// Starts a server on a free port and waits until it accepts connections. `log` receives what it prints.
    pub(crate) fn start(log: &Path, start: Start) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        std::fs::write(log, "").with_context(|| format!("cannot write {}", log.display()))?;
        let child = launch(&start, address, log)?;
        Ok(Self { start, address, log: log.to_path_buf(), child })
    }

    /// Starts the program `comet` of the debug build. `config` is written beside the log.
    pub(crate) fn comet(workspace: &Workspace, name: &str, verb: &'static str, config: &str) -> Result<Self> {
        let program = workspace.target().join("debug/comet");
        let folder = workspace.scratch("servers")?;
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, config)?;
        let start = move |address: SocketAddr| {
            let mut command = Command::new(&program);
            command.arg(verb).args(["--listen", &address.to_string()]);
            command.args(["--internal-listen", "127.0.0.1:0", "--config"]).arg(&file);
            command
        };
        Self::start(&folder.join(format!("{name}.log")), Box::new(start))
    }

    /// The host and port the server listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills the server without warning and starts it again on the same port.
    pub(crate) fn restart(&mut self) -> Result<()> {
        process::end_tree(&mut self.child);
        self.child = launch(&self.start, self.address, &self.log)?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        process::end_tree(&mut self.child);
    }
}

/// A port of loopback that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?.port())
}

fn launch(start: &Start, address: SocketAddr, log: &Path) -> Result<Child> {
    let output = OpenOptions::new().create(true).append(true).open(log)?;
    let errors = output.try_clone()?;
    let mut child = process::spawn(start(address).stdin(Stdio::null()).stdout(output).stderr(errors))?;
    let end = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("the server ended with {status}, see {}", log.display());
        }
        if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
            return Ok(child);
        }
        if Instant::now() > end {
            process::end_tree(&mut child);
            bail!("no answer on {address} after {START_LIMIT:?}, see {}", log.display());
        }
        std::thread::sleep(POLL);
    }
}
