//! Every application of the gallery is whole: a server part, a journey through it in a browser, and a README.

use super::tree::{Finding, Tree};

const PARTS: &[&str] = &["src/lib.rs", "journey.mjs", "README.md"];

/// Each folder with a manifest under `apps` has all its parts.
pub(crate) fn complete(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in tree.crates().filter(|folder| folder.starts_with("apps/")) {
        for part in PARTS.iter().filter(|part| tree.find(&format!("{folder}/{part}")).is_none()) {
            findings.push(Finding::of(folder, format!("the application lacks {part}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_without_a_journey_is_found() {
        let tree = Tree::of(&[
            ("apps/chat/Cargo.toml", ""),
            ("apps/chat/src/lib.rs", ""),
            ("apps/chat/README.md", ""),
            ("apps/package.json", ""),
        ]);
        assert_eq!(complete(&tree), [Finding::of("apps/chat", "the application lacks journey.mjs")]);
    }
}
