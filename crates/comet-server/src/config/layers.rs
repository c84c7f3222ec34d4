//! Laying the sources over each other: defaults, file, environment, flags.
//!
//! Each source gives entries; here an entry finds its key, is put in, and the key remembers where its value
//! came from. Everything that is wrong is gathered, so that one run tells it all.

use std::fmt;
use std::path::PathBuf;

use super::table::{KEYS, SECTIONS, find};
use super::value::Value;
use super::{Configuration, cross_check, environment, file, rule, suggestion};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// A file, and the line in it.
    File(PathBuf, usize),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Origin {
    /// Whether an empty list is written out as such, and meant.
    fn is_file(&self) -> bool {
        matches!(self, Origin::File(..))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// A value that a flag gives.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// The flag as it is written.
    pub(crate) flag: &'static str,
    /// The section of the key.
    pub(crate) section: &'static str,
    /// The name of the key.
    pub(crate) name: &'static str,
    /// The value.
    pub(crate) value: Value,
}

/// All sources but the defaults. Loading twice reads the file twice.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// A file that has to be there; without one, `comet.toml` in the working directory if it is there.
    pub(crate) file: Option<PathBuf>,
    /// Variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// What flags say.
    pub(crate) flags: Vec<Override>,
}

/// The outcome of loading.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// The effective values.
    pub(crate) configuration: Configuration,
    /// For every key of the table, where its value came from.
    pub(crate) origins: Vec<Origin>,
    /// What is strange, but no reason to stop.
    pub(crate) warnings: Vec<String>,
}

impl Loaded {
    /// The keys whose values differ from those of `other`, those in `but` excepted.
    pub(crate) fn differences(&self, other: &Loaded, but: &[&str]) -> Vec<String> {
        let differ =
            |key: &&super::key::Key| (key.read)(&self.configuration) != (key.read)(&other.configuration);
        KEYS.iter()
            .filter(differ)
            .map(super::key::Key::title)
            .filter(|title| !but.contains(&title.as_str()))
            .collect()
    }
}

/// Everything that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

/// One entry of a source.
pub(super) struct Entry {
    pub(super) origin: Origin,
    pub(super) section: String,
    pub(super) name: String,
    /// The value, or `None` when it is not of the key's kind.
    pub(super) value: Option<Value>,
}

impl Layers {
    /// Lays everything over the defaults.
    ///
    /// # Errors
    /// [`Faults`]: whatever is unknown, unreadable or out of bounds, all of it.
    pub(crate) fn load(&self) -> Result<Loaded, Faults> {
        let mut loading = Loading {
            loaded: Loaded {
                configuration: Configuration::default(),
                origins: vec![Origin::Default; KEYS.len()],
                warnings: Vec::new(),
            },
            faults: Vec::new(),
        };
        let rules = match file::read(self.file.as_deref()) {
            Ok((entries, rules)) => {
                entries.into_iter().for_each(|entry| loading.lay(entry));
                rules
            }
            Err(fault) => {
                loading.faults.push(fault);
                Vec::new()
            }
        };
        let (entries, warnings) = environment::read(&self.environment);
        loading.loaded.warnings.extend(warnings);
        entries.into_iter().for_each(|entry| loading.lay(entry));
        for given in &self.flags {
            loading.lay(Entry {
                origin: Origin::Flag(given.flag),
                section: given.section.into(),
                name: given.name.into(),
                value: Some(given.value.clone()),
            });
        }
        loading.faults.extend(rule::lay(rules, &mut loading.loaded.configuration));
        if loading.faults.is_empty() {
            loading.faults = cross_check::check(&loading.loaded.configuration);
        }
        if loading.faults.is_empty() { Ok(loading.loaded) } else { Err(Faults(loading.faults)) }
    }
}

struct Loading {
    loaded: Loaded,
    faults: Vec<String>,
}

impl Loading {
    fn lay(&mut self, entry: Entry) {
        let Some(at) = find(&entry.section, &entry.name) else {
            self.faults.push(format!("{}: {}", entry.origin, unknown(&entry.section, &entry.name)));
            return;
        };
        let key = &KEYS[at];
        let outcome = match entry.value {
            // A variable that was to hold a secret and holds nothing must not take the secrets of a file away.
            Some(Value::List(texts)) if key.secret && texts.is_empty() && !entry.origin.is_file() => {
                Err("is empty: give a value, or leave it unset".into())
            }
            Some(value) => key.set(&mut self.loaded.configuration, value),
            None => Err(format!("has to be {}", key.kind.example())),
        };
        match outcome {
            Ok(()) => self.loaded.origins[at] = entry.origin,
            Err(words) => self.faults.push(format!("{}: {} {words}", entry.origin, key.title())),
        }
    }
}

/// Words on a key that is not there, with what may have been meant.
fn unknown(section: &str, name: &str) -> String {
    if !SECTIONS.contains(&section) {
        let meant = suggestion::closest(section, SECTIONS);
        let meant = meant.map(|meant| format!("; did you mean [{meant}]?")).unwrap_or_default();
        return format!("there is no section [{section}]{meant}");
    }
    let own = KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
    let elsewhere = KEYS.iter().find(|key| key.name == name).map(super::key::Key::title);
    let meant = elsewhere.or_else(|| suggestion::closest(name, own).map(Into::into)).or_else(|| {
        let near = suggestion::closest(name, KEYS.iter().map(|key| key.name))?;
        KEYS.iter().find(|key| key.name == near).map(super::key::Key::title)
    });
    let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    format!("there is no key {name} in [{section}]{meant}")
}

#[cfg(test)]
mod tests;
