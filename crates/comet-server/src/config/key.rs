//! One key of the configuration: its name, kind and bounds, and its place in memory.
//!
//! Keys are made in `table` only. Reading and writing a key never knows where the value came from.

use super::Configuration;
use super::value::{Kind, Value};

/// One key.
pub(crate) struct Key {
    /// The section of the file.
    pub(crate) section: &'static str,
    /// The name within the section.
    pub(crate) name: &'static str,
    /// One sentence on it.
    pub(crate) about: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// The smallest number that may be given.
    pub(crate) least: u64,
    /// The largest number that may be given.
    pub(crate) most: u64,
    /// Whether its value is never shown.
    pub(crate) secret: bool,
    /// Takes the value out of a configuration.
    pub(crate) read: fn(&Configuration) -> Value,
    /// Puts a value of the right kind in; the words say what the value should have been.
    pub(crate) write: fn(&mut Configuration, Value) -> Result<(), String>,
}

impl Key {
    /// `[section] name`.
    pub(crate) fn title(&self) -> String {
        format!("[{}] {}", self.section, self.name)
    }

    /// The name in the environment.
    pub(crate) fn environment_name(&self) -> String {
        format!("COMET_{}_{}", self.section, self.name).to_ascii_uppercase()
    }

    /// Puts a value in, within the key's bounds.
    ///
    /// # Errors
    /// What is wrong with the value, as the end of a sentence that begins with the key.
    pub(crate) fn set(&self, configuration: &mut Configuration, value: Value) -> Result<(), String> {
        if let Value::Number(number) = value
            && !(self.least..=self.most).contains(&number)
        {
            let shown = |number| self.kind.to_toml(&Value::Number(number));
            return Err(format!("has to be from {} to {}", shown(self.least), shown(self.most)));
        }
        (self.write)(configuration, value)
    }

    /// The value as it stands in a file; a secret is only counted.
    pub(crate) fn shown(&self, configuration: &Configuration) -> String {
        match (self.read)(configuration) {
            Value::List(secrets) if self.secret => {
                self.kind.to_toml(&Value::List(vec!["(hidden)".into(); secrets.len()]))
            }
            value => self.kind.to_toml(&value),
        }
    }
}
