//! Values as they are written, and the kinds of them.
//!
//! A value comes from a file with TOML's own types, or from the environment and flags as text; here both
//! become one [`Value`] of the kind a key wants. Which bounds hold for it is the key's business.

use toml::de::DeValue;

use super::{duration, size};

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Count,
    /// A span of time with its unit; milliseconds inside.
    Duration,
    /// A number of bytes with its unit.
    Size,
    /// Text.
    Text,
    /// Several texts; in the environment with commas between them.
    List,
}

/// A value of some kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Count`], [`Kind::Duration`] and [`Kind::Size`].
    Number(u64),
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::List`].
    List(Vec<String>),
}

impl Kind {
    /// What a value of this kind looks like, for messages.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Kind::Switch => "true or false",
            Kind::Count => "a whole number such as 100",
            Kind::Duration => "a duration with a unit such as \"25s\"",
            Kind::Size => "a size with a unit such as \"1MiB\"",
            Kind::Text => "text in quotes",
            Kind::List => "a list such as [\"a\", \"b\"]",
        }
    }

    /// Reads a value from plain text.
    pub(crate) fn read_text(self, text: &str) -> Option<Value> {
        let text = text.trim();
        match self {
            Kind::Switch => text.parse().ok().map(Value::Switch),
            Kind::Count => text.parse().ok().map(Value::Number),
            Kind::Duration => duration::parse(text).map(Value::Number),
            Kind::Size => size::parse(text).map(Value::Number),
            Kind::Text => Some(Value::Text(text.into())),
            Kind::List if text.is_empty() => Some(Value::List(Vec::new())),
            Kind::List => Some(Value::List(text.split(',').map(|part| part.trim().to_owned()).collect())),
        }
    }

    /// Reads a value from TOML. A single text stands for a list of one.
    pub(crate) fn read_toml(self, value: &DeValue<'_>) -> Option<Value> {
        match (self, value) {
            (Kind::Switch, DeValue::Boolean(on)) => Some(Value::Switch(*on)),
            (Kind::Count, DeValue::Integer(number)) => {
                u64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Number)
            }
            (Kind::Duration | Kind::Size | Kind::Text, DeValue::String(text)) => self.read_text(text),
            (Kind::List, DeValue::String(text)) => Some(Value::List(vec![text.to_string()])),
            (Kind::List, DeValue::Array(array)) => {
                let texts = array.iter().map(|item| match item.get_ref() {
                    DeValue::String(text) => Some(text.to_string()),
                    _ => None,
                });
                texts.collect::<Option<_>>().map(Value::List)
            }
            _ => None,
        }
    }

    /// Writes a value as it stands in a file.
    pub(crate) fn to_toml(self, value: &Value) -> String {
        match value {
            Value::Switch(on) => on.to_string(),
            Value::Number(number) => match self {
                Kind::Duration => quoted(&duration::format(*number)),
                Kind::Size => quoted(&size::format(*number)),
                _ => number.to_string(),
            },
            Value::Text(text) => quoted(text),
            Value::List(texts) => {
                format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_unit_is_no_duration_and_no_size() {
        for kind in [Kind::Duration, Kind::Size] {
            assert_eq!(kind.read_text("25"), None);
            assert_eq!(kind.read_toml(&DeValue::parse("25").unwrap().into_inner()), None);
        }
    }

    #[test]
    fn a_negative_count_is_refused() {
        assert_eq!(Kind::Count.read_text("-1"), None);
        assert_eq!(Kind::Count.read_toml(&DeValue::parse("-1").unwrap().into_inner()), None);
        assert_eq!(
            Kind::Count.read_toml(&DeValue::parse("0x10").unwrap().into_inner()),
            Some(Value::Number(16))
        );
    }

    #[test]
    fn a_list_in_the_environment_has_commas() {
        assert_eq!(Kind::List.read_text("/a, /b"), Some(Value::List(vec!["/a".into(), "/b".into()])));
        assert_eq!(Kind::List.read_text(""), Some(Value::List(Vec::new())));
    }

    #[test]
    fn what_is_written_reads_back_as_the_same() {
        let values = [
            (Kind::Switch, Value::Switch(true)),
            (Kind::Count, Value::Number(19_000)),
            (Kind::Duration, Value::Number(2_500)),
            (Kind::Size, Value::Number(65_536)),
            (Kind::Text, Value::Text("a \"quoted\" word".into())),
            (Kind::List, Value::List(vec!["/a".into(), "/b\\".into()])),
        ];
        for (kind, value) in values {
            let written = kind.to_toml(&value);
            let read = DeValue::parse(&written).unwrap();
            assert_eq!(kind.read_toml(read.get_ref()), Some(value), "{written}");
        }
    }
}
