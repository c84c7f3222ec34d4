//! What holds for the channels of a pattern: the tables `[channels."/chat/**"]` and `[authorize."/chat/**"]` of the file.
//!
//! A rule says in the keys of its section what differs for the channels of its pattern. What the options of a channel
//! leave out is as for all others; what an authorization leaves out is for others to say. Rules are laid on when every
//! other source has had its say.

use comet::{Kind, Pattern};

use super::Configuration;
use super::authorize::Words;
use super::layers::{Entry, Origin};
use super::table::{KEYS, find};

/// The section of options.
pub(super) const CHANNELS: &str = "channels";
/// The section of authorizations.
pub(super) const AUTHORIZE: &str = "authorize";
/// The most options of one file: a table finds them by name.
const MOST_OPTIONS: usize = 10_000;
/// The most authorizations of one file: all of them are looked at for every message.
const MOST_AUTHORIZATIONS: usize = 1_000;

/// One table of the file.
pub(super) struct Rule {
    pub(super) origin: Origin,
    pub(super) section: &'static str,
    pub(super) pattern: String,
    pub(super) entries: Vec<Entry>,
}

/// The name of a section that has tables for patterns.
pub(super) fn section(name: &str) -> Option<&'static str> {
    [CHANNELS, AUTHORIZE].into_iter().find(|known| *known == name)
}

/// Lays the rules onto the configuration; what is wrong with them.
pub(super) fn lay(rules: Vec<Rule>, configuration: &mut Configuration) -> Vec<String> {
    for (section, most) in [(CHANNELS, MOST_OPTIONS), (AUTHORIZE, MOST_AUTHORIZATIONS)] {
        if rules.iter().filter(|rule| rule.section == section).count() > most {
            return vec![format!("[{section}] has more than {most} patterns")];
        }
    }
    let mut faults = Vec::new();
    for Rule { origin, section, pattern, entries } in rules {
        let fits = |kind| match section {
            CHANNELS => kind == Kind::Broadcast,
            _ => kind != Kind::Meta,
        };
        let parsed = match Pattern::parse(&pattern) {
            Ok(parsed) if fits(parsed.kind()) => parsed,
            _ => {
                faults
                    .push(format!("{origin}: {pattern:?} is no channel or pattern that can be published on"));
                continue;
            }
        };
        let mut own = configuration.clone();
        own.authorize.all = Words::default();
        for entry in entries {
            let Some(at) = find(section, &entry.name) else {
                faults.push(format!("{}: there is no key {} in [{section}]", entry.origin, entry.name));
                continue;
            };
            let outcome = match entry.value {
                Some(value) => KEYS[at].set(&mut own, value),
                None => Err(format!("has to be {}", KEYS[at].kind.example())),
            };
            if let Err(words) = outcome {
                faults.push(format!("{}: [{section}.{pattern:?}] {} {words}", entry.origin, entry.name));
            }
        }
        match section {
            CHANNELS => configuration.comet.channels.rules.push((parsed, own.comet.channels.default)),
            _ => configuration.authorize.rules.push((parsed, own.authorize.all)),
        }
    }
    faults
}
