//! `cargo xtask VERB`: the automation of the project. Verbs and their flags live here, what they do lives in the
//! module of the same name. Reads the command line, ends with status 0 or 1.
#![forbid(unsafe_code)]

mod bench;
mod conformance;
mod flash;
mod fuzz;
mod process;
mod server;
mod setup;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Automation of the project.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Installs what the tests need and this machine lacks
    Setup,
    /// Runs every check and test of the project; the last line says how many steps passed
    Test(test::Options),
    /// Checks the rules of the house on the sources
    Tidy,
    /// Lets outside clients and suites judge the server, and compares with the kept verdicts
    Conformance(conformance::Options),
    /// Measures the server beside the floor programs and checks the bounds
    Bench(bench::Options),
    /// Makes the Flash movie from its source and fetches the player for it
    Flash,
    /// Feeds the parsers random input for a while
    Fuzz(fuzz::Options),
    /// Spoils connections, kills servers and judges every delivery
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Workspace::find().and_then(|workspace| match arguments.verb {
        Verb::Setup => setup::for_tests(&workspace),
        Verb::Test(options) => test::run(&workspace, &options),
        Verb::Tidy => tidy::run(&workspace),
        Verb::Conformance(options) => conformance::run(&workspace, &options),
        Verb::Bench(options) => bench::run(&workspace, &options),
        Verb::Flash => flash::run(&workspace),
        Verb::Fuzz(options) => fuzz::run(&workspace, &options),
        Verb::Soak(options) => soak::run(&workspace, &options),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
