//! The configuration file: TOML with one table a section.
//!
//! Only its shape is looked at here; what the keys are and which values fit is decided where the layers come
//! together. Every entry keeps its line, so that people find it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::layers::{Entry, Origin};
use super::rule::{self, Rule};
use super::table::{KEYS, SECTIONS, find};
use super::value::Value;

/// The file that is read when no other is named.
const USUAL: &str = "comet.toml";
/// Bytes of a file: more is no configuration.
const MOST_BYTES: u64 = 1 << 20;

/// Reads `file`, or the usual one if it is there.
pub(super) fn read(file: Option<&Path>) -> Result<(Vec<Entry>, Vec<Rule>), String> {
    let path = file.unwrap_or(Path::new(USUAL));
    let size = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound && file.is_none() => return Ok(Default::default()),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    if size > MOST_BYTES {
        return Err(format!("{}: is larger than 1 MiB", path.display()));
    }
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    entries(path, &text)
}

fn entries(path: &Path, text: &str) -> Result<(Vec<Entry>, Vec<Rule>), String> {
    let line =
        |offset: usize| 1 + text[..offset.min(text.len())].bytes().filter(|byte| *byte == b'\n').count();
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line(span.start));
        format!("{}:{line}: {}", path.display(), error.message())
    })?;
    let (mut entries, mut rules) = (Vec::new(), Vec::new());
    for (section, keys) in table.get_ref() {
        let DeValue::Table(keys) = keys.get_ref() else {
            let line = line(section.span().start);
            return Err(format!(
                "{}:{line}: {} stands outside of a section such as [server]",
                path.display(),
                section.get_ref()
            ));
        };
        if keys.is_empty() && !SECTIONS.contains(&&**section.get_ref()) {
            // A section without keys still has to be one.
            entries.push(entry(path, line(section.span().start), section.get_ref(), "", None));
        }
        for (name, value) in keys {
            if let (Some(section), DeValue::Table(own)) = (rule::section(section.get_ref()), value.get_ref())
            {
                let read = |(key, value): (
                    &toml::Spanned<std::borrow::Cow<'_, str>>,
                    &toml::Spanned<DeValue<'_>>,
                )| {
                    let at = find(section, key.get_ref());
                    let value = at.and_then(|at| KEYS[at].kind.read_toml(value.get_ref()));
                    entry(path, line(key.span().start), section, key.get_ref(), value)
                };
                rules.push(Rule {
                    origin: Origin::File(path.to_owned(), line(name.span().start)),
                    section,
                    pattern: name.get_ref().to_string(),
                    entries: own.iter().map(read).collect(),
                });
                continue;
            }
            let at = find(section.get_ref(), name.get_ref());
            let value = at.and_then(|at| KEYS[at].kind.read_toml(value.get_ref()));
            entries.push(entry(path, line(name.span().start), section.get_ref(), name.get_ref(), value));
        }
    }
    entries.sort_by_key(|entry| match &entry.origin {
        Origin::File(_, line) => *line,
        _ => 0,
    });
    Ok((entries, rules))
}

fn entry(path: &Path, line: usize, section: &str, name: &str, value: Option<Value>) -> Entry {
    Entry { origin: Origin::File(path.to_owned(), line), section: section.into(), name: name.into(), value }
}
