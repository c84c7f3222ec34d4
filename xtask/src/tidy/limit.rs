//! Every bound is tested: a field of a struct of limits is named in at least one test. A bound nobody tests is a bound
//! nobody knows to hold.

use super::tree::{Finding, Source, Tree, has_word};

/// Each public field of a `…Limits` struct, and of every struct in a file named `limits.rs`, stands in a test.
pub(crate) fn tested(tree: &Tree) -> Vec<Finding> {
    let tests: Vec<&str> = tree
        .sources()
        .iter()
        .map(|source| if source.is_test() { source.text() } else { source.own_tests() })
        .filter(|text| !text.is_empty())
        .collect();
    let mut findings = Vec::new();
    for source in tree.rust().filter(|source| !source.is_test() && source.path().contains("/src/")) {
        for (line, field) in fields(source) {
            if !tests.iter().any(|text| has_word(text, &field)) {
                findings.push(Finding::at(source.path(), line, format!("no test names the limit {field}")));
            }
        }
    }
    findings
}

fn fields(source: &Source) -> Vec<(usize, String)> {
    let all = source.path().ends_with("/limits.rs");
    let mut found = Vec::new();
    let mut inside = false;
    for (index, line) in source.code().lines().enumerate() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("pub struct ") {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            inside = line.ends_with('{') && (all || name.ends_with("Limits"));
        } else if line == "}" {
            inside = false;
        } else if inside
            && let Some((name, _)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(':'))
        {
            found.push((index + 1, name.trim().to_string()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "pub struct Limits {\n    /// In bytes.\n    pub body_bytes: usize,\n    pub idle_ms: u64,\n}\npub struct Other {\n    pub x: u8,\n}\n";

    #[test]
    fn a_limit_without_a_test_is_found() {
        let tree = Tree::of(&[
            ("crates/a/src/http.rs", LIMITS),
            ("crates/a/tests/it/body.rs", "Limits { body_bytes: 3, ..Limits::default() }"),
        ]);
        assert_eq!(tested(&tree).iter().map(Finding::line).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn in_the_file_of_limits_every_struct_counts() {
        let findings = tested(&Tree::of(&[("crates/a/src/limits.rs", LIMITS)]));
        assert_eq!(findings.len(), 3);
    }
}
