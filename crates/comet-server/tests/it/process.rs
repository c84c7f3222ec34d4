//! Running the program: to its end, or as a server in the background that ends with its test.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use comet_testkit::PATIENCE;

/// The program with these arguments, in an empty environment and working directory of its own.
pub(crate) fn comet(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comet"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"COMET_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program to its end, in an empty folder.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    ended(&mut comet(folder.path(), arguments))
}

/// Runs a command to its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A server that does not refuse to start would keep the test waiting for ever.
    let watched = Watched(child.id());
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        watched.kill();
        panic!("the program did not end");
    });
    Ended::from(output.unwrap())
}

struct Watched(u32);

impl Watched {
    fn kill(&self) {
        send_signal(self.0, Signal::Kill);
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            status: output.status.code().expect("it ended by itself"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A signal that a server minds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    /// SIGTERM
    Terminate,
    /// SIGINT
    Interrupt,
    /// SIGHUP
    HangUp,
    /// SIGKILL
    Kill,
}

/// Sends a signal to a process that the test has started.
fn send_signal(process: u32, signal: Signal) {
    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::HangUp => rustix::process::Signal::HUP,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    // One that has ended meanwhile minds nothing.
    let _ = rustix::process::kill_process(process, signal);
}

/// A server in the background.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where operations listen.
    pub(crate) internal: SocketAddr,
    log: Log,
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// `comet serve` on free ports.
    pub(crate) fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        Server::run(&mut comet(folder.path(), &["serve"]))
    }

    /// Starts a server on free ports from a command that has its verb.
    pub(crate) fn run(command: &mut Command) -> Server {
        command.args(["--listen", "127.0.0.1:0", "--internal-listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut told = |start: &str| {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            let address = line.trim_end().strip_prefix(start);
            address.unwrap_or_else(|| panic!("{line:?} does not begin with {start:?}")).parse().unwrap()
        };
        let (address, internal) = (told("listening on "), told("internal on "));
        Server { child, address, internal, log, _out: out }
    }

    /// Its address as the verbs take it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send_signal(self.child.id(), signal);
    }

    /// Waits until it has logged a line with these words, and gives the line.
    pub(crate) fn logged(&mut self, words: &str) -> String {
        self.log.line(words)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program prints, line by line, read all the time so that it never waits for its reader.
pub(crate) struct Log {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Log {
    /// Begins to read.
    pub(crate) fn of(from: impl Read + Send + 'static) -> Log {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(from).lines().map_while(Result::ok);
            lines.map(|line| sender.send(line)).all(|sent| sent.is_ok())
        });
        Log { lines, seen: Vec::new() }
    }

    /// Waits for a line with these words that was not given before.
    pub(crate) fn line(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("{error}: {words:?} was not printed, but {:#?}", self.seen),
            }
        }
    }
}
