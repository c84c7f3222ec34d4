//! How the program ends when it does not end well.
//!
//! Every failure has one exit status and one sentence for people; which status fits is decided where the
//! failure is found. Usage errors (2) are the command line parser's own.

use std::fmt;
use std::process::ExitCode;

/// Why a verb ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// It failed while it ran: status 1.
    pub(crate) fn at_run_time(message: impl fmt::Display) -> Failure {
        Failure { status: 1, message: message.to_string() }
    }

    /// It was asked in a way that cannot be meant: status 2.
    pub(crate) fn of_usage(message: impl fmt::Display) -> Failure {
        Failure { status: 2, message: message.to_string() }
    }

    /// It cannot bind or reach what it needs: status 69.
    pub(crate) fn unavailable(message: impl fmt::Display) -> Failure {
        Failure { status: 69, message: message.to_string() }
    }

    /// The configuration is bad: status 78.
    pub(crate) fn of_configuration(message: impl fmt::Display) -> Failure {
        Failure { status: 78, message: message.to_string() }
    }

    /// Tells people and gives the status.
    pub(crate) fn report(self) -> ExitCode {
        eprintln!("error: {}", self.message);
        ExitCode::from(self.status)
    }
}
