//! Options of channels by pattern: the tables `[channels."/chat/**"]` of the file.
//!
//! A rule says in the keys of `[channels]` what differs for the channels of its pattern; what it leaves out is as
//! for all others. Rules are laid on when every other source has had its say.

use comet::Pattern;

use super::Configuration;
use super::layers::{Entry, Origin};
use super::table::{KEYS, find};

/// The section that rules stand in.
pub(super) const SECTION: &str = "channels";
/// The most rules of one file.
const MOST: usize = 10_000;

/// One table of the file.
pub(super) struct Rule {
    pub(super) origin: Origin,
    pub(super) pattern: String,
    pub(super) entries: Vec<Entry>,
}

/// Lays the rules onto the configuration; what is wrong with them.
pub(super) fn lay(rules: Vec<Rule>, configuration: &mut Configuration) -> Vec<String> {
    let mut faults = Vec::new();
    if rules.len() > MOST {
        faults.push(format!("[{SECTION}] has more than {MOST} patterns"));
        return faults;
    }
    for Rule { origin, pattern, entries } in rules {
        let parsed = match Pattern::parse(&pattern) {
            Ok(parsed) if parsed.kind() == comet::Kind::Broadcast => parsed,
            _ => {
                faults
                    .push(format!("{origin}: {pattern:?} is no channel or pattern that can be published on"));
                continue;
            }
        };
        let mut own = configuration.clone();
        for entry in entries {
            let Some(at) = find(SECTION, &entry.name) else {
                faults.push(format!("{}: there is no key {} in [{SECTION}]", entry.origin, entry.name));
                continue;
            };
            let outcome = match entry.value {
                Some(value) => KEYS[at].set(&mut own, value),
                None => Err(format!("has to be {}", KEYS[at].kind.example())),
            };
            if let Err(words) = outcome {
                faults.push(format!("{}: [{SECTION}.{pattern:?}] {} {words}", entry.origin, entry.name));
            }
        }
        configuration.comet.channels.rules.push((parsed, own.comet.channels.default));
    }
    faults
}
