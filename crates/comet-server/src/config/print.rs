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

/// What a sample begins with.
const ABOUT_SAMPLE: &str = "\
# What a Comet server can be told, each key with its default. `comet config sample` prints this page.
#
# A server reads comet.toml from its working directory, or the file of --config. Nothing has to be in it: take the # off what
# you change. COMET_SECTION_KEY of the environment wins over the file, and flags win over both. `comet config check` says
# what is wrong with a file, `comet config print` what holds and why.
#
# Durations are texts with a unit (\"25s\"; ms, s, m, h, d), and so are sizes (\"1MiB\"; B, KiB, MiB, GiB).
";

/// What follows the keys of a section for all channels.
const ABOUT_RULES: [(&str, &str); 2] = [
    (
        rule::CHANNELS,
        "\
# What is different on the channels of a pattern; the most specific pattern wins, and what it leaves out is as above.
#[channels.\"/orders/**\"]
#durability = \"fsync\"
#age = \"1h\"
",
    ),
    (
        rule::AUTHORIZE,
        "\
# The same for the channels of a pattern; all patterns that match are asked.
#[authorize.\"/prices/**\"]
#publish = [\"nobody\"]
",
    ),
];

/// A file in which every key is explained and nothing is set.
pub(crate) fn sample() -> String {
    let defaults = Configuration::default();
    let mut out = ABOUT_SAMPLE.to_owned();
    for section in SECTIONS {
        let _ = writeln!(out, "\n[{section}]");
        for key in KEYS.iter().filter(|key| key.section == section) {
            let _ = writeln!(out, "# {}\n#{} = {}", key.about, key.name, key.shown(&defaults));
        }
        for (_, rules) in ABOUT_RULES.iter().filter(|(name, _)| *name == section) {
            let _ = write!(out, "\n{rules}");
        }
    }
    out
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
