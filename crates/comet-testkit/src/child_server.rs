//! The program `comet` as a child process, for tests that kill servers.
//!
//! It is started from a path, listens on a free port of this machine, and keeps that port when it is started
//! again. What it prints is kept in part, for the words of a failure. It is killed when it is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use crate::PATIENCE;

/// Bytes of output that are kept.
const OUTPUT_BYTES: usize = 16 << 10;
/// Between two attempts to listen on the port of before.
const RETRY: Duration = Duration::from_millis(100);

/// A server in a process of its own.
pub struct ChildServer {
    program: PathBuf,
    config: NamedTempFile,
    address: SocketAddr,
    child: Option<Child>,
    /// Threads that read what it prints; they end with it.
    readers: Vec<JoinHandle<()>>,
    output: Arc<Mutex<String>>,
}

impl ChildServer {
    /// Starts `comet serve` on a free port, with a configuration file of this text.
    ///
    /// # Panics
    /// When it does not listen in time; with what it printed.
    pub fn start(program: &Path, config: &str) -> ChildServer {
        let mut file = NamedTempFile::with_suffix(".toml").expect("there is room for a small file");
        file.write_all(config.as_bytes()).expect("there is room for a small file");
        let mut server = ChildServer {
            program: program.to_owned(),
            config: file,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child: None,
            readers: Vec::new(),
            output: Arc::default(),
        };
        server.restart();
        server
    }

    /// Where it listens, or did before it was killed.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // It may have ended by itself; both are an end.
        let _ = child.kill();
        let _ = child.wait();
        // Its last words are in the pipes until they are read.
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
    }

    /// Starts it again at the same place, killing it first if it still runs.
    ///
    /// # Panics
    /// When it does not listen in time; with what it printed.
    pub fn restart(&mut self) {
        self.kill();
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(address) = self.launch(end) {
                self.address = address;
                return;
            }
            self.kill();
            // Another program may have the port of before for a moment; any free one cannot be taken.
            let again = self.address.port() != 0 && Instant::now() < end;
            assert!(again, "the server does not listen: {}", self.printed());
            std::thread::sleep(RETRY);
        }
    }

    /// What it printed, from the beginning.
    pub fn printed(&self) -> String {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts the program; where it listens, or nothing when it ends or is silent until `end`.
    fn launch(&mut self, end: Instant) -> Option<SocketAddr> {
        let mut command = Command::new(&self.program);
        command.args(["serve", "--internal-listen", "127.0.0.1:0", "--listen", &self.address.to_string()]);
        command.arg("--config").arg(self.config.path());
        // Settings of the caller's shell must not change what is tested.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"COMET_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let (out, errors) = (child.stdout.take(), child.stderr.take());
        self.child = Some(child);
        let (lines, reader) = read(out.expect("it is piped"), &self.output);
        // Nobody waits for the errors; they are read so that the server never waits for its reader.
        let (_, errors) = read(errors.expect("it is piped"), &self.output);
        self.readers = vec![reader, errors];
        loop {
            let line = lines.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
            if let Some(address) = line.trim().strip_prefix("listening on ") {
                return address.parse().ok();
            }
        }
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads a stream to its end on a thread, keeps its first bytes, and hands on its lines while somebody listens.
fn read(stream: impl Read + Send + 'static, kept: &Arc<Mutex<String>>) -> (Receiver<String>, JoinHandle<()>) {
    let (sender, lines) = channel();
    let kept = kept.clone();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() + line.len() < OUTPUT_BYTES {
                kept.push_str(&line);
                kept.push('\n');
            }
            drop(kept);
            // Whoever waited has heard what it waited for.
            let _ = sender.send(line);
        }
    });
    (lines, reader)
}
