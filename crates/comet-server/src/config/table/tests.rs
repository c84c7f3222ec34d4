//! The table held against the library it configures.

use super::super::Configuration;
use super::*;

/// The names of a struct's fields, as its `Debug` writes them.
fn fields(shown: &str) -> Vec<String> {
    let lines = shown.lines().filter_map(|line| line.strip_prefix("    "));
    let fields = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    fields.filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_field_of_the_library_has_its_key() {
    let config = comet::Config::default();
    let structs = [
        ("limits", fields(&format!("{:#?}", config.limits))),
        ("session", fields(&format!("{:#?}", config.session))),
    ];
    for (section, names) in structs {
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            let name = name.strip_suffix("_ms").unwrap_or(&name);
            assert!(find(section, name).is_some(), "[{section}] {name} is missing");
        }
    }
    for name in fields(&format!("{:#?}", config.flash)) {
        assert!(find("flash", &name).is_some(), "[flash] {name} is missing");
    }
    for name in fields(&format!("{config:#?}")) {
        let known = ["session", "limits", "channels", "flash"].contains(&name.as_str());
        assert!(known || find("server", &name).or(find("http", &name)).is_some(), "{name} is missing");
    }
}

#[test]
fn every_key_stands_once_in_a_known_section() {
    for (at, key) in KEYS.iter().enumerate() {
        assert_eq!(find(key.section, key.name), Some(at));
        assert!(SECTIONS.contains(&key.section));
        assert!(key.about.ends_with('.'), "{}", key.title());
    }
}

#[test]
fn every_default_lies_within_its_bounds_and_reads_back() {
    for key in KEYS {
        let mut configuration = Configuration::default();
        let before = (key.read)(&configuration);
        assert_eq!(key.set(&mut configuration, before.clone()), Ok(()), "{}", key.title());
        assert_eq!((key.read)(&configuration), before, "{}", key.title());
    }
}

#[test]
fn every_number_lands_in_its_own_field() {
    for key in KEYS.iter().filter(|key| matches!(key.kind, Kind::Count | Kind::Duration | Kind::Size)) {
        let mut configuration = Configuration::default();
        let Value::Number(before) = (key.read)(&configuration) else {
            panic!("{} is no number", key.title())
        };
        let other = Value::Number(before + 1);
        key.set(&mut configuration, other.clone()).unwrap_or_else(|_| panic!("{}", key.title()));
        assert_eq!((key.read)(&configuration), other);
        let changed =
            KEYS.iter().filter(|any| (any.read)(&configuration) != (any.read)(&Configuration::default()));
        assert!(changed.map(Key::title).eq([key.title()]), "{}", key.title());
    }
}
