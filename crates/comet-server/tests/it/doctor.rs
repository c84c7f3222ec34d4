//! `comet doctor`: what it finds at healthy servers and at others, and its exit status.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread::spawn;
use std::time::Duration;

use comet_testkit::{ChildServer, FaultProxy, TestServer};
use serde_json::Value;

use crate::process::run;
use crate::proxied::proxy::{Changes, Make, Proxy};

const TRANSPORTS: [&str; 9] = [
    "long-polling",
    "cross-origin-long-polling",
    "callback-polling",
    "polling",
    "http-streaming",
    "multipart",
    "eventsource",
    "iframe",
    "websocket",
];
/// Those that go through a proxy that holds answers back, since theirs end.
const POLLS: usize = 4;

/// What the doctor found.
struct Found {
    status: i32,
    report: Value,
}

impl Found {
    fn at(address: SocketAddr, arguments: &[&str]) -> Found {
        let url = format!("http://{address}");
        let ended = run(&[&["doctor", &url, "--json"], arguments].concat());
        let report = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
        Found { status: ended.status, report }
    }

    fn finding(&self, name: &str) -> &Value {
        let mut findings = self.report["findings"].as_array().unwrap().iter();
        let found = findings.find(|finding| finding["name"] == name);
        found.unwrap_or_else(|| panic!("nothing of {name} in {}", self.report))
    }

    fn expect(&self, name: &str, verdict: &str, words: &str) {
        let finding = self.finding(name);
        assert_eq!(finding["verdict"], verdict, "{}", self.report);
        assert!(finding["words"].as_str().unwrap().contains(words), "{finding}");
    }
}

