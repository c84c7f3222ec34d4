//! The text of the files: every module says what it is, nothing is unfinished, no test is left out, no line ends in
//! spaces.

use super::tree::{Finding, Source, Tree, has_word};

/// Put together here so that this file does not find itself.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const UNFINISHED: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!")];
const SKIPPED_RUST: &[&str] = &[concat!("#[ig", "nore")];
const SKIPPED_SCRIPT: &[&str] = &[
    concat!("test", ".skip("),
    concat!("it", ".skip("),
    concat!("describe", ".skip("),
    concat!("suite", ".skip("),
    concat!("test", ".only("),
    concat!("it", ".only("),
    concat!("sk", "ip: true"),
    concat!("@unittest", ".skip"),
    concat!("mark", ".skip"),
];

/// A Rust file begins with `//!`.
pub(crate) fn module_documentation(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust().filter(|source| !source.text().starts_with("//!"));
    silent.map(|source| Finding::at(source.path(), 1, "a module begins with //!")).collect()
}

/// Nothing is marked as still to be done, in any file of words.
pub(crate) fn nothing_unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in ours(tree) {
        for (number, line) in numbered(source.text()) {
            for mark in MARKS.iter().filter(|mark| has_word(line, mark)) {
                findings.push(Finding::at(
                    source.path(),
                    number,
                    format!("{mark}: finish it or leave it out"),
                ));
            }
        }
        if source.is_rust() {
            for (number, line) in numbered(source.code()) {
                if UNFINISHED.iter().any(|call| line.contains(call)) {
                    findings.push(Finding::at(source.path(), number, "code that is not there yet"));
                }
            }
        }
    }
    findings
}

/// No test is skipped and none is run alone.
pub(crate) fn nothing_skipped(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in ours(tree) {
        let (text, ways) = match source.extension() {
            "rs" => (source.code(), SKIPPED_RUST),
            "js" | "mjs" | "ts" | "py" => (source.text(), SKIPPED_SCRIPT),
            _ => continue,
        };
        for (number, line) in numbered(text) {
            if let Some(way) = ways.iter().find(|way| line.contains(*way)) {
                findings.push(Finding::at(source.path(), number, format!("{way}: a test runs or it goes")));
            }
        }
    }
    findings
}

/// No line ends in spaces or a carriage return, and every file ends with a line break.
pub(crate) fn line_ends(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in ours(tree).filter(|source| !source.text().is_empty()) {
        for (number, line) in source.text().split('\n').enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::at(source.path(), number + 1, "spaces at the end of the line"));
            }
        }
        if !source.text().ends_with('\n') {
            findings.push(Finding::of(source.path(), "the file does not end with a line break"));
        }
    }
    findings
}

fn ours(tree: &Tree) -> impl Iterator<Item = &Source> {
    tree.sources().iter().filter(|source| !source.is_generated())
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_module_is_found() {
        let tree = Tree::of(&[("a.rs", "//! A.\n"), ("b.rs", "// B.\n"), ("c.js", "let a;\n")]);
        assert_eq!(module_documentation(&tree).len(), 1);
    }

    #[test]
    fn marks_and_gaps_are_found_in_every_language() {
        let mark = format!("// {}: later\n", MARKS[0]);
        let gap = format!("fn f() {{ {}() }}\n", UNFINISHED[0]);
        let quoted = format!("let a = \"{}\";\n", UNFINISHED[1]);
        let tree =
            Tree::of(&[("a.rs", &mark), ("b.js", &mark), ("c.md", &mark), ("d.rs", &gap), ("e.rs", &quoted)]);
        assert_eq!(nothing_unfinished(&tree).len(), 4);
        assert!(nothing_unfinished(&Tree::of(&[("package-lock.json", &mark)])).is_empty());
    }

    #[test]
    fn skipped_tests_are_found_and_skipping_iterators_are_not() {
        let rust = format!("{}]\nfn t() {{ list.iter().skip(1) }}\n", SKIPPED_RUST[0]);
        let script = format!("{}\"a\", () => {{}})\n", SKIPPED_SCRIPT[0]);
        let findings = nothing_skipped(&Tree::of(&[("a.rs", &rust), ("b.mjs", &script)]));
        assert_eq!(findings.len(), 2, "{findings:?}");
    }

    #[test]
    fn spaces_at_the_end_and_a_missing_line_break_are_found() {
        assert_eq!(line_ends(&Tree::of(&[("a.md", "a \nb\n"), ("b.md", "a\r\n"), ("c.md", "a")])).len(), 3);
        assert!(line_ends(&Tree::of(&[("a.md", "a\n\nb\n"), ("picture.png", "")])).is_empty());
    }
}
