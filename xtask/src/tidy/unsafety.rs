//! Where `unsafe` may stand. The list names every module and its reason; all other crates forbid it at their root.

use super::tree::{Finding, Tree, has_word};

/// Modules that may hold `unsafe`, and why it is worth it there. A path ending in `/` stands for its folder.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/comet-engine/src/uring.rs", "hands buffers to the kernel: a batch of sends is one system call"),
    ("crates/comet-engine/src/uring/", "the parts of that module"),
    ("crates/comet-bench/floor/", "the bare programs put no library between themselves and the kernel"),
];

/// The word stands in no other module.
pub(crate) fn named_modules(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust().filter(|source| !allowed(source.path())) {
        for (index, line) in source.code().lines().enumerate() {
            if has_word(line, "unsafe") {
                findings.push(Finding::at(
                    source.path(),
                    index + 1,
                    "unsafe outside the modules named for it",
                ));
            }
        }
    }
    findings
}

/// Every root of a crate forbids it, except where the crate holds one of the named modules.
pub(crate) fn forbidden_elsewhere(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in tree.crates() {
        let exempt = |root: &str| {
            // A named module below `src` belongs to the library's root and cannot be allowed under a ban there.
            ALLOWED.iter().any(|(path, _)| path.starts_with(&format!("{folder}/src/"))) && root == "lib.rs"
        };
        for root in ["lib.rs", "main.rs"].into_iter().filter(|root| !exempt(root)) {
            let path = format!("{folder}/src/{root}");
            if tree.find(&path).is_some_and(|source| !source.code().contains("#![forbid(unsafe_code)]")) {
                findings.push(Finding::of(&path, "the root of a crate says #![forbid(unsafe_code)]"));
            }
        }
    }
    findings
}

fn allowed(path: &str) -> bool {
    ALLOWED
        .iter()
        .any(|(place, _)| if place.ends_with('/') { path.starts_with(place) } else { path == *place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_is_found_outside_its_modules_only() {
        let text = "// unsafe\n#![deny(unsafe_code)]\nunsafe { f() }\n";
        let tree = Tree::of(&[
            ("crates/comet-engine/src/uring.rs", text),
            ("crates/comet-engine/src/shard.rs", text),
        ]);
        let findings = named_modules(&tree);
        assert_eq!(findings.iter().map(Finding::line).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_root_without_the_ban_is_found() {
        let ban = "//! x\n#![forbid(unsafe_code)]\n";
        let tree = Tree::of(&[
            ("crates/a/Cargo.toml", ""),
            ("crates/a/src/lib.rs", ban),
            ("crates/b/Cargo.toml", ""),
            ("crates/b/src/lib.rs", "//! x\n// #![forbid(unsafe_code)]\n"),
            ("crates/comet-engine/Cargo.toml", ""),
            ("crates/comet-engine/src/lib.rs", "//! x\n"),
        ]);
        assert_eq!(forbidden_elsewhere(&tree).len(), 1);
    }
}
