//! What the rules look at: the text of every file under version control, and the packages of the workspace. Reads files
//! once; holds no opinion on them.

use std::cell::OnceCell;
use std::fmt;

use anyhow::Result;

use super::blank;
use super::dependency::{self, Package};
use crate::workspace::Workspace;

/// Kinds of files that hold words of ours.
const TEXT: &[&str] = &[
    "rs", "js", "mjs", "ts", "py", "toml", "md", "html", "css", "json", "txt", "yml", "yaml", "sh", "proto",
];

/// One file.
pub(crate) struct Source {
    path: String,
    text: String,
    code: OnceCell<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into(), code: OnceCell::new() }
    }

    /// Relative to the root, with `/` between folders.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Rust only: the text with comments and literals turned into spaces, line by line as before.
    pub(crate) fn code(&self) -> &str {
        self.code.get_or_init(|| blank::blank(&self.text))
    }

    /// Rust only: the text of the module's own tests, which stand at the end of a file.
    pub(crate) fn own_tests(&self) -> &str {
        self.text.find("#[cfg(test)]").map_or("", |start| &self.text[start..])
    }

    pub(crate) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    /// Whether the file is one of tests, journeys or scenarios. A module's own tests may fill a `tests.rs`.
    pub(crate) fn is_test(&self) -> bool {
        let folder = |name: &str| {
            self.path.starts_with(&format!("{name}/")) || self.path.contains(&format!("/{name}/"))
        };
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let file = matches!(name, "tests.rs" | "journey.mjs");
        file || folder("tests") || folder("test") || folder("scenarios")
    }

    /// Whether a program wrote the file.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.ends_with("package-lock.json") || self.path.contains("/verdicts/")
    }
}

/// The whole project.
pub(crate) struct Tree {
    sources: Vec<Source>,
    packages: Vec<Package>,
}

impl Tree {
    /// Reads the files git knows or would add.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let mut sources = Vec::new();
        for path in workspace.files()? {
            let source = Source::new(&path, "");
            if TEXT.contains(&source.extension()) || path.starts_with(".ci/") {
                // A file that is not text by its content is none of ours to read.
                if let Ok(text) = std::fs::read_to_string(workspace.root().join(&path)) {
                    sources.push(Source::new(&path, &text));
                    continue;
                }
            }
            sources.push(source);
        }
        Ok(Self { sources, packages: dependency::packages(workspace.metadata())? })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self {
            sources: files.iter().map(|(path, text)| Source::new(path, text)).collect(),
            packages: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of_packages(packages: Vec<Package>) -> Self {
        Self { sources: Vec::new(), packages }
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.is_rust())
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    /// The folders of the workspace's crates, such as `crates/comet`.
    pub(crate) fn crates(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().filter_map(|source| {
            let folder = source.path.strip_suffix("/Cargo.toml")?;
            let member = folder == "xtask" || folder.starts_with("crates/") || folder.starts_with("apps/");
            member.then_some(folder)
        })
    }
}

/// Something a rule does not like.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    words: String,
}

impl Finding {
    /// About a file as a whole, or a package.
    pub(crate) fn of(path: &str, words: impl Into<String>) -> Self {
        Self::at(path, 0, words)
    }

    /// About a line, counted from 1.
    pub(crate) fn at(path: &str, line: usize, words: impl Into<String>) -> Self {
        Self { path: path.into(), line, words: words.into() }
    }

    #[cfg(test)]
    pub(crate) fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(formatter, "{}: {}", self.path, self.words)
        } else {
            write!(formatter, "{}:{}: {}", self.path, self.line, self.words)
        }
    }
}

/// Whether `word` stands in `text` with nothing of a name before or after it.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert!(has_word("a limit_bytes: 3", "limit_bytes"));
        assert!(!has_word("my_limit_bytes", "limit_bytes"));
        assert!(!has_word("limit_bytes_max", "limit_bytes"));
        assert!(has_word("x_limit limit", "limit"));
    }

    #[test]
    fn tests_are_known_by_their_place() {
        assert!(Source::new("crates/a/tests/it/main.rs", "").is_test());
        assert!(Source::new("apps/chat/journey.mjs", "").is_test());
        assert!(!Source::new("xtask/src/test.rs", "").is_test());
    }
}
