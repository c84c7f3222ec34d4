//! Values that are more than numbers: addresses, paths, origins, wires, keys, the log.
//!
//! Each function takes texts of the configuration and gives what the library takes, or words on what they
//! should have been.

use std::net::SocketAddr;
use std::path::PathBuf;

use comet::{ConnectionType, Durability, Network, Slow};
use tracing_subscriber::filter::{LevelFilter, Targets};

use super::LogFormat;
use super::value::Value;

/// Entries of one list.
const MOST_ENTRIES: usize = 64;
/// The fewest characters of a key: less can be guessed.
const KEY_CHARACTERS: usize = 16;

/// The texts of a list.
pub(super) fn texts(value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::List(texts) if texts.len() <= MOST_ENTRIES => Ok(texts),
        Value::List(_) => Err(format!("has more than {MOST_ENTRIES} entries")),
        _ => Err("has to be a list".into()),
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err("has to be text".into()),
    }
}

/// Addresses to listen on.
pub(super) fn addresses(value: Value) -> Result<Vec<SocketAddr>, String> {
    let texts = texts(value)?;
    if texts.is_empty() {
        return Err("needs at least one address".into());
    }
    texts.iter().map(|text| address(text)).collect()
}

/// One address, or `none`.
pub(super) fn address_or_none(value: Value) -> Result<Option<SocketAddr>, String> {
    let text = text(value)?;
    if text == "none" { Ok(None) } else { address(&text).map(Some) }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("has {text:?}, which is no address such as \"127.0.0.1:8000\" or \"[::1]:8000\"")
    })
}

/// Paths under which the transports answer.
pub(super) fn mounts(value: Value) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    if texts.is_empty() {
        return Err("needs at least one path".into());
    }
    match texts.iter().find(|text| !is_path(text)) {
        Some(bad) => Err(format!("has {bad:?}, which is no path such as \"/cometd\"")),
        None => Ok(texts),
    }
}

/// A path, or nothing.
pub(super) fn path_or_none(value: Value) -> Result<Option<String>, String> {
    match text(value)? {
        none if none == "none" => Ok(None),
        path if is_path(&path) => Ok(Some(path)),
        bad => Err(format!("is {bad:?}, which is no path such as \"/cometd/echo\"")),
    }
}

/// A place in the file system, or nothing.
pub(super) fn file_or_none(value: Value) -> Result<Option<PathBuf>, String> {
    match text(value)? {
        none if none == "none" => Ok(None),
        empty if empty.is_empty() => Err("is empty: give a directory, or \"none\"".into()),
        path => Ok(Some(path.into())),
    }
}

/// What a publication outlives.
pub(super) fn durability(value: Value) -> Result<Durability, String> {
    let text = text(value)?;
    let all = [Durability::Memory, Durability::Stored, Durability::Fsync];
    let found = all.into_iter().find(|durability| durability.name() == text);
    found.ok_or_else(|| format!("is {text:?}, and has to be \"memory\", \"stored\" or \"fsync\""))
}

fn is_path(text: &str) -> bool {
    let segments = text.strip_prefix('/');
    segments.is_some_and(|segments| {
        segments.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte))
    })
}

/// Origins as browsers write them.
pub(super) fn origins(value: Value) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    match texts.iter().find(|text| !is_origin(text)) {
        Some(bad) => Err(format!("has {bad:?}, which is no origin such as \"https://shop.example\"")),
        None => Ok(texts),
    }
}

fn is_origin(text: &str) -> bool {
    let authority = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    authority.is_some_and(|authority| {
        !authority.is_empty()
            && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
    })
}

/// Names of hosts, without a port.
pub(super) fn host_names(value: Value) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    let is_name = |text: &&String| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        // A name like "com" or "example" is shared with strangers.
        text.trim_matches('.').contains('.') && text.bytes().all(plain)
    };
    match texts.iter().find(|text| !is_name(text)) {
        Some(bad) => Err(format!("has {bad:?}, which is no name such as \"shop.example\"")),
        None => Ok(texts),
    }
}

/// Networks, or single addresses.
pub(super) fn networks(value: Value) -> Result<Vec<Network>, String> {
    let network = |text: &String| {
        text.parse().map_err(|_| {
            format!(
                "has {text:?}, which is no network such as \"10.0.0.0/8\", \"127.0.0.1\" or \"2001:db8::/32\""
            )
        })
    };
    texts(value)?.iter().map(network).collect()
}

