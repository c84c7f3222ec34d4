//! Other programs: starting them, waiting for them no longer than allowed, ending them with all they started. What is
//! started and why is the caller's business. Commands come in, exit statuses and output go out.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const POLL: Duration = Duration::from_millis(50);

/// Runs a command in the foreground, its output passed through; fails on any status but 0 or after `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<()> {
    println!("$ {}", words(command));
    let mut child = spawn(command)?;
    let status = wait(&mut child, limit)?.with_context(|| {
        format!("`{}` took longer than {}", words(command), humantime::format_duration(limit))
    })?;
    if !status.success() {
        bail!("`{}` ended with {status}", words(command));
    }
    Ok(())
}

/// Runs a command and returns what it wrote to standard output; fails on any status but 0.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot run `{}`", words(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` ended with {}: {}",
            words(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a command; the error names it.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| format!("cannot run `{}`", words(command)))
}

/// Waits for the end of a child. When it does not come within `limit`, ends it and all it started and returns `None`.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            end_tree(child);
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

/// Ends a child and everything it started.
pub(crate) fn end_tree(child: &mut Child) {
    let family = descendants(child.id());
    // Both can only fail because the process is gone already, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
    if !family.is_empty() {
        let ids = family.iter().map(u32::to_string);
        let _ = Command::new("kill").arg("-KILL").args(ids).stderr(Stdio::null()).status();
    }
}

/// Where a program of this name is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The children of a process, their children and so on, where the system lists processes under `/proc`.
fn descendants(ancestor: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some(parent) = parent_of(&stat) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![ancestor];
    while let Some(id) = open.pop() {
        let next = children.remove(&id).unwrap_or_default();
        found.extend(&next);
        open.extend(next);
    }
    found
}

/// The parent's id in a line of `/proc/PID/stat`, whose second field may itself hold spaces and brackets.
fn parent_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn words(command: &Command) -> String {
    let parts = std::iter::once(command.get_program()).chain(command.get_args());
    parts.map(|part| part.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_found_behind_a_name_with_brackets() {
        assert_eq!(parent_of("12 (a) b)) S 7 12 12 0"), Some(7));
        assert_eq!(parent_of(""), None);
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_its_children() {
        let mut child = spawn(Command::new("sh").args(["-c", "sleep 60 & sleep 60"])).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let family = descendants(child.id());
        assert!(!family.is_empty());
        assert!(wait(&mut child, Duration::from_millis(1)).unwrap().is_none());
        std::thread::sleep(Duration::from_millis(200));
        for id in family {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            assert!(stat.is_empty() || stat.contains(") Z "), "{id} lives: {stat}");
        }
    }

    #[test]
    fn a_failed_command_is_named_in_the_error() {
        let error = run(Command::new("sh").args(["-c", "exit 3"]), Duration::from_secs(10)).unwrap_err();
        assert!(error.to_string().contains("sh -c exit 3"), "{error}");
        assert!(run(&mut Command::new("no-such-program-here"), Duration::from_secs(1)).is_err());
    }
}
