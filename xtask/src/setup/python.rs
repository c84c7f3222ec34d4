//! Python packages: a virtual environment of Python 3 for the judges written in it, and a folder of Python 2 packages
//! for the one suite that never left it. Both live below `target`, never in the tree.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

const REQUIREMENTS: &str = "conformance/requirements.txt";
const INSTALL_LIMIT: Duration = Duration::from_secs(600);

/// A command that runs Python 3 with the judges' packages.
pub(crate) fn python(workspace: &Workspace) -> Command {
    let mut command = Command::new(environment(workspace).join("bin/python"));
    command.current_dir(workspace.root());
    command
}

/// Makes the virtual environment, unless it holds exactly the listed packages already.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    let list = workspace.root().join(REQUIREMENTS);
    let wanted = std::fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let folder = environment(workspace);
    let stamp = folder.join("installed-requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), INSTALL_LIMIT)?;
    process::run(
        python(workspace).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&list),
        INSTALL_LIMIT,
    )?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// Installs a package for Python 2 and returns the folder to put on its path, with the command that starts it.
pub(crate) fn python2_packages(workspace: &Workspace, package: &str) -> Result<(PathBuf, fn() -> Command)> {
    let folder = workspace.scratch("python2")?;
    let stamp = folder.join("installed");
    process::read(python2().arg("--version")).context(
        "this suite runs on Python 2.7 only: install one, for instance with `pyenv install 2.7.18`, so that `python2` starts it",
    )?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == package) {
        return Ok((folder, python2));
    }
    process::run(
        python2().args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg(package),
        INSTALL_LIMIT,
    )?;
    // pip's `--target` leaves this namespace package without the file that makes it one.
    std::fs::write(folder.join("zope/__init__.py"), "")?;
    std::fs::write(stamp, package)?;
    Ok((folder, python2))
}

fn python2() -> Command {
    let mut command = Command::new("python2");
    // Where pyenv offers several, this is the one; elsewhere the variable means nothing.
    command.env("PYENV_VERSION", "2.7.18");
    command
}

fn environment(workspace: &Workspace) -> PathBuf {
    workspace.target().join("python3")
}
