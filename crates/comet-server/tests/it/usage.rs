//! The command line itself: help, and wrong usage.

use crate::process::run;

#[test]
fn wrong_usage_ends_with_2() {
    let wrong: [&[&str]; 14] = [
        &[],
        &["sreve"],
        &["serve", "--lisen", "127.0.0.1:0"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--log-format", "xml"],
        &["publish", "/a"],
        &["publish", "/a", "text without quotes"],
        &["publish", "/a/*", "1"],
        &["publish", "/a", "1", "--server", "https://shop.example"],
        &["subscribe"],
        &["subscribe", "/a", "--count", "0"],
        &["doctor", "https://shop.example"],
        &["doctor", "--idle", "30"],
        &["doctor", "--channel", "/doctor/*"],
    ];
    for arguments in wrong {
        let ended = run(arguments);
        assert_eq!((ended.status, ended.out.as_str()), (2, ""), "{arguments:?} {ended:?}");
        assert!(!ended.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn every_verb_has_help_with_examples() {
    let verbs: [&[&str]; 9] = [
        &["serve"],
        &["demo"],
        &["publish"],
        &["subscribe"],
        &["doctor"],
        &["config"],
        &["config", "check"],
        &["config", "print"],
        &["config", "env"],
    ];
    for verb in verbs {
        let ended = run(&[verb, &["--help"]].concat());
        assert_eq!(ended.status, 0, "{ended:?}");
        let example = format!("comet {}", verb.join(" "));
        assert!(ended.out.contains("Examples:") && ended.out.contains(&example), "{}", ended.out);
    }
    let all = run(&["--help"]);
    assert!(all.out.contains("Exit status"), "{}", all.out);
    assert!(run(&["--version"]).out.starts_with("comet "));
}