/// A proxy that passes on whole answers: what comes in chunks is held until the last one is here. It ends with its test.
fn buffering_proxy(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (mut asking, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            // Either side may go at any time, and then the other is told.
            spawn(move || {
                let _ = io::copy(&mut asking, &mut asked);
                let _ = asked.shutdown(Shutdown::Both);
            });
            spawn(move || {
                let _ = pass_whole_answers(&server, &client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

fn pass_whole_answers(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let (mut held, mut bytes) = (Vec::new(), [0; 4096]);
    loop {
        let count = from.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        held.extend(&bytes[..count]);
        let text = String::from_utf8_lossy(&held);
        if !text.contains("chunked\r\n") || text.ends_with("\r\n0\r\n\r\n") {
            to.write_all(&held)?;
            held.clear();
        }
    }
}

fn serve(config: &str) -> ChildServer {
    ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), config)
}

#[test]
fn a_healthy_server_has_no_complaints() {
    let server = serve("[session]\ntimeout = \"1s\"\n");
    let found = Found::at(server.address(), &["--idle", "30s"]);
    assert_eq!((found.status, &found.report["healthy"]), (0, &true.into()), "{}", found.report);
    for name in ["reach", "handshake", "clock", "buffering"].into_iter().chain(TRANSPORTS) {
        found.expect(name, "ok", "");
    }
    for name in TRANSPORTS {
        assert!(found.finding(name)["took_ms"].as_f64().unwrap() > 0.0, "{}", found.report);
    }
    found.expect("version", "ok", env!("CARGO_PKG_VERSION"));
    found.expect("idle", "ok", "long-polling and websocket may be silent for 1s");
}

#[test]
fn the_doctor_leaves_no_session_behind() {
    let server = TestServer::with(|config| config.session.max_interval_ms = 600_000);
    let found = Found::at(server.address(), &[]);
    assert_eq!(found.status, 0, "{}", found.report);
    assert_eq!(server.counts().sessions_made, TRANSPORTS.len() as u64 + 1);
    server.until("the doctor's sessions have ended", |counts| counts.sessions_open == 0);
}

#[test]
fn the_table_has_a_row_for_each_finding() {
    let server = TestServer::start();
    let ended = run(&["doctor", &format!("http://{}/cometd", server.address())]);
    assert_eq!((ended.status, ended.err.as_str()), (0, ""), "{ended:?}");
    for name in ["reach", "handshake", "clock", "buffering"].into_iter().chain(TRANSPORTS) {
        let row = ended.out.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
        assert!(row.is_some_and(|row| row.starts_with("ok ")), "{name}: {}", ended.out);
    }
    let idle = ended.out.lines().find(|line| line.starts_with("skipped   idle"));
    assert!(idle.is_some_and(|row| row.contains("--idle")), "{}", ended.out);
}

#[test]
fn where_nobody_listens_that_is_the_one_finding() {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let found = Found::at(address, &[]);
    assert_eq!((found.status, found.report["findings"].as_array().unwrap().len()), (69, 1));
    found.expect("reach", "broken", "cannot be reached");
}

#[test]
fn what_is_no_server_of_this_kind_is_told_from_one() {
    let server = TestServer::with(|config| config.mounts = vec!["/elsewhere".into()]);
    let found = Found::at(server.address(), &[]);
    assert_eq!(found.status, 1);
    found.expect("reach", "ok", "");
    found.expect("handshake", "broken", "404");
}

#[test]
fn behind_the_sample_configurations_there_are_no_complaints() {
    let server = serve("");
    for make in Make::ALL {
        let proxy = Proxy::before(make, server.address(), Changes::default());
        let found = Found::at(proxy.address(), &[]);
        assert_eq!(found.status, 0, "{make:?}: {}", found.report);
        TRANSPORTS.iter().for_each(|name| found.expect(name, "ok", "a message there and back"));
    }
}

#[test]
fn a_proxy_that_buffers_is_found_out_by_what_it_holds_back() {
    let server = serve("");
    let proxy = buffering_proxy(server.address());
    let found = Found::at(proxy, &["--patience", "3s"]);
    assert_eq!(found.status, 1, "{}", found.report);
    for name in &TRANSPORTS[POLLS..TRANSPORTS.len() - 1] {
        found.expect(name, "broken", "may be buffering");
    }
    TRANSPORTS[..POLLS].iter().for_each(|name| found.expect(name, "ok", ""));
    found.expect("websocket", "ok", "");
}

#[test]
fn a_proxy_that_refuses_upgrades_is_found_out() {
    let server = serve("");
    // The line that is forgotten most often.
    let lines = vec![("        default upgrade;\n", String::new())];
    let proxy = Proxy::before(Make::Nginx, server.address(), Changes { lines, ..Changes::default() });
    let found = Found::at(proxy.address(), &[]);
    assert_eq!((found.status, &found.report["healthy"]), (1, &false.into()), "{}", found.report);
    found.expect("websocket", "broken", "the upgrade is refused with");
    found.expect("long-polling", "ok", "");
    found.expect("callback-polling", "ok", "");
    found.expect("version", "skipped", "does not tell");
}

#[test]
fn a_proxy_that_holds_answers_back_is_found_out() {
    let server = serve("");
    let proxy = FaultProxy::before(server.address());
    proxy.delay(Duration::from_millis(150));
    let found = Found::at(proxy.address(), &["--prompt", "200ms"]);
    assert_eq!(found.status, 1, "{}", found.report);
    found.expect("buffering", "broken", "something holds it");
    found.expect("websocket", "ok", "");
}

#[test]
fn a_proxy_that_cuts_silence_short_is_found_out() {
    let server = serve("[session]\ntimeout = \"20s\"\n");
    let changes = Changes { read_timeout_seconds: Some(1), ..Changes::default() };
    let proxy = Proxy::before(Make::Haproxy, server.address(), changes);
    let found = Found::at(proxy.address(), &["--idle", "15s"]);
    assert_eq!(found.status, 1, "{}", found.report);
    found.expect("idle", "broken", "long-polling is cut after");
    found.expect("idle", "broken", "websocket is cut after");
    found.expect("idle", "broken", "the server holds a connect for 20s");
}

#[test]
fn where_its_channel_is_refused_the_doctor_says_so_and_takes_another() {
    let server = serve("[authorize.\"/**\"]\ndeny_publish = [\"everyone\"]\n");
    let found = Found::at(server.address(), &[]);
    assert_eq!(found.status, 0, "{}", found.report);
    for name in TRANSPORTS {
        found.expect(name, "doubtful", "--channel");
    }
    found.expect("buffering", "skipped", "no message");
    let server = serve("[authorize.\"/doctor/**\"]\ndeny_subscribe = [\"everyone\"]\n");
    let found = Found::at(server.address(), &["--channel", "/chat/test"]);
    assert_eq!(found.status, 0, "{}", found.report);
    TRANSPORTS.iter().for_each(|name| found.expect(name, "ok", ""));
}
