//! The kinds of rows of the table of keys.
//!
//! A macro for each kind makes a row of the place of a value, its bounds and its words; what the keys are is not known
//! here. The rows go into the table.

use super::super::key::Key;
use super::super::value::{Kind, Value};

/// The longest duration: a day.
pub(super) const DAY_MS: u64 = 86_400_000;
/// The largest size: one TiB.
pub(super) const TIB: u64 = 1 << 40;
/// The largest count.
pub(super) const MANY: u64 = 1_000_000_000;

/// A key whose value is a number.
macro_rules! number {
    ($kind:ident, $section:ident, $name:ident, $least:expr, $most:expr, $($field:ident).+, $about:literal) => {
        Key {
            section: stringify!($section),
            name: stringify!($name),
            about: $about,
            kind: Kind::$kind,
            least: $least,
            most: $most,
            secret: false,
            read: |configuration| Value::Number(configuration.comet.$($field).+ as u64),
            write: |configuration, value| put(&mut configuration.comet.$($field).+, value),
        }
    };
}

macro_rules! duration {
    ($section:ident, $name:ident, $least:expr, $($field:ident).+, $about:literal) => {
        number!(Duration, $section, $name, $least, DAY_MS, $($field).+, $about)
    };
}

macro_rules! size {
    ($section:ident, $name:ident, $least:expr, $($field:ident).+, $about:literal) => {
        number!(Size, $section, $name, $least, TIB, $($field).+, $about)
    };
}

macro_rules! count {
    ($section:ident, $name:ident, $least:expr, $($field:ident).+, $about:literal) => {
        number!(Count, $section, $name, $least, MANY, $($field).+, $about)
    };
}

macro_rules! switch {
    ($section:ident, $name:ident, $($field:ident).+, $about:literal) => {
        Key {
            read: |configuration| Value::Switch(configuration.comet.$($field).+),
            write: |configuration, value| match value {
                Value::Switch(on) => {
                    configuration.comet.$($field).+ = on;
                    Ok(())
                }
                _ => Err("has to be true or false".into()),
            },
            ..other(stringify!($section), stringify!($name), Kind::Switch, $about)
        }
    };
}

/// A key whose value is a path, or none.
macro_rules! path {
    ($section:ident, $name:ident, $about:literal) => {
        Key {
            read: |c| or_none(c.comet.$name.as_ref()),
            write: |c, value| text::path_or_none(value).map(|path| c.comet.$name = path),
            ..other(stringify!($section), stringify!($name), Kind::Text, $about)
        }
    };
}

/// A key that says to whom an operation is granted.
macro_rules! grants {
    ($name:ident, $operation:ident, $about:literal) => {
        Key {
            read: |c| c.authorize.all.granted(Operation::$operation),
            write: |c, value| c.authorize.all.grant(Operation::$operation, value),
            ..other("authorize", stringify!($name), Kind::List, $about)
        }
    };
}

/// A key that says to whom an operation is denied.
macro_rules! denies {
    ($name:ident, $operation:ident, $about:literal) => {
        Key {
            read: |c| c.authorize.all.denied(Operation::$operation),
            write: |c, value| c.authorize.all.deny(Operation::$operation, value),
            ..other("authorize", stringify!($name), Kind::List, $about)
        }
    };
}

/// A key that reads and writes in its own way; both are given by the row.
pub(super) const fn other(section: &'static str, name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        section,
        name,
        about,
        kind,
        least: 0,
        most: u64::MAX,
        secret: false,
        read: |_| Value::List(Vec::new()),
        write: |_, _| Ok(()),
    }
}

/// Sets a number, where this machine can hold it.
pub(super) fn put<N: TryFrom<u64>>(field: &mut N, value: Value) -> Result<(), String> {
    let number = match value {
        Value::Number(number) => N::try_from(number).ok(),
        _ => None,
    };
    *field = number.ok_or("is larger than this machine can hold")?;
    Ok(())
}

/// A list as it is shown.
pub(super) fn list<T: ToString>(items: &[T]) -> Value {
    Value::List(items.iter().map(ToString::to_string).collect())
}

/// A value that may be missing, as it is shown.
pub(super) fn or_none<T: ToString>(item: Option<&T>) -> Value {
    Value::Text(item.map_or_else(|| "none".into(), ToString::to_string))
}
