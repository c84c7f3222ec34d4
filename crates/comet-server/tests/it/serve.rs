//! `comet serve`: starting, refusing to start, and stopping.

use std::io::Write;
use std::net::TcpListener;

use comet_testkit::Socket;
use serde_json::json;

use crate::process::{Server, Signal, comet, ended, run};

#[test]
fn a_server_tells_its_addresses_and_answers_there() {
    let server = Server::start();
    let mut socket = Socket::connect(server.address);
    let reply = socket.post(&json!([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]));
    assert_eq!(reply[0]["successful"], true, "{reply:?}");
}

#[test]
fn an_address_in_use_ends_with_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let public = run(&["serve", "--listen", &address, "--internal-listen", "127.0.0.1:0"]);
    assert_eq!((public.status, public.out.as_str()), (69, ""), "{public:?}");
    assert!(public.err.contains(&address), "{public:?}");
    let internal = run(&["serve", "--listen", "127.0.0.1:0", "--internal-listen", &address]);
    assert_eq!((internal.status, internal.out.as_str()), (69, ""), "{internal:?}");
    assert!(internal.err.contains(&address), "{internal:?}");
}

#[test]
fn a_second_server_does_not_share_the_port_of_the_first() {
    let first = Server::start();
    let address = first.address.to_string();
    let second = run(&["serve", "--listen", &address, "--internal-listen", "127.0.0.1:0"]);
    assert_eq!((second.status, second.out.as_str()), (69, ""), "{second:?}");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let twice = run(&["serve", "--listen", &free, "--listen", &free, "--internal-listen", "127.0.0.1:0"]);
    assert_eq!((twice.status, twice.out.as_str()), (69, ""), "{twice:?}");
}

#[test]
fn open_publishing_on_a_public_address_is_refused_with_a_way_on() {
    let refused = run(&["serve", "--listen", "0.0.0.0:0", "--internal-listen", "127.0.0.1:0"]);
    assert_eq!((refused.status, refused.out.as_str()), (78, ""), "{refused:?}");
    assert!(refused.err.contains("0.0.0.0:0") && refused.err.contains("--danger-open"), "{refused:?}");
    let folder = tempfile::tempdir().unwrap();
    let mut command = comet(folder.path(), &["serve", "--listen", "0.0.0.0:0"]);
    let with_key = ended(command.env("COMET_API_KEYS", "0123456789abcdef"));
    assert_eq!(with_key.status, 78, "{with_key:?}");
}

#[test]
fn a_bad_configuration_ends_with_78_and_everything_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("comet.toml"),
        "[server]\nlissten = \"127.0.0.1:0\"\nshards = \"two\"\n",
    )
    .unwrap();
    let ended = ended(&mut comet(folder.path(), &["serve"]));
    assert_eq!((ended.status, ended.out.as_str()), (78, ""), "{ended:?}");
    assert!(
        ended.err.contains("comet.toml:2: there is no key lissten in [server]; did you mean listen?"),
        "{ended:?}"
    );
    assert!(ended.err.contains("comet.toml:3: [server] shards"), "{ended:?}");
}

#[test]
fn a_held_poll_is_answered_when_the_server_is_told_to_end() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        let server = Server::start();
        let mut socket = Socket::connect(server.address);
        let handshake = json!([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]);
        let client = socket.post(&handshake)[0]["clientId"].clone();
        let connect =
            json!({"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"});
        let mut at_once = connect.clone();
        at_once["advice"] = json!({"timeout": 0});
        assert_eq!(socket.post(&json!([at_once]))[0]["successful"], true);
        socket.send_batch("/cometd", &json!([connect]));
        held(&server);
        server.signal(signal);
        let reply = &socket.response().messages()[0];
        assert_eq!(reply["channel"], "/meta/connect", "{reply}");
        assert_eq!(reply["advice"]["reconnect"], "retry", "{reply}");
        assert_eq!(server.end().code(), Some(0));
    }
}

