//! Which source wins, and what is said when one is wrong.

use super::*;
use crate::config::print::printed;
use crate::config::value::Kind;

/// A file that exists while the test looks at it.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("comet.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn loaded_from(text: &str) -> Result<Loaded, Faults> {
    let (_folder, path) = file(text);
    Layers { file: Some(path), ..Layers::default() }.load()
}

fn timeout(loaded: &Loaded) -> (u64, Origin) {
    (
        loaded.configuration.comet.session.timeout_ms,
        loaded.origins[find("session", "timeout").unwrap()].clone(),
    )
}

#[test]
fn a_later_layer_wins_over_an_earlier_one() {
    let (_folder, path) = file("[session]\ntimeout = \"2s\"\n");
    let mut layers = Layers::default();
    assert_eq!(timeout(&layers.load().unwrap()), (25_000, Origin::Default));
    layers.file = Some(path.clone());
    assert_eq!(timeout(&layers.load().unwrap()), (2_000, Origin::File(path, 2)));
    layers.environment = vec![("COMET_SESSION_TIMEOUT".into(), "3s".into())];
    assert_eq!(
        timeout(&layers.load().unwrap()),
        (3_000, Origin::Environment("COMET_SESSION_TIMEOUT".into()))
    );
    layers.flags = vec![Override {
        flag: "--timeout",
        section: "session",
        name: "timeout",
        value: Value::Number(4_000),
    }];
    assert_eq!(timeout(&layers.load().unwrap()), (4_000, Origin::Flag("--timeout")));
}

#[test]
fn every_key_can_be_given_by_file_and_by_environment() {
    for key in KEYS {
        let defaults = Configuration::default();
        let (written, text) = match key.kind {
            Kind::List if key.secret => ("[\"0123456789abcdef\"]".into(), "0123456789abcdef".into()),
            kind => {
                let value = (key.read)(&defaults);
                let text = match &value {
                    Value::List(texts) => texts.join(","),
                    _ => kind.to_toml(&value).trim_matches('"').to_owned(),
                };
                (kind.to_toml(&value), text)
            }
        };
        let loaded = loaded_from(&format!("[{}]\n{} = {written}\n", key.section, key.name)).unwrap();
        let at = find(key.section, key.name).unwrap();
        assert!(matches!(loaded.origins[at], Origin::File(_, 2)), "{}", key.title());
        let environment = vec![(key.environment_name(), text)];
        let loaded = Layers { environment, file: None, flags: Vec::new() }.load().unwrap();
        assert!(matches!(loaded.origins[at], Origin::Environment(_)), "{}", key.title());
    }
}

#[test]
fn an_unknown_key_is_a_fault_with_a_suggestion() {
    let told = |text: &str| loaded_from(text).unwrap_err().0.remove(0);
    assert!(
        told("[server]\nlisten = \"127.0.0.1:0\"\nshard = 2")
            .ends_with("comet.toml:3: there is no key shard in [server]; did you mean shards?")
    );
    assert!(told("[sever]\nshards = 2").contains("there is no section [sever]; did you mean [server]?"));
    assert!(told("[server]\ntimeout = \"2s\"").ends_with("did you mean [session] timeout?"));
    assert!(told("[server]\nzebra = 2").ends_with("there is no key zebra in [server]"));
    assert!(told("[zebra]").ends_with("there is no section [zebra]"));
    assert!(told("shards = 2").contains("outside of a section"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "[server]\nshards = -1\nlisten = \"here\"\n[session]\ntimeout = 25\npoll_interval = \"0s\"\n[limits]\njson_depth = 1000\nfragments = 5000000000\n";
    let Faults(faults) = loaded_from(text).unwrap_err();
    let ends = [
        "[server] shards has to be a whole number such as 100",
        "[server] listen has \"here\", which is no address such as \"127.0.0.1:8000\" or \"[::1]:8000\"",
        "[session] timeout has to be a duration with a unit such as \"25s\"",
        "[session] poll_interval has to be from \"100ms\" to \"1d\"",
        "[limits] json_depth has to be from 4 to 128",
        "[limits] fragments has to be from 1 to 1000000000",
    ];
    assert_eq!(faults.len(), ends.len(), "{faults:?}");
    for (fault, end) in faults.iter().zip(ends) {
        assert!(fault.ends_with(end), "{fault}");
    }
}

#[test]
fn a_value_that_would_spin_is_refused() {
    for name in ["timeout", "max_interval", "multi_session_interval", "poll_interval", "retry_interval"] {
        assert!(loaded_from(&format!("[session]\n{name} = \"0s\"")).is_err(), "{name}");
    }
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let file = Some(PathBuf::from("no/such/comet.toml"));
    assert!(Layers { file, ..Layers::default() }.load().is_err());
}

#[test]
fn a_broken_file_is_told_by_its_line() {
    let Faults(faults) = loaded_from("[server]\nshards = = 2").unwrap_err();
    assert!(faults[0].contains("comet.toml:2: "), "{faults:?}");
}

#[test]
fn a_strange_name_of_the_environment_is_warned_of() {
    let names = ["COMET_SERVER_SHARD", "COMET_SERVER_PORT_8000_TCP", "COMET_KEY", "COMETS_SERVER_SHARDS"];
    let environment = names.map(|name| (name.to_owned(), "2".to_owned())).to_vec();
    let warnings = Layers { environment, ..Layers::default() }.load().unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].ends_with("did you mean COMET_SERVER_SHARDS?"));
}

