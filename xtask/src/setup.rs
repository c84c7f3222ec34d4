//! Makes a machine ready for the tests: installs what is missing and only that, and says what to do where it cannot.
//! System packages, npm packages and Python packages have a file each. Downloads land in `node_modules` and `target`.

mod apt;
mod node;
mod python;

use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

pub(crate) use node::{node, npm};
pub(crate) use python::{python, python2_packages};

/// Brings in everything `cargo xtask test` uses.
pub(crate) fn for_tests(workspace: &Workspace) -> Result<()> {
    for_judges(workspace)?;
    for_flash(workspace)?;
    node::ensure_packages(workspace, "clients/javascript")?;
    node::ensure_packages(workspace, "apps")
}

/// Brings in the browsers and the clients of other projects.
pub(crate) fn for_judges(workspace: &Workspace) -> Result<()> {
    apt::ensure(apt::FOR_TESTS)?;
    node::ensure_node(workspace)?;
    node::ensure_packages(workspace, "conformance")?;
    python::ensure(workspace)
}

/// Brings in what makes the Flash movie, and the player for it.
pub(crate) fn for_flash(workspace: &Workspace) -> Result<()> {
    apt::ensure(apt::FOR_FLASH)?;
    node::ensure_node(workspace)?;
    node::ensure_packages(workspace, "clients/flash")
}

/// Brings in the one cargo tool a verb uses, with the nightly compiler when it needs that.
pub(crate) fn cargo_fuzz(workspace: &Workspace) -> Result<()> {
    let limit = std::time::Duration::from_secs(900);
    let toolchains = crate::process::read(Command::new("rustup").args(["toolchain", "list"]))
        .context("fuzzing needs rustup, for the nightly compiler")?;
    if !toolchains.lines().any(|line| line.starts_with("nightly")) {
        let mut install = Command::new("rustup");
        crate::process::run(
            install.args(["toolchain", "install", "nightly", "--profile", "minimal"]),
            limit,
        )?;
    }
    if crate::process::read(&mut workspace.cargo(&["fuzz", "--version"])).is_err() {
        crate::process::run(&mut workspace.cargo(&["install", "cargo-fuzz", "--locked"]), limit)?;
    }
    Ok(())
}
