//! The program itself: exit statuses, the table, the JSON file.

use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_comet-bench")).args(arguments).env_remove("CARGO").output().unwrap()
}

#[test]
fn the_floor_alone_gives_a_table_and_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let sizes = ["--rounds", "2", "--subscribers", "50", "--publications", "3", "--shards", "2"];
    let mut arguments = vec!["burst", "--floor-only", "--json", file.to_str().unwrap()];
    arguments.extend(sizes);
    let output = bench(&arguments);
    assert!(output.status.success(), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("burst of ten by WebSocket"), "{table}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(report["figures"][0]["figure"], "burst");
    assert_eq!(report["figures"][0]["spreads"]["floor-epoll"]["runs"], 2);
    assert_eq!(report["figures"][0]["verdict"], "unknown");
    assert!(report["runs"][0]["foreign_cores"].is_number());
}

#[test]
fn nothing_is_checked_without_comet() {
    let output = bench(&["burst", "--check", "--comet", "/nowhere/comet", "--shards", "2"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/comet does not exist"), "{output:?}");
}

#[test]
fn more_connections_than_one_process_may_open_are_refused_by_name() {
    let program = env!("CARGO_BIN_EXE_comet-bench");
    let limited =
        "ulimit -n 1000 && exec \"$0\" burst --floor-only --shards 2 --idle-connections 1 --subscribers 900";
    let output = Command::new("sh").args(["-c", limited, program]).env_remove("CARGO").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("--subscribers") && told.contains("limit is 1000"), "{told}");
}

#[test]
fn a_wrong_word_is_a_usage_error() {
    assert_eq!(bench(&["last"]).status.code(), Some(2));
    assert_eq!(bench(&["first", "--rounds", "0"]).status.code(), Some(2));
    assert_eq!(bench(&["first", "--check", "--floor-only"]).status.code(), Some(2));
}