#[test]
fn what_is_printed_can_be_read_back() {
    let before = loaded_from("[server]\nmounts = [\"/a\", \"/b/c\"]\n[limits]\nlinger = \"1500ms\"").unwrap();
    let text = printed(&before);
    assert!(text.contains("comet.toml:2"), "{text}");
    let after = loaded_from(&text).unwrap();
    assert_eq!(format!("{:?}", after.configuration), format!("{:?}", before.configuration));
}

#[test]
fn a_key_of_the_api_is_never_printed() {
    let loaded = loaded_from("[api]\nkeys = \"a-secret-of-mine-42\"").unwrap();
    let text = printed(&loaded);
    assert!(text.contains("keys = [\"(hidden)\"]") && !text.contains("secret-of-mine"), "{text}");
}

#[test]
fn a_pattern_has_its_own_options_and_the_rest_those_of_all_channels() {
    let loaded =
        loaded_from("[channels.\"/chat/**\"]\nmessages = 7\necho = false\n[channels]\nage = \"1m\"\n")
            .unwrap();
    let channels = &loaded.configuration.comet.channels;
    let [(pattern, chat)] = &channels.rules[..] else { panic!("{:?}", channels.rules) };
    assert_eq!(pattern.as_str(), "/chat/**");
    assert_eq!((chat.history.messages, chat.history.age_ms, chat.echo), (7, 60_000, false));
    assert_eq!((channels.default.history.messages, channels.default.echo), (1_000, true));
    assert_eq!(loaded_from(&printed(&loaded)).unwrap().configuration.comet.channels.rules.len(), 1);
}

#[test]
fn a_channel_says_how_long_its_messages_may_wait_for_others() {
    let loaded = loaded_from("[channels.\"/quotes/*\"]\nlazy = \"500ms\"\n").unwrap();
    let channels = &loaded.configuration.comet.channels;
    assert_eq!((channels.rules[0].1.lazy_ms, channels.default.lazy_ms), (500, 0));
    let again = loaded_from(&printed(&loaded)).unwrap();
    assert_eq!(again.configuration.comet.channels.rules[0].1, channels.rules[0].1);
    assert!(loaded_from("[channels]\nlazy = \"61s\"\n").is_err());
}

#[test]
fn a_channel_says_how_its_messages_come_to_slow_readers() {
    let text = "[channels.\"/ticker/*\"]\nslow = \"conflate\"\nevery = \"200ms\"\ndeliver_choice = false\n\
                [channels]\nbatch = \"1s\"\n";
    let loaded = loaded_from(text).unwrap();
    let channels = &loaded.configuration.comet.channels;
    let (ticker, others) = (&channels.rules[0].1, &channels.default);
    let manner = |slow, every_ms| comet::Deliver { slow, every_ms, batch_ms: 1_000 };
    assert_eq!((ticker.deliver, ticker.deliver_choice), (manner(comet::Slow::Conflate, 200), false));
    assert_eq!((others.deliver, others.deliver_choice), (manner(comet::Slow::Disconnect, 0), true));
    let again = loaded_from(&printed(&loaded)).unwrap();
    assert_eq!(again.configuration.comet.channels.rules[0].1, *ticker);
}

#[test]
fn what_is_wrong_with_a_pattern_s_options_is_said_with_its_line() {
    for (text, words) in [
        ("[channels.\"chat\"]\nmessages = 7\n", "comet.toml:1: \"chat\" is no channel"),
        ("[channels.\"/meta/x\"]\n", "comet.toml:1: \"/meta/x\" is no channel"),
        ("[channels.\"/a\"]\nmessage = 7\n", "comet.toml:2: there is no key message in [channels]"),
        ("[channels.\"/a\"]\nslow = \"x\"\n", "slow has to be \"disconnect\""),
        ("[channels.\"/a\"]\nevery = \"61s\"\n", "comet.toml:2: [channels.\"/a\"] every"),
        ("[channels.\"/a\"]\nmessages = \"x\"\n", "comet.toml:2: [channels.\"/a\"] messages has to be"),
    ] {
        let Faults(faults) = loaded_from(text).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains(words), "{faults:?}");
    }
}

#[test]
fn who_may_is_said_for_all_channels_and_for_those_of_a_pattern() {
    let loaded = loaded_from(
        "[authorize]\nsubscribe = \"everyone\"\n[authorize.\"/prices/**\"]\npublish = [\"subject:desk-*\"]\n",
    )
    .unwrap();
    let said = |loaded: &Loaded| {
        let rules = loaded.configuration.authorize.rules();
        rules.map(|(pattern, rule)| (pattern.to_owned(), rule)).collect::<Vec<_>>()
    };
    let subscribe = comet::Rule::default().grant(comet::Operation::Subscribe, [comet::Whom::Everyone]);
    let desk = comet::Whom::Subject("desk-*".into());
    let publish = comet::Rule::default().grant(comet::Operation::Publish, [desk]);
    assert_eq!(said(&loaded), [("/**".into(), subscribe), ("/prices/**".into(), publish)]);
    assert_eq!(said(&loaded_from(&printed(&loaded)).unwrap()), said(&loaded));
    let Faults(faults) = loaded_from("[authorize.\"/a\"]\npublish = \"alice\"\n").unwrap_err();
    assert!(faults[0].contains("comet.toml:2: [authorize.\"/a\"] publish has \"alice\""), "{faults:?}");
}
