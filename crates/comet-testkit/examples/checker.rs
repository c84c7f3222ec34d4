//! `comet-testkit`'s checker as a program, for judges that are written in other languages.
//!
//! Reads one JSON object a line from standard input until it ends: what was published, acknowledged and seen, and which
//! gaps were told. Prints one JSON object: how many deliveries were seen, how many faults there are, and the first of them.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::process::ExitCode;

use comet_testkit::{Checker, Note};
use serde::Deserialize;
use serde_json::json;

/// Faults that are told in words.
const MOST_TOLD: usize = 20;

/// One line. A note is told as its publisher and number, a place as epoch and offset.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// Subscriber and channel.
    Listens(String, String),
    /// Channel and note.
    Published(String, String, u64),
    /// Channel, note and place.
    Acknowledged(String, String, u64, String, u64),
    /// Subscriber, channel, note and place.
    Saw(String, String, String, u64, String, u64),
    /// Subscriber and channel.
    Gap(String, String),
}

/// The checker, and what it does not know: whether everybody is told the same place of a note.
#[derive(Default)]
struct Run {
    checker: Checker,
    told: HashMap<(String, Note), (String, u64)>,
    seen: Vec<(String, String, Note, (String, u64))>,
}

impl Run {
    fn take(&mut self, line: Line) {
        match line {
            Line::Listens(subscriber, channel) => self.checker.listens_throughout(&subscriber, &channel),
            Line::Published(channel, from, n) => self.checker.published(&channel, &Note::new(&from, n)),
            Line::Acknowledged(channel, from, n, epoch, offset) => {
                let note = Note::new(&from, n);
                self.checker.acknowledged_at(&channel, &note, &epoch, offset);
                self.told.insert((channel, note), (epoch, offset));
            }
            Line::Saw(subscriber, channel, from, n, epoch, offset) => {
                let note = Note::new(&from, n);
                self.checker.saw(&subscriber, &channel, &note);
                self.seen.push((subscriber, channel, note, (epoch, offset)));
            }
            Line::Gap(subscriber, channel) => self.checker.told_of_gap(&subscriber, &channel),
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.checker.faults().iter().map(ToString::to_string).collect();
        for (subscriber, channel, note, place) in &self.seen {
            if let Some(told) = self.told.get(&(channel.clone(), note.clone()))
                && told != place
            {
                faults
                    .push(format!("{subscriber} saw {note} on {channel} at {place:?}, which is at {told:?}"));
            }
        }
        faults
    }
}

fn main() -> ExitCode {
    let mut run = Run::default();
    for text in io::stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&text) {
            Ok(line) => run.take(line),
            Err(error) => {
                eprintln!("{error}: {text}");
                return ExitCode::FAILURE;
            }
        }
    }
    let faults = run.faults();
    let first = &faults[..faults.len().min(MOST_TOLD)];
    println!("{}", json!({ "seen": run.seen.len(), "count": faults.len(), "faults": first }));
    ExitCode::SUCCESS
}
