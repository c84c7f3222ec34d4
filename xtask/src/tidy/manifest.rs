//! The crates' manifests: lints and versions are decided once, in the root manifest, and inherited.

use super::tree::{Finding, Source, Tree};

/// Lints every crate inherits, and the root has to name.
const ROOT_LINTS: &[&str] = &["unwrap_used", "unsafe_code", "missing_docs"];

/// Every crate takes the workspace's lints, and the workspace has those that matter.
pub(crate) fn lints(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        if !section(manifest.text(), |name| name == "lints").any(|(_, line)| line == "workspace = true") {
            findings
                .push(Finding::of(manifest.path(), "does not inherit the lints: [lints] workspace = true"));
        }
    }
    if let Some(root) = tree.find("Cargo.toml") {
        let named = |lint: &str| {
            section(root.text(), |name| name.starts_with("workspace.lints"))
                .any(|(_, line)| line.starts_with(lint))
        };
        for lint in ROOT_LINTS.iter().filter(|lint| !named(lint)) {
            findings.push(Finding::of("Cargo.toml", format!("the workspace's lints lack {lint}")));
        }
    }
    findings
}

/// No crate names a version of its own.
pub(crate) fn versions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        for (number, line) in section(manifest.text(), |name| name.ends_with("dependencies")) {
            let inherits = line.contains("workspace = true");
            if !line.is_empty() && !line.starts_with('#') && !inherits {
                findings.push(Finding::at(manifest.path(), number, "versions stand in the root manifest"));
            }
        }
    }
    findings
}

fn manifests(tree: &Tree) -> impl Iterator<Item = &Source> {
    tree.crates().filter_map(|folder| tree.find(&format!("{folder}/Cargo.toml")))
}

/// The lines of the sections whose name is wanted, with their numbers.
fn section<'a>(text: &'a str, wanted: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = (usize, &'a str)> {
    let mut inside = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = wanted(name);
            return None;
        }
        inside.then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_the_lints_is_found() {
        let tree = Tree::of(&[
            ("crates/a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = true\n"),
            ("crates/b/Cargo.toml", "[package]\nname = \"b\"\nedition.workspace = true\n"),
        ]);
        assert_eq!(lints(&tree).len(), 1);
    }

    #[test]
    fn a_root_without_the_lints_is_found() {
        let good = "[workspace.lints.rust]\nmissing_docs = \"warn\"\nunsafe_code = \"deny\"\n[workspace.lints.clippy]\nunwrap_used = \"warn\"\n";
        assert!(lints(&Tree::of(&[("Cargo.toml", good)])).is_empty());
        assert_eq!(lints(&Tree::of(&[("Cargo.toml", "")])).len(), 3);
    }

    #[test]
    fn a_version_in_a_crate_is_found() {
        let text = "[package]\nversion = \"1\"\n[dependencies]\na.workspace = true\nb = { workspace = true, features = [\"c\"] }\nd = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\n# why\ne = { version = \"2\" }\n";
        let findings = versions(&Tree::of(&[("crates/a/Cargo.toml", text)]));
        assert_eq!(findings.iter().map(Finding::line).collect::<Vec<_>>(), [6, 9]);
    }
}
