//! `comet publish`: from a terminal to the server.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Stdio;

use socket2::{Domain, Socket, Type};

use crate::process::{Server, comet, ended, run};

#[test]
fn a_publication_prints_its_position() {
    let server = Server::start();
    for offset in 1..=2 {
        let ended = run(&["publish", "/chat/lobby", r#"{"text":"hi"}"#, "--server", &server.url()]);
        assert_eq!(ended.status, 0, "{ended:?}");
        let position: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(position["offset"], offset, "{position}");
    }
}

#[test]
fn a_publication_with_a_key_is_made_once() {
    let server = Server::start();
    let publish = |key: &str| run(&["publish", "/a", "1", "--once", key, "--server", &server.url()]);
    let first = publish("order-1");
    assert_eq!(first.status, 0, "{first:?}");
    assert_eq!(publish("order-1").out, first.out);
    assert_ne!(publish("order-2").out, first.out);
    let refused = publish("");
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.err.contains("1 to 64 bytes"), "{refused:?}");
}

#[test]
fn a_publication_says_what_it_stands_for_and_how_long() {
    let server = Server::start();
    let publish = |conflate: &str, age: &str| {
        let arguments = ["publish", "/ticker/metals", "1", "--conflate", conflate, "--expires", age];
        run(&[&arguments[..], &["--server", &server.url()]].concat())
    };
    let taken = publish("gold", "1m");
    assert_eq!(taken.status, 0, "{taken:?}");
    for (conflate, age, words) in [("", "1m", "1 to 64 bytes"), ("gold", "0s", "for a millisecond")] {
        let refused = publish(conflate, age);
        assert_eq!(refused.status, 1, "{refused:?}");
        assert!(refused.err.contains(words), "{refused:?}");
    }
}

#[test]
fn a_span_needs_a_unit() {
    for arguments in [&["publish", "/a", "1", "--expires", "5"][..], &["subscribe", "/a", "--since", "soon"]]
    {
        let refused = run(arguments);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.err.contains("a span has a unit"), "{refused:?}");
    }
}

#[test]
fn a_publication_can_come_from_standard_input() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let mut command = comet(folder.path(), &["publish", "/a", "-", "--server", &server.url()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"[1,\n2]\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"offset\":1"));
}

#[test]
fn a_server_that_is_not_there_ends_with_69() {
    let (_kept, url) = nobody();
    for verb in [
        &["publish", "/a", "1"][..],
        &["subscribe", "/a"],
        &["subscribe", "/a", "--transport", "long-polling"],
    ] {
        let ended = run(&[verb, &["--server", &url]].concat());
        assert_eq!((ended.status, ended.out.as_str()), (69, ""), "{verb:?} {ended:?}");
    }
}

/// An address at which connections are refused for as long as the socket is kept: bound, and not listening.
fn nobody() -> (Socket, String) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, format!("http://{address}"))
}

#[test]
fn a_wrong_key_is_told_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::run(comet(folder.path(), &["serve"]).env("COMET_API_KEYS", "0123456789abcdef"));
    let url = server.url();
    let arguments = ["publish", "/a", "1", "--server", &url];
    let refused = run(&arguments);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""), "{refused:?}");
    assert!(refused.err.contains("401") && refused.err.contains("token_invalid"), "{refused:?}");
    let taken = run(&[&arguments[..], &["--key", "0123456789abcdef"]].concat());
    assert_eq!(taken.status, 0, "{taken:?}");
    let taken = ended(comet(folder.path(), &arguments).env("COMET_KEY", "0123456789abcdef"));
    assert_eq!(taken.status, 0, "{taken:?}");
}
