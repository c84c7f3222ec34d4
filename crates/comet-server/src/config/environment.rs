//! The environment: `COMET_SECTION_KEY`.
//!
//! Variables are matched with the table of keys. A name that looks like one of ours and is none is warned
//! of only, because container platforms make names of that form by themselves.

use super::layers::{Entry, Origin};
use super::suggestion;
use super::table::{KEYS, SECTIONS};

/// The entries of the environment, and warnings on names that look like ours.
pub(super) fn read(variables: &[(String, String)]) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut warnings) = (Vec::new(), Vec::new());
    for (name, text) in variables {
        if let Some(key) = KEYS.iter().find(|key| key.environment_name() == *name) {
            entries.push(Entry {
                origin: Origin::Environment(name.clone()),
                section: key.section.into(),
                name: key.name.into(),
                value: key.kind.read_text(text),
            });
        } else if looks_like_ours(name) {
            let names: Vec<_> = KEYS.iter().map(super::key::Key::environment_name).collect();
            let meant = suggestion::closest(name, names.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            warnings.push(format!("{name} of the environment is no key and is ignored{meant}"));
        }
    }
    (entries, warnings)
}

fn looks_like_ours(name: &str) -> bool {
    let section = name.strip_prefix("COMET_").and_then(|rest| rest.split_once('_'));
    section.is_some_and(|(section, _)| SECTIONS.contains(&section.to_ascii_lowercase().as_str()))
}
