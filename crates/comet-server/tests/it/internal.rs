//! The internal listener: health, readiness and metrics.

use std::collections::HashMap;

use comet_testkit::{Socket, eventually};
use serde_json::json;

use crate::process::{Server, Signal, comet};

#[test]
fn a_server_that_runs_is_alive_and_ready() {
    let server = Server::start();
    let mut socket = Socket::connect(server.internal);
    for (path, key) in [("/live", "live"), ("/ready", "ready"), ("/health", "ready")] {
        let response = socket.get(path, "");
        assert_eq!((response.status, &response.json()[key]), (200, &json!(true)), "{path}");
    }
    let unknown = socket.get("/admin.php", "");
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "path_unknown"));
}

#[test]
fn a_server_that_drains_is_alive_and_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comet(folder.path(), &["serve"]);
    let mut server = Server::run(command.env("COMET_LIMITS_DRAIN", "10m").env("COMET_LIMITS_LINGER", "5m"));
    // Half a request keeps its connection, and with it the drain.
    let mut half = Socket::connect(server.address);
    half.send("POST /cometd HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n[");
    server.signal(Signal::Terminate);
    server.logged("draining");
    eventually("the server is not ready", || {
        Socket::connect(server.internal).get("/ready", "").status == 503
    });
    let mut socket = Socket::connect(server.internal);
    let reason = socket.get("/health", "").json();
    assert_eq!(
        (&reason["ready"], &reason["reason"]["code"]),
        (&json!(false), &json!("draining")),
        "{reason}"
    );
    assert_eq!(socket.get("/live", "").status, 200);
}

/// Reads a page of OpenMetrics text: the types of families and the values of samples.
fn read(page: &str) -> (HashMap<String, String>, HashMap<String, f64>) {
    let (mut types, mut samples) = (HashMap::new(), HashMap::new());
    let text = page.strip_suffix("# EOF\n").expect("the page is whole");
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        match words.as_slice() {
            ["#", "HELP", _, _] => {}
            ["#", "TYPE", family, kind] => {
                assert!(
                    types.insert(family.to_string(), kind.to_string()).is_none(),
                    "{family} stands twice"
                );
            }
            [sample, value] => {
                let name = sample.split('{').next().unwrap();
                let family = name.strip_suffix("_total").unwrap_or(name);
                assert!(types.contains_key(family), "{family} has no type");
                assert!(
                    samples.insert(sample.to_string(), value.parse().unwrap()).is_none(),
                    "{sample} stands twice"
                );
            }
            _ => panic!("{line:?} is no line of metrics"),
        }
    }
    (types, samples)
}

#[test]
fn the_metrics_count_what_happens() {
    let server = Server::start();
    let mut socket = Socket::connect(server.address);
    let handshake = json!([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]);
    socket.post(&handshake);
    socket.send_post("/cometd", "Content-Type: application/json\r\n", "no json");
    assert_eq!(socket.response().status, 400);
    let page = Socket::connect(server.internal).get("/metrics", "");
    assert!(page.field("content-type").unwrap().starts_with("application/openmetrics-text"), "{page:?}");
    let (types, samples) = read(page.text());
    assert_eq!(types["comet_sessions_made"], "counter");
    assert_eq!(types["comet_sessions_open"], "gauge");
    assert_eq!(samples["comet_sessions_made_total"], 1.0);
    assert_eq!(samples["comet_sessions_open"], 1.0);
    assert_eq!(samples["comet_endings_total{code=\"json_invalid\"}"], 1.0);
    assert!(samples["process_resident_memory_bytes"] > 1e6);
    assert!(samples["process_open_fds"] > 5.0);
    assert!(samples.keys().all(|name| name.starts_with("comet_") || name.starts_with("process_")));
}

#[test]
fn operations_can_do_without_a_listener() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comet(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let child = command.env("COMET_INTERNAL_LISTEN", "none").stdout(std::process::Stdio::piped());
    let mut child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut log = crate::process::Log::of(child.stderr.take().unwrap());
    log.line("client at http://");
    child.kill().unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(out.starts_with("listening on 127.0.0.1:") && !out.contains("internal"), "{out}");
}
