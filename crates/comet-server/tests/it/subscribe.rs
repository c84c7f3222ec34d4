//! `comet subscribe`: one line of JSON a message.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::Stdio;

use comet::{Channel, Client, Denied, Handshake, Identity, Pattern, Policy, RawValue};
use comet_testkit::TestServer;
use serde_json::json;

use crate::process::{Log, Server, comet, run};

/// Starts to listen, and returns once it does.
fn listening(server: &Server, arguments: &[&str]) -> (std::process::Child, Log) {
    listening_to(&server.url(), arguments)
}

fn listening_to(url: &str, arguments: &[&str]) -> (std::process::Child, Log) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["subscribe"], arguments, &["--server", url]].concat();
    let mut command = comet(folder.path(), &arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = Log::of(child.stderr.take().unwrap());
    log.line("listening to");
    (child, log)
}

fn publish(server: &Server, channel: &str, data: &str) {
    let ended = run(&["publish", channel, data, "--server", &server.url()]);
    assert_eq!(ended.status, 0, "{ended:?}");
}

#[test]
fn what_is_published_is_printed_in_order_on_every_wire() {
    let server = Server::start();
    for transport in ["auto", "websocket", "long-polling"] {
        let arguments = ["/chat/*", "/news", "--count", "3", "--transport", transport];
        let (mut child, _log) = listening(&server, &arguments);
        publish(&server, "/chat/a", r#"{"n": 1}"#);
        publish(&server, "/elsewhere", "0");
        publish(&server, "/news", "\"two\nlines\"".replace('\n', "\\n").as_str());
        publish(&server, "/chat/b", "null");
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{transport}");
        let mut lines: Vec<serde_json::Value> =
            out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in &mut lines {
            // Each says where it stands, for whoever wants to go on from there.
            let ext = line.as_object_mut().unwrap().remove("ext").unwrap();
            assert!(ext["position"]["offset"].as_u64().is_some(), "{ext}");
        }
        let wanted = [
            json!({"channel": "/chat/a", "data": {"n": 1}}),
            json!({"channel": "/news", "data": "two\nlines"}),
            json!({"channel": "/chat/b", "data": null}),
        ];
        assert_eq!(lines, wanted, "{transport}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_an_error() {
    let server = Server::start();
    let (mut child, _log) = listening(&server, &["/a"]);
    drop(child.stdout.take());
    publish(&server, "/a", "1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_signal_ends_it_and_its_session() {
    let server = Server::start();
    let (mut child, _log) = listening(&server, &["/a"]);
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let page = comet_testkit::Socket::connect(server.internal).get("/metrics", "");
    assert!(page.text().contains("comet_sessions_open 0\n"), "{}", page.text());
}

#[test]
fn it_outlives_a_restart_of_its_server_and_tells_of_the_gap() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start();
    let (mut child, mut log) = listening(&server, &["/a", "--count", "1"]);
    let address = server.address.to_string();
    drop(server);
    let mut command =
        comet(folder.path(), &["serve", "--listen", &address, "--internal-listen", "127.0.0.1:0"]);
    let mut again = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = Log::of(again.stdout.take().unwrap());
    told.line("internal on");
    log.line("are missing here");
    let url = format!("http://{address}");
    // The new server counts its channels anew, so what there was before it is told as missing.
    comet_testkit::eventually("the message arrives", || {
        run(&["publish", "/a", "1", "--server", &url]).status == 0 && child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    again.kill().unwrap();
    again.wait().unwrap();
}

/// Lets nobody listen to these.
struct Without(&'static [&'static str]);

impl Policy for Without {
    async fn authenticate(&self, _: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity::default())
    }

    async fn may_publish(&self, _: &Client, _: &Channel, _: &RawValue) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_subscribe(&self, _: &Client, pattern: &Pattern) -> Result<(), Denied> {
        if self.0.contains(&pattern.as_str()) { Err(Denied::because("no longer")) } else { Ok(()) }
    }
}

fn server_without(channels: &'static [&'static str], listen: SocketAddr) -> TestServer {
    let config = comet::Config { listen: vec![listen], ..TestServer::config() };
    TestServer::run(comet::Comet::builder().config(config).policy(Without(channels)))
}

#[test]
fn a_subscription_that_ends_is_told_and_the_last_one_ends_it() {
    let server = server_without(&[], SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = server.address();
    let (mut child, mut log) = listening_to(&format!("http://{address}"), &["/a", "/b"]);
    drop(server);
    let server = server_without(&["/b"], address);
    let told = log.line("nothing more comes");
    assert!(told.contains(" /b: ") && told.contains("no longer"), "{told}");
    // The other was confirmed before, because it was asked for before.
    assert!(child.try_wait().unwrap().is_none());
    drop(server);
    let _server = server_without(&["/a"], address);
    assert!(log.line("nothing more comes").contains(" /a: "));
    log.line("there is nothing left to listen to");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn the_past_comes_first_where_it_is_asked_for() {
    let server = Server::start();
    for n in 1..=3 {
        publish(&server, "/news", &n.to_string());
    }
    for (arguments, wanted) in [(["--last", "2"], "2 3"), (["--last", "9"], "1 2 3")] {
        let count = wanted.split(' ').count().to_string();
        let ended =
            run(&[&["subscribe", "/news", "--count", &count, "--server", &server.url()], &arguments[..]]
                .concat());
        assert_eq!(ended.status, 0, "{ended:?}");
        let data = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["data"].to_string();
        assert_eq!(ended.out.lines().map(data).collect::<Vec<_>>().join(" "), wanted, "{arguments:?}");
    }
    // Of what was before its start the server knows nothing, and says so.
    let (mut child, mut log) = listening(&server, &["/news", "--since", "10d"]);
    log.line("are missing here");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn of_each_key_the_newest_comes_at_most_so_often() {
    let server = TestServer::start();
    let url = format!("http://{}", server.address());
    let (mut child, mut log) = listening_to(&url, &["/ticker/*", "--every", "1s"]);
    // Much of it within a pause, however slow the machine is.
    let publisher = server.publisher();
    let publish = |n: usize| {
        let (publisher, key) = (publisher.clone(), ["gold", "tin"][n % 2]);
        async move { publisher.publish_conflated("/ticker/metals", &n, key).await }
    };
    let published = server.runtime().block_on(futures_util::future::join_all((1..=100).map(publish)));
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    log.line("gave way to newer ones");
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut come: Vec<u64> = Vec::new();
    while !(come.contains(&99) && come.contains(&100)) {
        let line = out.next().expect("the newest come").unwrap();
        come.push(serde_json::from_str::<serde_json::Value>(&line).unwrap()["data"].as_u64().unwrap());
    }
    assert!(come.len() < 50, "{come:?}");
    for key in [0, 1] {
        assert!(come.iter().filter(|n| **n % 2 == key).is_sorted(), "{come:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_channel_that_forbids_the_choice_is_told() {
    let server = TestServer::with(|config| config.channels.default.deliver_choice = false);
    let url = format!("http://{}", server.address());
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["subscribe", "/a", "--every", "1s", "--count", "1", "--server", &url];
    let mut command = comet(folder.path(), &arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = Log::of(child.stderr.take().unwrap());
    assert!(log.line("come otherwise").contains("/a has messages come otherwise: disconnect, every 0ns"));
    log.line("listening to");
    server.publish("/a", &1);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
