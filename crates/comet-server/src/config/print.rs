//! The configuration for people: effective values with their origin, and the names of the environment.
//!
//! What is printed is itself a file that can be read back, secrets excepted.

use std::fmt::Write as _;

use comet::Pattern;

use super::Configuration;
use super::layers::Loaded;
use super::rule;
use super::table::{KEYS, SECTIONS};

/// The effective values as a file, each with where it came from.
pub(crate) fn printed(loaded: &Loaded) -> String {
    let mut out = String::new();
    for section in SECTIONS {
        let _ = writeln!(out, "{}[{section}]", if out.is_empty() { "" } else { "\n" });
        for (key, origin) in KEYS.iter().zip(&loaded.origins).filter(|(key, _)| key.section == section) {
            let line = format!("{} = {}", key.name, key.shown(&loaded.configuration));
            let _ = writeln!(out, "{line:<44} # {origin}");
        }
    }
    for (pattern, options) in &loaded.configuration.comet.channels.rules {
        let mut own = loaded.configuration.clone();
        own.comet.channels.default = *options;
        print_rule(&mut out, rule::CHANNELS, pattern, &own);
    }
    for (pattern, words) in &loaded.configuration.authorize.rules {
        let mut own = loaded.configuration.clone();
        own.authorize.all = words.clone();
        print_rule(&mut out, rule::AUTHORIZE, pattern, &own);
    }
    out
}

fn print_rule(out: &mut String, section: &str, pattern: &Pattern, own: &Configuration) {
    let _ = writeln!(out, "\n[{section}.{:?}]", pattern.as_str());
    for key in KEYS.iter().filter(|key| key.section == section) {
        let _ = writeln!(out, "{} = {}", key.name, key.shown(own));
    }
}

/// The names of the environment, with what each is for and its default.
pub(crate) fn environment() -> String {
    let defaults = Configuration::default();
    let mut out = String::new();
    for key in KEYS {
        let _ = writeln!(
            out,
            "# {}\n# default {}\n{}\n",
            key.about,
            key.shown(&defaults),
            key.environment_name()
        );
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
