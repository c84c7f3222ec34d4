//! An orderly end, and a disk that takes no more: what is refused then is refused aloud.

use std::fs;
use std::path::Path;
use std::process::Command;

use comet_testkit::{Socket, eventually};
use serde_json::{Value, json};

use super::{Place, config, place};
use crate::process::{Server, Signal, comet};

/// A server over the journal in a folder; under a limit on the length of files, which is as good as a full disk.
fn server(folder: &Path, is_full: bool) -> Server {
    fs::write(folder.join("comet.toml"), config("stored", &folder.join("journal"))).unwrap();
    if !is_full {
        return Server::run(&mut comet(folder, &["serve"]));
    }
    // Some hundred kilobytes; the process is told of it by an error and not by a signal.
    let script = "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"";
    let program = env!("CARGO_BIN_EXE_comet");
    Server::run(Command::new("sh").args(["-c", script, program, "serve"]).current_dir(folder))
}

/// What the API answers to a publication.
fn publish(server: &Server, channel: &str, data: &Value) -> (u16, Value) {
    let mut socket = Socket::connect(server.address);
    socket.send_post("/api/publish", "", json!({ "channel": channel, "data": data }).to_string());
    let response = socket.response();
    (response.status, response.json())
}

fn kept(server: &Server, data: &Value) -> Place {
    let (status, answer) = publish(server, "/k/0", data);
    assert_eq!((status, &answer["durability"]), (200, &json!("stored")), "{answer}");
    place(&answer["position"])
}

/// What the API answers to a question for the past.
fn history(server: &Server, question: &Value) -> Value {
    let mut socket = Socket::connect(server.address);
    socket.send_post("/api/history", "", question.to_string());
    let response = socket.response();
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

#[test]
fn a_back_end_reads_after_a_start_what_was_there_before() {
    let folder = tempfile::tempdir().unwrap();
    let first = server(folder.path(), false);
    let places: Vec<Place> = (1..=3).map(|n| kept(&first, &json!(n))).collect();
    assert_eq!(publish(&first, "/memory", &json!(1)).0, 200);
    let memory = history(&first, &json!({ "channel": "/memory" }));
    let before = history(&first, &json!({ "channel": "/k/0" }));
    first.signal(Signal::Terminate);
    assert!(first.end().success());

    let second = server(folder.path(), false);
    let mut after = history(&second, &json!({ "channel": "/k/0" }));
    for n in 0..3 {
        // The journal has the time at which it was given the message, which then waited to be kept.
        let (kept, given) = (&before["messages"][n]["time"], &mut after["messages"][n]["time"]);
        assert!(given.as_u64() <= kept.as_u64(), "{given} {kept}");
        *given = kept.clone();
    }
    assert_eq!(after, before, "messages and places");
    let (epoch, offset) = &places[0];
    let since = json!({ "epoch": epoch, "offset": offset });
    let rest = history(&second, &json!({ "channel": "/k/0", "since": since, "limit": 1 }));
    assert_eq!((&rest["messages"][0]["data"], &rest["next"]["offset"]), (&json!(2), &json!(2)), "{rest}");
    let lost = history(&second, &json!({ "channel": "/memory", "since": memory["position"] }));
    assert_eq!((&lost["recovered"], &lost["messages"]), (&json!(false), &json!([])), "{lost}");
    assert_ne!(lost["position"]["epoch"], memory["position"]["epoch"]);
}

#[test]
fn an_orderly_end_and_a_full_disk_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = server(folder.path(), false);
    let (epoch, offset) = kept(&first, &json!(1));
    assert_eq!(offset, 1);
    first.signal(Signal::Terminate);
    assert!(first.end().success());

    let mut full = server(folder.path(), true);
    let load = json!("x".repeat(10_000));
    let mut head = 1;
    let refused = loop {
        let (status, answer) = publish(&full, "/k/0", &load);
        if status != 200 {
            break (status, answer);
        }
        head += 1;
        assert_eq!(place(&answer["position"]), (epoch.clone(), head));
        assert!(head < 1_000, "the disk is never full");
    };
    assert_eq!((refused.0, &refused.1["error"]["code"]), (503, &json!("journal_unavailable")));
    assert!(head > 2, "something was kept before");
    full.logged("durable channels take no more publications");
    assert_eq!(publish(&full, "/k/1", &json!(1)).0, 503);
    assert_eq!(publish(&full, "/memory", &json!(1)).0, 200, "what is in memory goes on");
    let mut operations = Socket::connect(full.internal);
    eventually("the server is not ready", || operations.get("/ready", "").status == 503);
    let reason = operations.get("/ready", "").json();
    assert_eq!(reason["reason"]["code"], "journal_unavailable", "{reason}");
    let metrics = operations.get("/metrics", "").text().to_owned();
    assert!(metrics.contains("\ncomet_journal_failed 1\n"), "{metrics}");
    full.signal(Signal::Terminate);
    full.end();

    let last = server(folder.path(), false);
    let events = super::subscriber::everything(last.address, "/k/0");
    assert!(events.len() as u64 >= head, "{} of {head}", events.len());
    assert_eq!(kept(&last, &json!(2)), (epoch, events.len() as u64 + 1));
    let mut operations = Socket::connect(last.internal);
    let metrics = operations.get("/metrics", "").text().to_owned();
    assert!(metrics.contains("\ncomet_journal_failed 0\n"), "{metrics}");
    assert!(metrics.contains("\ncomet_journal_waiting 0\n"), "{metrics}");
    assert!(metrics.contains("\ncomet_journal_groups_total "), "{metrics}");
}
