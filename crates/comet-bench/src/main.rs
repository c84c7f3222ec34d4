//! The program `comet-bench`: the command line of the load generator.
//! Everything it does is in the library; here are only the exit statuses.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use comet_bench::options::Options;

/// Measures Comet beside bare programs that put the same bytes on the same sockets.
#[derive(Parser)]
#[command(
    name = "comet-bench",
    version,
    after_help = "Examples:\n  comet-bench first --json figures.json\n  \
    comet-bench fan-out --floor-only --rounds 5\n  comet-bench first --check"
)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    match comet_bench::bench::run(&command_line.options, &mut std::io::stdout()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("comet-bench: {error:#}");
            ExitCode::from(1)
        }
    }
}
