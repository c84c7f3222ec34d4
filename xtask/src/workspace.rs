//! Where things are: the root of the project, the folder for what is built, the files under version control and the
//! commit they stand at. Nothing here changes a file. Everything comes from `cargo metadata` and `git`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// What the verbs themselves write when asked to keep it.
const KEPT_RESULTS: [&str; 4] =
    ["conformance/verdicts", "docs/figures.md", "docs/figures.json", "fuzz/verdicts.json"];

/// The checkout this program was built in.
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    metadata: Value,
}

impl Workspace {
    /// Asks cargo where the project and its build folder are.
    pub(crate) fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let text = process::read(
            Command::new("cargo")
                .args(["metadata", "--format-version", "1", "--manifest-path"])
                .arg(manifest),
        )?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata printed something else")?;
        let path =
            |key: &str| metadata[key].as_str().map(PathBuf::from).context("cargo metadata names no folders");
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, metadata })
    }

    /// The folder of the virtual manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder for everything that is built, downloaded or logged; never under version control.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// What `cargo metadata` says of the workspace and all it depends on.
    pub(crate) fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// A folder below `target`, made when missing.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// A cargo command that runs at the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Paths, relative to the root, of all files that are or may come under version control.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let text = process::read(
            Command::new("git")
                .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
                .current_dir(&self.root),
        )?;
        let mut files: Vec<String> =
            text.split('\0').filter(|path| !path.is_empty()).map(String::from).collect();
        files.retain(|path| self.root.join(path).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The short name of the commit, with a `+` when files other than the kept results differ from it.
    pub(crate) fn commit(&self) -> Result<String> {
        let git =
            |arguments: &[&str]| process::read(Command::new("git").args(arguments).current_dir(&self.root));
        let name = git(&["rev-parse", "--short=12", "HEAD"])?;
        let kept = KEPT_RESULTS.map(|path| format!(":(exclude){path}"));
        let mut status = vec!["status", "--porcelain", "--untracked-files=no", "--", "."];
        status.extend(kept.iter().map(String::as_str));
        let changed = !git(&status)?.trim().is_empty();
        Ok(format!("{}{}", name.trim(), if changed { "+" } else { "" }))
    }
}

/// Today as `2030-12-31`, in UTC.
pub(crate) fn today() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string().chars().take(10).collect()
}
