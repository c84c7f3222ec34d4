//! The Autobahn test suite for WebSocket: frames, pings, reserved bits, fragments, UTF-8, closing, limits. It judges a
//! plain echo that runs on the engine's own connection path. Its report is turned into verdicts here.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use super::subject::Subject;
use super::verdict::{Verdict, Verdicts};
use crate::workspace::Workspace;
use crate::{process, setup};

pub(crate) const NAME: &str = "autobahn";
const PACKAGE: &str = "autobahntestsuite==25.10.1";
/// All but compression (12, 13), which the server does not offer, and 8, which has no cases.
const SECTIONS: &[&str] = &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"];
const AGENT: &str = "subject";
const BUILD_LIMIT: Duration = Duration::from_secs(900);
const SUITE_LIMIT: Duration = Duration::from_secs(600);

/// One case of the suite's report.
#[derive(Deserialize)]
struct Case {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    behavior_close: String,
}

/// Runs the suite.
pub(crate) fn ask(workspace: &Workspace, subject: &Subject) -> Result<Verdicts> {
    let (packages, python2) = setup::python2_packages(workspace, PACKAGE)?;
    if subject.speaks_bayeux() {
        let mut build = workspace.cargo(&[
            "build",
            "--quiet",
            "--release",
            "--package",
            "comet-engine",
            "--example",
            "autobahn_echo",
        ]);
        process::run(&mut build, BUILD_LIMIT)?;
    }
    let server = subject.start_echo(workspace)?;
    let folder = workspace.scratch("autobahn")?;
    let spec = json!({
        "outdir": folder,
        "servers": [{ "agent": AGENT, "url": format!("ws://{}", server.address()) }],
        "cases": SECTIONS,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let spec_file = folder.join("fuzzingclient.json");
    std::fs::write(&spec_file, spec.to_string())?;
    let mut suite = python2();
    suite.env("PYTHONPATH", &packages).current_dir(&folder).arg(packages.join("bin/wstest"));
    let log = std::fs::File::create(folder.join("suite.log"))?;
    suite.args(["--mode", "fuzzingclient", "--spec"]).arg(&spec_file).stdout(log.try_clone()?).stderr(log);
    process::run(&mut suite, SUITE_LIMIT)?;
    let report = std::fs::read_to_string(folder.join("index.json")).context("the suite wrote no report")?;
    let verdicts = read_report(&report)?;
    println!("{NAME}: {}", verdicts.failures().len());
    Ok(verdicts)
}

fn read_report(text: &str) -> Result<Verdicts> {
    let mut report: BTreeMap<String, BTreeMap<String, Case>> =
        serde_json::from_str(text).context("the suite's report has another shape")?;
    let cases = report.remove(AGENT).context("the suite's report does not name the server")?;
    let mut verdicts = Verdicts::new(NAME, PACKAGE.replace("==", " "));
    for (number, case) in cases {
        let section = format!("section {:0>2}", number.split('.').next().unwrap_or_default());
        verdicts.add(&section, &number, judge(&case));
    }
    Ok(verdicts)
}

/// Good enough is `OK` or, where the standard leaves the choice open, `INFORMATIONAL`.
fn judge(case: &Case) -> Verdict {
    let accepted = |behavior: &str| matches!(behavior, "OK" | "INFORMATIONAL");
    if !accepted(&case.behavior) || !accepted(&case.behavior_close) {
        return Verdict::failed(&format!("{}, closing {}", case.behavior, case.behavior_close));
    }
    Verdict::of("ok", if case.behavior == "OK" { "" } else { "informational" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_but_ok_and_informational_is_a_failure() {
        let report = r#"{"subject":{
            "1.1.1":{"behavior":"OK","behaviorClose":"OK"},
            "6.4.1":{"behavior":"NON-STRICT","behaviorClose":"OK"},
            "7.1.6":{"behavior":"INFORMATIONAL","behaviorClose":"INFORMATIONAL"},
            "7.3.1":{"behavior":"OK","behaviorClose":"WRONG CODE"},
            "9.1.1":{"behavior":"FAILED","behaviorClose":"OK"}}}"#;
        let failures = read_report(report).unwrap().failures();
        assert_eq!(failures.len(), 3, "{failures:?}");
        assert!(read_report("{}").is_err());
    }
}
