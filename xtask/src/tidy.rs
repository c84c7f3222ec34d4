//! `cargo xtask tidy`: the rules of the house, checked on the sources. Each rule is one function from the tree to
//! findings, in a file of its own with its tests; this one reads the tree, runs them all and prints what they find.

mod application;
mod blank;
mod clock;
mod code;
mod dependency;
mod limit;
mod link;
mod manifest;
mod name;
mod parser;
mod size;
mod text;
mod tree;
mod unsafety;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use tree::{Finding, Tree};

/// All rules, in the order of the list in ARCHITECTURE.md.
const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
    dependency::pure,
    dependency::acquaintance,
    clock::no_clock,
    clock::no_system,
    manifest::lints,
    manifest::versions,
    unsafety::named_modules,
    unsafety::forbidden_elsewhere,
    limit::tested,
    parser::fuzzed,
    code::documented,
    application::complete,
    name::meaning,
    text::module_documentation,
    text::nothing_unfinished,
    text::nothing_skipped,
    text::line_ends,
    link::resolved,
    size::bounded,
];

/// Runs every rule; fails when one finds something.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::read(workspace)?;
    println!("{}", size::longest(&tree));
    let findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    if findings.is_empty() {
        println!("{} rules hold in {} files", RULES.len(), tree.sources().len());
        return Ok(());
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    bail!("{} findings", findings.len())
}