/// Kinds of wire, of those that the library serves.
pub(super) fn connection_types(value: Value) -> Result<Vec<ConnectionType>, String> {
    let served = comet::Config::default().session.connection_types;
    let mut wanted = Vec::new();
    for text in texts(value)? {
        match ConnectionType::parse(&text).filter(|kind| served.contains(kind)) {
            Some(kind) if wanted.contains(&kind) => return Err(format!("has {text:?} twice")),
            Some(kind) => wanted.push(kind),
            None => {
                let names: Vec<_> = served.iter().map(|kind| kind.name()).collect();
                return Err(format!("has {text:?}, which is none of {}", names.join(", ")));
            }
        }
    }
    if wanted.is_empty() { Err("needs at least one kind of wire".into()) } else { Ok(wanted) }
}

/// Keys of the HTTP API. What is wrong with one is told without showing it.
pub(super) fn keys(value: Value) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    for key in &texts {
        if key.len() < KEY_CHARACTERS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "has a key that is shorter than {KEY_CHARACTERS} characters or holds a blank or a character outside ASCII"
            ));
        }
    }
    Ok(texts)
}

/// What is logged: a level, and levels of single targets.
pub(super) fn log_level(value: Value) -> Result<String, String> {
    let text = text(value)?;
    // A bare word that is no level would count as the name of a target, and everything else as switched off.
    let meant = text.split(',').all(|part| part.contains('=') || part.trim().parse::<LevelFilter>().is_ok());
    if meant && !text.trim().is_empty() && text.parse::<Targets>().is_ok() {
        return Ok(text);
    }
    Err(format!(
        "is {text:?}, which is none of error, warn, info, debug, trace, off, nor a list such as \"info,comet=debug\""
    ))
}

/// What gives way to slow readers.
pub(super) fn slow(value: Value) -> Result<Slow, String> {
    Slow::from_name(&text(value)?)
        .ok_or_else(|| "has to be \"disconnect\", \"drop_oldest\" or \"conflate\"".into())
}

/// The form of the log.
pub(super) fn log_format(value: Value) -> Result<LogFormat, String> {
    match text(value)?.as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(format!("is {other:?}, which is neither \"text\" nor \"json\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Value {
        Value::List(texts.iter().map(|text| text.to_string()).collect())
    }

    #[test]
    fn a_path_is_absolute_and_has_no_empty_segment() {
        assert!(mounts(list(&["/cometd", "/a/b"])).is_ok());
        for bad in ["", "/", "cometd", "/a/", "//a", "/a/../b", "/a b", "/a?b"] {
            assert!(mounts(list(&[bad])).is_err(), "{bad:?}");
        }
        assert!(mounts(list(&[])).is_err());
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(origins(list(&["https://shop.example", "http://[::1]:3000"])).is_ok());
        for bad in ["shop.example", "https://", "https://shop.example/", "*", "null"] {
            assert!(origins(list(&[bad])).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_network_is_an_address_with_or_without_its_bits() {
        assert!(networks(list(&["10.0.0.0/8", "127.0.0.1", "2001:db8::/32", "::1"])).is_ok());
        for bad in ["localhost", "10.0.0.0/33", "*", "127.0.0.1:80"] {
            assert!(networks(list(&[bad])).unwrap_err().contains(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_wire_that_is_not_served_cannot_be_asked_for() {
        assert!(connection_types(list(&["websocket", "long-polling"])).is_ok());
        for bad in [&["carrier-pigeon"][..], &[], &["websocket", "websocket"]] {
            assert!(connection_types(list(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused_and_not_shown() {
        let error = keys(list(&["hunter2"])).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(keys(list(&["0123456789abcdef"])).is_ok());
    }

    #[test]
    fn a_level_that_tracing_does_not_know_is_refused() {
        assert!(log_level(Value::Text("info,comet_engine=trace".into())).is_ok());
        assert!(log_level(Value::Text("".into())).is_err());
        assert!(log_level(Value::Text("comet=loudly".into())).is_err());
        assert!(log_level(Value::Text("loud".into())).is_err());
    }
}
