//! Time and the world outside come in as arguments. Names of clocks may stand only in the crates that own one; the pure
//! crates name no part of the standard library that reaches out.

use super::dependency::PURE;
use super::tree::{Finding, Tree, has_word};

/// Crates that own a clock: the hall, the program and what drives them; of the journal only what measures it.
const CLOCK_OWNERS: &[&str] = &[
    "crates/comet-engine/",
    "crates/comet/",
    "crates/comet-server/",
    "crates/comet-client/",
    "crates/comet-bench/",
    "crates/comet-journal/examples/",
    "crates/comet-journal/tests/",
    "crates/comet-testkit/",
    "apps/",
    "xtask/",
    "fuzz/",
];

const CLOCKS: &[&str] = &["Instant::now", "SystemTime::now", "UNIX_EPOCH.elapsed"];
const OUTSIDE: &[&str] =
    &["std::env", "std::fs", "std::process", "std::thread", "TcpStream", "TcpListener", "UdpSocket"];

/// Nobody but the owners asks what time it is.
pub(crate) fn no_clock(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in
        tree.rust().filter(|source| !CLOCK_OWNERS.iter().any(|owner| source.path().starts_with(owner)))
    {
        find(source.path(), source.code(), CLOCKS, "time comes in as an argument here", &mut findings);
    }
    findings
}

/// The pure crates touch no file, thread, process or socket; their tests may.
pub(crate) fn no_system(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let inside = |path: &str| PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")));
    for source in tree.rust().filter(|source| inside(source.path())) {
        find(source.path(), source.code(), OUTSIDE, "this crate does no I/O", &mut findings);
    }
    findings
}

fn find(path: &str, code: &str, words: &[&str], reason: &str, findings: &mut Vec<Finding>) {
    for (index, line) in code.lines().enumerate() {
        for word in words.iter().filter(|word| has_word(line, word)) {
            findings.push(Finding::at(path, index + 1, format!("{word}: {reason}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_rules_is_found_and_one_in_the_engine_is_not() {
        let text = "//! x\nfn f() { let _ = std::time::Instant::now(); }\n// Instant::now\n";
        let findings =
            no_clock(&Tree::of(&[("crates/bayeux/src/a.rs", text), ("crates/comet-engine/src/a.rs", text)]));
        assert_eq!(findings.iter().map(Finding::line).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_socket_in_the_wire_is_found_and_one_in_its_tests_is_not() {
        let text = "use std::net::TcpStream;\n";
        let tree =
            Tree::of(&[("crates/comet-wire/src/a.rs", text), ("crates/comet-wire/tests/it/a.rs", text)]);
        assert_eq!(no_system(&tree).len(), 1);
    }
}
