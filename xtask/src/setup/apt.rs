//! System packages, on Debian and its kin. Looks for the programs themselves, not for packages, so that a machine which
//! has them from elsewhere is left alone. As root it installs; otherwise it says the command to run and fails.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process;

/// A program and the Debian package that brings it.
pub(crate) struct Need {
    programs: &'static [&'static str],
    package: &'static str,
}

const fn need(programs: &'static [&'static str], package: &'static str) -> Need {
    Need { programs, package }
}

/// What `cargo xtask test` runs.
pub(crate) const FOR_TESTS: &[Need] = &[
    need(&["git"], "git"),
    need(&["chromium"], "chromium"),
    need(&["firefox-esr"], "firefox-esr"),
    need(&["node"], "nodejs"),
    need(&["npm"], "npm"),
    need(&["python3"], "python3"),
];

/// Installs the packages of the programs that are not there.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let mut packages = missing(needs, |program| process::find(program).is_some());
    // The module is there on every Python; what Debian keeps in a package of its own is the pip inside it.
    if process::find("python3").is_none() || !works("python3", &["-c", "import ensurepip, venv"]) {
        packages.push("python3-venv");
    }
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if process::find("apt-get").is_none() {
        bail!("these programs are missing, and there is no apt-get to install them with: {list}");
    }
    if process::read(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("packages are missing; run: sudo apt-get update && sudo apt-get install -y {list}");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        process::run(&mut command, Duration::from_secs(900))
    };
    apt(&["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt(&install)
}

fn missing(needs: &[Need], exists: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let absent = needs.iter().filter(|need| !need.programs.iter().any(|program| exists(program)));
    absent.map(|need| need.package).collect()
}

fn works(program: &str, arguments: &[&str]) -> bool {
    process::read(Command::new(program).args(arguments)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absent_programs_are_installed() {
        let needs = [need(&["a", "b"], "package-a"), need(&["c"], "package-c")];
        assert_eq!(missing(&needs, |program| program == "b"), ["package-c"]);
        assert!(missing(&needs, |_| true).is_empty());
    }
}
