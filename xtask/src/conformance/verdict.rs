//! What the judges found: one verdict a case, kept as JSON in `conformance/verdicts`, and the comparison of a run with
//! what is kept. Where verdicts come from is not known here.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::workspace::{Workspace, today};

const FOLDER: &str = "conformance/verdicts";

/// `ok`, `ok` with a remark, or `failed` with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Verdict(String);

impl Verdict {
    /// From the two words of a judge's line.
    pub(crate) fn of(verdict: &str, words: &str) -> Self {
        match (verdict, words) {
            ("ok", "") => Self("ok".into()),
            ("ok", words) => Self(format!("ok: {words}")),
            (_, words) => Self::failed(words),
        }
    }

    pub(crate) fn failed(words: &str) -> Self {
        Self(format!("failed: {words}"))
    }

    fn is_ok(&self) -> bool {
        self.0 == "ok" || self.0.starts_with("ok: ")
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// All verdicts of one judge, by group (a transport, a section) and case.
#[derive(Serialize, Deserialize)]
pub(crate) struct Verdicts {
    judge: String,
    version: String,
    commit: String,
    date: String,
    cases: BTreeMap<String, BTreeMap<String, Verdict>>,
}

impl Verdicts {
    /// An empty list of a judge; `version` says which release of it speaks.
    pub(crate) fn new(judge: &str, version: String) -> Self {
        let (commit, date) = (String::new(), String::new());
        Self { judge: judge.into(), version, commit, date, cases: BTreeMap::new() }
    }

    pub(crate) fn judge(&self) -> &str {
        &self.judge
    }

    pub(crate) fn add(&mut self, group: &str, case: &str, verdict: Verdict) {
        self.cases.entry(group.into()).or_default().insert(case.into(), verdict);
    }

    /// Every case that is not ok, in words.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failed = self.each().filter(|(.., verdict)| !verdict.is_ok());
        failed.map(|(group, case, verdict)| format!("{} {group} {case}: {verdict}", self.judge)).collect()
    }

    /// What is worse than in `kept`: failed and not kept as failed, unknown to it, or gone from a group that was asked.
    /// A case that was kept as failed and is ok now is no complaint.
    pub(crate) fn worse_than(&self, kept: &Self) -> Vec<String> {
        let mut complaints = Vec::new();
        let find = |list: &Self, group: &str, case: &str| list.cases.get(group)?.get(case).cloned();
        for (group, case, verdict) in self.each() {
            let name = format!("{} {group} {case}", self.judge);
            match find(kept, group, case) {
                None => complaints.push(format!("{name}: {verdict}, and no verdict is kept")),
                Some(before) if before.is_ok() && !verdict.is_ok() => {
                    complaints.push(format!("{name}: {verdict}, kept is {before}"));
                }
                Some(before) if !before.is_ok() && verdict.is_ok() => {
                    println!("{name} is better than kept; keep it with --keep");
                }
                Some(_) => {}
            }
        }
        for (group, case, _) in kept.each() {
            if self.cases.contains_key(group) && find(self, group, case).is_none() {
                complaints.push(format!("{} {group} {case}: kept, but not heard this time", self.judge));
            }
        }
        complaints
    }

    /// The kept verdicts of a judge, when there are any.
    pub(crate) fn kept(workspace: &Workspace, judge: &str) -> Result<Option<Self>> {
        let file = place(workspace, judge);
        if !file.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file)?;
        serde_json::from_str(&text).map(Some).with_context(|| format!("cannot read {}", file.display()))
    }

    /// Writes the verdicts with commit and date; groups that were not asked stay as they were.
    pub(crate) fn keep(mut self, workspace: &Workspace) -> Result<()> {
        if let Some(before) = Self::kept(workspace, &self.judge)? {
            for (group, cases) in before.cases {
                self.cases.entry(group).or_insert(cases);
            }
        }
        self.commit = workspace.commit()?;
        self.date = today();
        let file = place(workspace, &self.judge);
        std::fs::create_dir_all(workspace.root().join(FOLDER))?;
        std::fs::write(&file, serde_json::to_string_pretty(&self)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn each(&self) -> impl Iterator<Item = (&str, &str, &Verdict)> {
        self.cases.iter().flat_map(|(group, cases)| {
            cases.iter().map(move |(case, verdict)| (group.as_str(), case.as_str(), verdict))
        })
    }
}

fn place(workspace: &Workspace, judge: &str) -> PathBuf {
    workspace.root().join(FOLDER).join(format!("{judge}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(cases: &[(&str, &str, &str)]) -> Verdicts {
        let mut verdicts = Verdicts::new("judge", "1".into());
        cases.iter().for_each(|(group, case, verdict)| verdicts.add(group, case, Verdict((*verdict).into())));
        verdicts
    }

    #[test]
    fn a_case_that_fails_anew_is_worse() {
        let kept = list(&[("a", "one", "ok"), ("a", "two", "failed: x")]);
        assert!(list(&[("a", "one", "ok"), ("a", "two", "failed: y")]).worse_than(&kept).is_empty());
        assert!(list(&[("a", "one", "ok"), ("a", "two", "ok")]).worse_than(&kept).is_empty());
        assert_eq!(list(&[("a", "one", "failed: z"), ("a", "two", "ok")]).worse_than(&kept).len(), 1);
    }

    #[test]
    fn a_case_nobody_kept_and_a_case_nobody_heard_are_worse() {
        let kept = list(&[("a", "one", "ok"), ("b", "one", "ok")]);
        assert_eq!(list(&[("a", "new", "ok")]).worse_than(&kept).len(), 2);
        assert!(list(&[("a", "one", "ok")]).worse_than(&kept).is_empty(), "group b was not asked");
    }

    #[test]
    fn a_remark_does_not_make_a_failure() {
        assert!(Verdict::of("ok", "slowly").is_ok());
        assert!(!Verdict::of("failed", "").is_ok());
        assert!(!Verdict::of("okay", "").is_ok());
    }
}