/// Waits until the server holds a connect.
fn held(server: &Server) {
    comet_testkit::eventually("the connect is held", || {
        let page = Socket::connect(server.internal).get("/metrics", "Connection: close\r\n");
        page.text().lines().any(|line| line == "comet_connects_held_total 1")
    });
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = comet(folder.path(), &["serve"]);
    let mut server = Server::run(command.env("COMET_LIMITS_DRAIN", "10m").env("COMET_LIMITS_LINGER", "5m"));
    // Half a request keeps its connection, and with it the drain, for as long as the limits let it.
    let mut socket = Socket::connect(server.address);
    socket.send("POST /cometd HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n[");
    server.signal(Signal::Terminate);
    server.logged("draining");
    server.signal(Signal::Terminate);
    assert_eq!(server.end().code(), Some(1));
}

#[test]
fn a_hang_up_changes_the_level_of_the_log_and_tells_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comet.toml");
    std::fs::write(&file, "[log]\nlevel = \"warn\"\n").unwrap();
    let mut server = Server::run(&mut comet(folder.path(), &["serve"]));
    std::fs::write(&file, "[log]\nlevel = \"info\"\n[session]\ntimeout = \"5s\"\n").unwrap();
    server.signal(Signal::HangUp);
    server.logged("read again");
    let line = server.logged("next start");
    assert!(line.ends_with("[session] timeout"), "{line}");
    std::fs::write(&file, "[log]\nlevel = 7\n").unwrap();
    server.signal(Signal::HangUp);
    server.logged("[log] level has to be text");
    server.logged("nothing was changed");
    server.signal(Signal::Terminate);
    server.logged("draining");
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_log_of_json_has_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::run(&mut comet(folder.path(), &["serve", "--log-format", "json"]));
    server.signal(Signal::Terminate);
    let line = server.logged("draining");
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["level"], "INFO", "{entry}");
}

#[test]
fn the_demo_answers_calls_with_what_they_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::run(&mut comet(folder.path(), &["demo"]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let client = comet_client::Client::builder(server.url()).connect().await.unwrap();
        let answer = client.call("/service/echo", &json!({"n": 7})).await.unwrap();
        client.disconnect().await;
        answer
    });
    assert_eq!(answer.get(), r#"{"n":7}"#);
}

#[test]
fn the_api_is_open_on_the_own_machine_and_wants_its_key_where_one_is_configured() {
    let publish = |server: &Server, field: &str| {
        let mut socket = Socket::connect(server.address);
        let fields = format!("Content-Type: application/json\r\n{field}");
        socket.send_post("/api/publish", &fields, r#"{"channel":"/a","data":1}"#);
        socket.response().status
    };
    assert_eq!(publish(&Server::start(), ""), 200);
    let folder = tempfile::tempdir().unwrap();
    let mut file = std::fs::File::create(folder.path().join("other.toml")).unwrap();
    file.write_all(b"[api]\nkeys = [\"0123456789abcdef\"]\n").unwrap();
    let server = Server::run(&mut comet(folder.path(), &["serve", "--config", "other.toml"]));
    assert_eq!(publish(&server, ""), 401);
    assert_eq!(publish(&server, "Authorization: Bearer 0123456789abcdef\r\n"), 200);
}

#[test]
fn pages_of_other_sites_may_not_use_an_open_api() {
    let server = Server::start();
    let publish = |field: &str| {
        let mut socket = Socket::connect(server.address);
        // A form of another site sends text without asking first.
        let fields = format!("Content-Type: text/plain\r\n{field}");
        socket.send_post("/api/publish", &fields, r#"{"channel":"/a","data":1}"#);
        socket.response().status
    };
    for foreign in ["Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
        assert_eq!(publish(&format!("{foreign}\r\n")), 403, "{foreign}");
    }
    assert_eq!(publish(&format!("Origin: http://{}\r\n", server.address)), 200);
}

#[test]
fn who_may_publish_is_a_matter_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("comet.toml"), "[authorize.\"/prices/**\"]\npublish = [\"nobody\"]\n")
        .unwrap();
    let server = Server::run(&mut comet(folder.path(), &["serve"]));
    let mut socket = Socket::connect(server.address);
    let hello = json!([{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}]);
    let id = socket.post(&hello)[0]["clientId"].clone();
    let replies = socket.post(&json!([
        {"channel": "/prices/gold", "clientId": id, "data": 1},
        {"channel": "/chat", "clientId": id, "data": 1},
    ]));
    assert_eq!(replies[0]["error"], "403:denied:publish_denied", "{replies:?}");
    assert_eq!(replies[1]["successful"], true, "{replies:?}");
}
