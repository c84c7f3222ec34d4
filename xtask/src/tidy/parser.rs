//! Every parser of what a peer sends has a fuzz target, and `fuzz/README.md` says which. The rule compares the parsers
//! in the sources, the table in that file and the targets on disk.

use super::tree::{Finding, Source, Tree};

/// Crates whose parsers read what a peer sends.
const CRATES: &[&str] =
    &["crates/bayeux/src/", "crates/comet-wire/src/", "crates/comet-broker-", "crates/comet-journal/"];
/// Parsers that need no target, and why.
const EXEMPT: &[(&str, &str)] =
    &[("crates/bayeux/src/connection_type.rs", "compares with a fixed list of names")];
const TABLE: &str = "fuzz/README.md";
const TARGETS: &str = "fuzz/fuzz_targets/";

/// Each file with a public `parse…` or `decode…` is named in the table; each target is named there and in the manifest.
pub(crate) fn fuzzed(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let table = tree.find(TABLE).map_or("", Source::text);
    for source in tree.rust().filter(|source| CRATES.iter().any(|folder| source.path().starts_with(folder))) {
        let exempt = EXEMPT.iter().any(|(path, _)| *path == source.path());
        if !exempt && !source.is_test() && parses(source.code()) && !named(table, source.path()) {
            findings.push(Finding::of(source.path(), format!("parses, and {TABLE} names no target for it")));
        }
    }
    let manifest = tree.find("fuzz/Cargo.toml").map_or("", Source::text);
    for source in tree.rust() {
        let Some(target) = source.path().strip_prefix(TARGETS).and_then(|file| file.strip_suffix(".rs"))
        else {
            continue;
        };
        if !table.contains(&format!("`{target}`")) {
            findings.push(Finding::of(source.path(), format!("is not in the table of {TABLE}")));
        }
        if !manifest.contains(&format!("\"fuzz_targets/{target}.rs\"")) {
            findings.push(Finding::of(source.path(), "is not a target of fuzz/Cargo.toml"));
        }
    }
    findings
}

fn parses(code: &str) -> bool {
    code.lines().any(|line| {
        let Some((_, rest)) = line.trim().strip_prefix("pub ").and_then(|rest| rest.split_once("fn ")) else {
            return false;
        };
        rest.starts_with("parse") || rest.starts_with("decode")
    })
}

/// Whether the table names a file by its path or by its module.
fn named(table: &str, path: &str) -> bool {
    let short = path.strip_prefix("crates/").unwrap_or(path);
    let module =
        short.trim_end_matches(".rs").trim_end_matches("/lib").replace("/src/", "::").replace('/', "::");
    table.contains(short) || table.contains(&module.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parser_without_a_target_is_found() {
        let parser = "pub fn parse_head(bytes: &[u8]) {}\n";
        let table = "| parser | target |\n|---|---|\n| `comet_wire::http::head` | `http_head` |\n";
        let tree = Tree::of(&[
            ("crates/comet-wire/src/http/head.rs", parser),
            ("crates/comet-wire/src/form.rs", "impl A {\n    pub const fn decode(text: &str) {}\n}\n"),
            ("crates/comet-wire/src/encode.rs", "pub fn encode() {}\nfn parse_inside() {}\n"),
            ("fuzz/README.md", table),
        ]);
        let findings = fuzzed(&tree);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }

    #[test]
    fn a_target_outside_the_table_and_the_manifest_is_found_twice() {
        let tree =
            Tree::of(&[("fuzz/fuzz_targets/form.rs", ""), ("fuzz/README.md", ""), ("fuzz/Cargo.toml", "")]);
        assert_eq!(fuzzed(&tree).len(), 2);
    }
}
