//! Client programs that are killed: they stay present until their sessions have timed out, and no longer.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use comet_testkit::{Socket, eventually};
use serde_json::{Value, json};

use crate::process::{Log, Server, comet};

const CONFIG: &str = "
[server]
shards = 2
[session]
max_interval = \"2s\"
[channels.\"/chat/**\"]
presence = true
presence_debounce = \"100ms\"
";

fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comet.toml");
    std::fs::write(&file, CONFIG).unwrap();
    Server::run(&mut comet(folder.path(), &["serve", "--config", file.to_str().unwrap()]))
}

/// A client in a process of its own, which listens when this returns.
fn client(server: &Server, transport: &str) -> (Child, Log) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["subscribe", "/chat/1", "/chat/2", "--transport", transport, "--server", &server.url()];
    let mut command = comet(folder.path(), &arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = Log::of(child.stderr.take().unwrap());
    log.line("listening to");
    (child, log)
}

fn presence(server: &Server, channel: &str) -> Value {
    let mut socket = Socket::connect(server.address);
    socket.send_post("/api/presence", "", json!({ "channel": channel }).to_string());
    let answer = socket.response();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_killed_client_leaves_no_ghost_and_takes_nobody_else_along() {
    let server = server();
    for transport in ["websocket", "long-polling"] {
        let mut clients: Vec<_> = (0..4).map(|_| client(&server, transport)).collect();
        for channel in ["/chat/1", "/chat/2"] {
            let page = presence(&server, channel);
            assert_eq!((&page["users"], &page["sessions"]), (&json!(4), &json!(4)), "{transport}");
        }
        let killed = Instant::now();
        for (child, _) in &mut clients[..3] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(presence(&server, "/chat/1")["sessions"], 4, "they might still come back");
        eventually("the ghosts are gone", || presence(&server, "/chat/1")["sessions"] == 1);
        assert!(killed.elapsed() > Duration::from_secs(1), "their sessions had time: {transport}");
        let page = presence(&server, "/chat/2");
        assert_eq!((&page["users"], page["members"].as_array().unwrap().len()), (&json!(1), 1));
        let (last, _) = &mut clients[3];
        last.kill().unwrap();
        last.wait().unwrap();
        eventually("nobody is left", || presence(&server, "/chat/2")["sessions"] == 0);
    }
}
