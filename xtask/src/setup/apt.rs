//! System packages, on Debian and its kin. Looks for the programs themselves, not for packages, so that a machine which
//! has them from elsewhere is left alone. As root it installs; otherwise it says the command to run and fails.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

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
    need(&["nginx"], "nginx-light"),
    need(&["haproxy"], "haproxy"),
    need(&["squid"], "squid"),
    need(&["openssl"], "openssl"),
];

/// What `cargo xtask flash` runs.
pub(crate) const FOR_FLASH: &[Need] =
    &[need(&["haxe"], "haxe"), need(&["node"], "nodejs"), need(&["npm"], "npm")];

/// Asked by packages whether they may start what they bring.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";
/// Nothing may be started.
const NO_SERVICES: &str = "#!/bin/sh\nexit 101\n";

/// Installs the packages of the programs that are not there.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let mut packages = missing(needs, is_there);
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
    // The proxies are programs for tests here; as services they would take ports and run on after them.
    let _policy = NoServices::begin(Path::new(SERVICE_POLICY))?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(packages);
    apt(&install)
}

/// Servers lie where only root's shell looks.
fn is_there(program: &str) -> bool {
    process::find(program).is_some()
        || ["/usr/sbin", "/sbin"].iter().any(|f| Path::new(f).join(program).is_file())
}

/// As long as this lives no package starts a service. A policy that is there already is somebody's wish and stays.
struct NoServices(Option<PathBuf>);

impl NoServices {
    fn begin(path: &Path) -> Result<NoServices> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
        match options.open(path) {
            Ok(mut file) => {
                let policy = NoServices(Some(path.to_owned()));
                file.write_all(NO_SERVICES.as_bytes()).context("cannot forbid packages to start services")?;
                Ok(policy)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(NoServices(None)),
            Err(error) => Err(error).context("cannot forbid packages to start services"),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            eprintln!("warning: {} stays and keeps packages from starting services: {error}", path.display());
        }
    }
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

    #[test]
    fn no_service_is_started_meanwhile_and_a_policy_of_before_stays() -> Result<()> {
        let path = std::env::temp_dir().join(format!("policy-{}", std::process::id()));
        let policy = NoServices::begin(&path)?;
        assert!(Command::new(&path).status().is_ok_and(|status| status.code() == Some(101)));
        drop(NoServices::begin(&path)?);
        assert!(path.exists(), "only who has made it takes it away");
        drop(policy);
        assert!(!path.exists());
        Ok(())
    }
}
