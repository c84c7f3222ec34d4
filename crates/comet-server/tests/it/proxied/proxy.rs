//! A proxy of somebody else's making, run with the project's sample configuration.
//!
//! The sample is taken as it stands in `docs/proxies`; only the lines it marks are given other values. The proxy is one
//! process in the foreground, which is killed with its test or by it, and started again at the same place.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use comet_testkit::PATIENCE;
use tempfile::TempDir;

/// Between two looks at a proxy that starts.
const PAUSE: Duration = Duration::from_millis(20);

/// Whose proxy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// squid, as a reverse proxy.
    Squid,
}

impl Make {
    /// All of them.
    pub(crate) const ALL: [Make; 3] = [Make::Nginx, Make::Haproxy, Make::Squid];

    fn sample(self) -> &'static str {
        match self {
            Make::Nginx => include_str!("../../../../../docs/proxies/nginx.conf"),
            Make::Haproxy => include_str!("../../../../../docs/proxies/haproxy.cfg"),
            Make::Squid => include_str!("../../../../../docs/proxies/squid.conf"),
        }
    }

    fn program(self) -> PathBuf {
        let name = match self {
            Make::Nginx => "nginx",
            Make::Haproxy => "haproxy",
            Make::Squid => "squid",
        };
        let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];
        let found = folders.map(|folder| Path::new(folder).join(name)).into_iter().find(|path| path.exists());
        found
            .unwrap_or_else(|| panic!("{name} is not installed; `cargo xtask test --only setup` installs it"))
    }
}

/// What stands in the marked lines besides addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// How long the proxy waits for the server to say something; `None` leaves the sample's.
    pub(crate) read_timeout_seconds: Option<u64>,
    /// Whole lines that are put in other lines' place.
    pub(crate) lines: Vec<(&'static str, String)>,
    /// Takes the lines for TLS, with the certificate and the key in this folder.
    pub(crate) tls: Option<PathBuf>,
}

/// A running proxy.
pub(crate) struct Proxy {
    make: Make,
    server: SocketAddr,
    changes: Changes,
    folder: TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Proxy {
    /// Starts a proxy before this server.
    pub(crate) fn before(make: Make, server: SocketAddr, changes: Changes) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let mut proxy = Proxy { make, server, changes, folder, address: free_address(), child: None };
        let end = Instant::now() + PATIENCE;
        while !proxy.launch() {
            assert!(Instant::now() < end, "{make:?} does not start: {}", proxy.printed());
            // Somebody else may have taken the port meanwhile.
            proxy.address = free_address();
        }
        proxy
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again at the same place.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let end = Instant::now() + PATIENCE;
        while !self.launch() {
            assert!(Instant::now() < end, "{:?} does not start again: {}", self.make, self.printed());
            std::thread::sleep(PAUSE);
        }
    }

    /// Starts it and waits until it listens; false when it ends before.
    fn launch(&mut self) -> bool {
        let folder = self.folder.path();
        let file = folder.join("proxy.conf");
        std::fs::write(&file, self.configuration()).unwrap();
        let mut command = Command::new(self.make.program());
        match self.make {
            // One process: a killed one leaves no worker behind.
            Make::Nginx => {
                let globals = format!("daemon off; master_process off; pid {}/pid;", folder.display());
                command.arg("-p").arg(folder).args(["-e", "stderr", "-g", &globals, "-c"]).arg(&file);
            }
            Make::Haproxy => {
                command.args(["-db", "-f"]).arg(&file);
            }
            Make::Squid => {
                command.args(["-N", "-f"]).arg(&file);
            }
        }
        let printed = std::fs::File::create(folder.join("printed")).unwrap();
        command.stdin(Stdio::null()).stdout(printed.try_clone().unwrap()).stderr(printed);
        let child = command.current_dir(folder).spawn().unwrap();
        let child = self.child.insert(child);
        let end = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() && Instant::now() < end {
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        self.kill();
        false
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("printed")).unwrap_or_default()
    }

    /// The sample, with other values in the lines it marks.
    fn configuration(&self) -> String {
        let mut text = Text(self.make.sample().to_owned());
        let mut change = |from: String, to: String| text.change(&from, &to);
        let Proxy { address, server, .. } = self;
        let (ip, port) = (server.ip(), server.port());
        let seconds = self.changes.read_timeout_seconds.unwrap_or(60);
        match self.make {
            Make::Nginx => {
                change("server 127.0.0.1:8000;".into(), format!("server {server};"));
                change("listen 127.0.0.1:8080;".into(), format!("listen {address};"));
                change("proxy_read_timeout 60s;".into(), format!("proxy_read_timeout {seconds}s;"));
            }
            Make::Haproxy => {
                change("server comet1 127.0.0.1:8000 ".into(), format!("server comet1 {server} "));
                change("bind 127.0.0.1:8080 ".into(), format!("bind {address} "));
                change("timeout server 60s".into(), format!("timeout server {seconds}s"));
                change("timeout tunnel 60s".into(), format!("timeout tunnel {seconds}s"));
            }
            Make::Squid => {
                change("cache_peer 127.0.0.1 parent 8000 ".into(), format!("cache_peer {ip} parent {port} "));
                change("http_port 127.0.0.1:8080 ".into(), format!("http_port {address} "));
                change("\nread_timeout 60 seconds".into(), format!("\nread_timeout {seconds} seconds"));
                change("cache_log /var/log/squid/cache.log".into(), "cache_log /dev/null".into());
                change("pid_filename /run/squid.pid".into(), "pid_filename none".into());
            }
        }
        if let Some(folder) = &self.changes.tls {
            let folder = format!("{}/", folder.display());
            let (plain, sealed) = match self.make {
                Make::Nginx => (format!("listen {address};"), "#   listen 443 ssl;"),
                Make::Haproxy => (format!("bind {address} "), "#   bind :443 ssl "),
                Make::Squid => (format!("http_port {address} "), "#   https_port 443 "),
            };
            change(plain, "# ".into());
            let listening = sealed.trim_start_matches(['#', ' ']).replace(":443", "443");
            change(sealed.into(), listening.replace("443", &address.to_string()));
            if self.make == Make::Nginx {
                change("#   ssl_certificate  ".into(), "ssl_certificate  ".into());
                change("#   ssl_certificate_key ".into(), "ssl_certificate_key ".into());
            }
            text.0 = text.0.replace("/etc/ssl/comet/", &folder);
        }
        for (from, to) in &self.changes.lines {
            text.change(from, to);
        }
        text.0
    }
}

/// A sample on its way to a configuration.
struct Text(String);

impl Text {
    fn change(&mut self, from: &str, to: &str) {
        assert_eq!(self.0.matches(from).count(), 1, "{from:?} stands once in the sample");
        self.0 = self.0.replace(from, to);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
