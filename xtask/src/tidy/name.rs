//! Names that mean something: no file and no folder is called after what fits everything.

use super::tree::{Finding, Tree};

/// Words that say nothing about what is inside.
const EMPTY_WORDS: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];

/// No part of a path of ours is one of the empty words, or holds one; no module hides behind `mod.rs`.
pub(crate) fn meaning(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let path = source.path();
        if path.ends_with("/mod.rs") {
            findings.push(Finding::of(path, "a module is foo.rs beside foo/, not mod.rs"));
        }
        let mut words = path.split(['/', '.', '_', '-']);
        if let Some(word) = words.find(|word| EMPTY_WORDS.contains(&word.to_lowercase().as_str())) {
            findings.push(Finding::of(path, format!("`{word}` does not say what is inside")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_found_wherever_they_stand() {
        let paths = ["a/util.rs", "a/session_manager.rs", "helpers/a.js", "a/b/mod.rs", "a/commonplace.rs"];
        let tree = Tree::of(&paths.map(|path| (path, "")));
        assert_eq!(meaning(&tree).len(), 4);
    }
}
