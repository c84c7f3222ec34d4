//! The server under test as a child process: Comet, or one of the bare programs of the floor.
//! What is done to it is up to the scenarios. Ends the child when dropped; what it says is kept for error messages.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::machine::Placement;
use crate::script::Speech;

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// What of a server's output is kept, in bytes.
const OUTPUT_BYTES: usize = 4096;

/// The programs that are compared.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// The bare program with io_uring batches.
    FloorUring,
    /// The bare program with one `send` a subscriber.
    FloorEpoll,
    /// Comet.
    Comet,
    /// Comet that keeps no message once it is sent.
    CometForgetful,
}

impl Contender {
    /// What it speaks.
    pub fn speech(self) -> Speech {
        match self {
            Contender::Comet | Contender::CometForgetful => Speech::Bayeux,
            Contender::FloorUring | Contender::FloorEpoll => Speech::Bare,
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Contender::FloorUring => "floor-uring",
            Contender::FloorEpoll => "floor-epoll",
            Contender::Comet => "comet",
            Contender::CometForgetful => "no history",
        })
    }
}

/// Where the programs are and how they are started.
pub struct Launcher {
    /// The program `comet`.
    pub comet: PathBuf,
    /// The folder that holds `floor-uring` and `floor-epoll`.
    pub floor: PathBuf,
    /// Threads that deliver.
    pub shards: usize,
    /// Connections that Comet has to let in.
    pub connections: usize,
    /// Where they run.
    pub placement: Placement,
}

/// A running server.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it speaks XMLSocket, if it does.
    pub flash_address: Option<SocketAddr>,
    /// Which program it is.
    pub contender: Contender,
    /// What it speaks.
    pub speech: Speech,
    /// The configuration file, which lives as long as the server.
    _config: Option<NamedTempFile>,
}

impl Launcher {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// When the program cannot be started or does not listen in time; with what it printed.
    pub fn start(&self, contender: Contender) -> Result<Server> {
        self.start_for(contender, "")
    }

    /// The same, with more text for the configuration of Comet.
    ///
    /// # Errors
    /// When the program cannot be started or does not listen in time; with what it printed.
    pub fn start_for(&self, contender: Contender, configuration: &str) -> Result<Server> {
        let mut config = None;
        let mut command = match contender {
            Contender::Comet | Contender::CometForgetful => {
                let mut file =
                    write_config(self.shards, self.connections).context("writing the configuration")?;
                file.write_all(configuration.as_bytes())?;
                if contender == Contender::CometForgetful {
                    file.write_all(b"\n[channels]\nmessages = 0\n")?;
                }
                let mut command = Command::new(&self.comet);
                command.args([
                    "serve",
                    "--listen",
                    "127.0.0.1:0",
                    "--internal-listen",
                    "127.0.0.1:0",
                    "--config",
                ]);
                command.arg(file.path());
                config = Some(file);
                command
            }
            Contender::FloorUring | Contender::FloorEpoll => {
                let mut command = Command::new(self.floor.join(contender.to_string()));
                command.args(["--threads", &self.shards.to_string()]);
                command
            }
        };
        // Settings of the caller's shell must not change what is measured.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"COMET_"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.placement.on_server_side(|| {
            command
                .spawn()
                .with_context(|| format!("starting {}", Path::new(command.get_program()).display()))
        });
        let child = child?;
        // From here on the child is ended by `Drop`, whatever happens.
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server {
            child,
            address: nowhere,
            flash_address: None,
            contender,
            speech: contender.speech(),
            _config: config,
        };
        server
            .await_addresses(configuration.contains("[flash]"))
            .with_context(|| format!("waiting for {contender}"))?;
        Ok(server)
    }
}

impl Server {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the line that tells its address, and for that of XMLSockets if there is to be one.
    fn await_addresses(&mut self, with_flash: bool) -> Result<()> {
        let output = Arc::new(Mutex::new(String::new()));
        let lines = drain(self.child.stdout.take().context("stdout is piped")?, &output);
        // Nobody waits for lines of stderr; it is read so that the server never blocks on it.
        drop(drain(self.child.stderr.take().context("stderr is piped")?, &output));
        let end = Instant::now() + START;
        while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Some(address) = parse_address("listening on ", &line) {
                self.address = address;
                if !with_flash {
                    return Ok(());
                }
            }
            if let Some(address) = parse_address("flash on ", &line) {
                self.flash_address = Some(address);
                return Ok(());
            }
        }
        // Its last words may still be on their way.
        std::thread::sleep(Duration::from_millis(50));
        let status =
            self.child.try_wait()?.map_or("is silent".to_owned(), |status| format!("ended with {status}"));
        let output = output.lock().map(|output| output.clone()).unwrap_or_default();
        bail!("the server {status} and printed no `listening on` line: {output}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to be done about either failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a stream to its end on a thread, keeps its first bytes, and hands on its lines while somebody listens.
fn drain(stream: impl Read + Send + 'static, kept: &Arc<Mutex<String>>) -> Receiver<String> {
    let (sender, lines) = channel();
    let kept = Arc::clone(kept);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Ok(mut kept) = kept.lock()
                && kept.len() + line.len() < OUTPUT_BYTES
            {
                kept.push_str(&line);
                kept.push('\n');
            }
            let _ = sender.send(line);
        }
    });
    lines
}

fn parse_address(words: &str, line: &str) -> Option<SocketAddr> {
    let rest = line.trim_start().strip_prefix(words)?;
    rest.split_ascii_whitespace().next()?.trim_start_matches("http://").trim_end_matches('/').parse().ok()
}

/// As many connections as there will be, all of which may come from one address; all else is default.
fn write_config(shards: usize, connections: usize) -> Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix("comet-bench-").suffix(".toml").tempfile()?;
    write!(
        file,
        "[server]\nshards = {shards}\n\n[limits]\nconnections = {connections}\nconnections_per_address = {connections}\n"
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Size;

    #[test]
    fn comet_lets_in_whoever_the_options_allow_and_the_publisher() {
        let size = Size {
            subscribers: 100_000,
            idle_connections: 5,
            publications: 1,
            idle_s: 0,
            returning: 1,
            members: 1,
        };
        let file = write_config(2, size.connections()).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let limits = "[limits]\nconnections = 100001\nconnections_per_address = 100001\n";
        assert_eq!(text, format!("[server]\nshards = 2\n\n{limits}"));
    }

    #[test]
    fn the_address_is_found_in_the_line_every_server_prints() {
        let address: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        assert_eq!(parse_address("listening on ", "listening on 127.0.0.1:4711"), Some(address));
        assert_eq!(
            parse_address("listening on ", "  listening on http://127.0.0.1:4711/ (public)"),
            Some(address)
        );
        assert_eq!(parse_address("listening on ", "internal listening on 127.0.0.1:4711"), None);
        assert_eq!(parse_address("listening on ", "listening on soon"), None);
        assert_eq!(parse_address("flash on ", "flash on 127.0.0.1:4711"), Some(address));
        assert_eq!(parse_address("flash on ", "flash policy on 127.0.0.1:4711"), None);
    }
}
