//! Who may know whom. The table of ARCHITECTURE.md section 2 as data, and the crates that must stay free of runtimes,
//! sockets, clocks and randomness. Packages come from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::tree::{Finding, Tree};

/// A crate of the workspace and what it is built with, tests left out.
#[derive(Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Crates of ours it names itself.
    pub(crate) ours: Vec<String>,
    /// Every crate it brings in, near and far.
    pub(crate) all: BTreeSet<String>,
}

/// Crates whose rules are pure functions of what they are given.
pub(crate) const PURE: &[&str] = &["bayeux", "comet-wire", "comet-bus"];

/// Crates that bring a runtime, a socket, a clock or randomness.
const IMPURE: &[&str] = &[
    "async-io",
    "async-std",
    "chrono",
    "embassy-time",
    "fastrand",
    "futures-timer",
    "getrandom",
    "hyper",
    "io-uring",
    "mio",
    "nanorand",
    "oorandom",
    "polling",
    "quinn",
    "rand",
    "rand_core",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tokio-tungstenite",
    "uuid",
];

/// Who may know whom. A name ending in `*` stands for every crate that begins so.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("bayeux", &[]),
    ("comet-wire", &[]),
    ("comet-bus", &["bayeux"]),
    ("comet-engine", &["bayeux", "comet-wire", "comet-bus"]),
    ("comet-broker-*", &["comet-bus", "bayeux"]),
    ("comet-journal", &["comet-bus", "bayeux"]),
    ("comet", &["comet-engine", "bayeux"]),
    (
        "comet-server",
        &["comet", "comet-client", "comet-bench", "comet-broker-*", "comet-journal", "comet-app-*"],
    ),
    ("comet-client", &["bayeux", "comet-wire"]),
    ("comet-bench", &["comet-client", "bayeux", "comet-wire"]),
    ("comet-testkit", &["comet", "comet-client", "bayeux", "comet-wire"]),
    ("comet-app-gallery", &["comet", "comet-app-*"]),
    ("comet-app-*", &["comet"]),
    ("xtask", &[]),
];

/// The pure crates depend on nothing impure, however far away.
pub(crate) fn pure(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages().iter().filter(|package| PURE.contains(&package.name.as_str())) {
        for name in package.all.iter().filter(|name| IMPURE.contains(&name.as_str())) {
            findings.push(Finding::of(&package.name, format!("depends on {name}, and may not")));
        }
    }
    findings
}

/// Every crate knows only those the table lets it know.
pub(crate) fn acquaintance(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages() {
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| stands_for(name, &package.name)) else {
            findings.push(Finding::of(&package.name, "is not in the table of who may know whom"));
            continue;
        };
        for other in &package.ours {
            if !allowed.iter().any(|name| stands_for(name, other)) {
                findings.push(Finding::of(&package.name, format!("knows {other}, and may not")));
            }
        }
    }
    findings
}

fn stands_for(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// Reads the workspace's packages from the output of `cargo metadata`.
pub(crate) fn packages(metadata: &Value) -> Result<Vec<Package>> {
    let list = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let nodes = metadata["resolve"]["nodes"].as_array().context("cargo metadata resolves nothing")?;
    let members = metadata["workspace_members"].as_array().context("cargo metadata lists no members")?;
    let names: BTreeMap<&str, &str> = list
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let edges: BTreeMap<&str, Vec<&str>> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, needed(node)))).collect();
    let ids: BTreeSet<&str> = members.iter().filter_map(Value::as_str).collect();
    let name = |id: &str| names.get(id).map(|name| (*name).to_string());
    let mut packages = Vec::new();
    for &id in &ids {
        let direct = edges.get(id).cloned().unwrap_or_default();
        let ours =
            direct.iter().filter(|other| ids.contains(*other)).filter_map(|other| name(other)).collect();
        let mut seen = BTreeSet::new();
        let mut open = direct;
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        let all = seen.into_iter().filter_map(name).collect();
        packages.push(Package { name: name(id).context("a member without a name")?, ours, all });
    }
    Ok(packages)
}

/// The ids a node is built with, without what only its tests or its build script use.
fn needed(node: &Value) -> Vec<&str> {
    let deps = node["deps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let normal = |dep: &&Value| {
        dep["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
    };
    deps.iter().filter(normal).filter_map(|dep| dep["pkg"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, ours: &[&str], all: &[&str]) -> Package {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_string()).collect::<Vec<_>>();
        Package { name: name.into(), ours: own(ours), all: own(all).into_iter().collect() }
    }

    #[test]
    fn a_runtime_below_a_pure_crate_is_found() {
        let tree = Tree::of_packages(vec![
            package("comet-wire", &[], &["memchr", "tokio"]),
            package("comet", &[], &["tokio"]),
        ]);
        assert_eq!(pure(&tree).len(), 1);
    }

    #[test]
    fn only_the_engine_knows_wire_bus_and_bayeux() {
        let three = ["bayeux", "comet-wire", "comet-bus"];
        assert!(acquaintance(&Tree::of_packages(vec![package("comet-engine", &three, &[])])).is_empty());
        assert_eq!(acquaintance(&Tree::of_packages(vec![package("comet", &three, &[])])).len(), 2);
        assert_eq!(acquaintance(&Tree::of_packages(vec![package("comet-server", &three, &[])])).len(), 3);
        assert_eq!(
            acquaintance(&Tree::of_packages(vec![package("comet-app-chat", &["comet-engine"], &[])])).len(),
            1
        );
    }

    #[test]
    fn a_crate_nobody_placed_is_found() {
        assert_eq!(acquaintance(&Tree::of_packages(vec![package("comet-attic", &[], &[])])).len(), 1);
    }

    #[test]
    fn what_only_tests_use_does_not_count() {
        let metadata = serde_json::json!({
            "packages": [{"id": "1", "name": "bayeux"}, {"id": "2", "name": "tokio"}, {"id": "3", "name": "serde"},
                {"id": "4", "name": "serde_core"}],
            "workspace_members": ["1"],
            "resolve": {"nodes": [
                {"id": "1", "deps": [
                    {"pkg": "2", "dep_kinds": [{"kind": "dev"}]},
                    {"pkg": "3", "dep_kinds": [{"kind": null}]}]},
                {"id": "3", "deps": [{"pkg": "4", "dep_kinds": [{"kind": null}]}]}]}
        });
        let packages = packages(&metadata).unwrap();
        assert_eq!(packages[0].all.iter().collect::<Vec<_>>(), ["serde", "serde_core"]);
    }
}
