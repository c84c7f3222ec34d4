//! `comet config`: what holds, and where it came from.

use crate::process::{comet, ended, run};

#[test]
fn each_source_wins_over_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |environment: &[(&str, &str)], flags: &[&str]| {
        let arguments = [&["config", "print"], flags].concat();
        let ended = ended(comet(folder.path(), &arguments).envs(environment.iter().copied()));
        assert_eq!(ended.status, 0, "{ended:?}");
        let line = ended.out.lines().find(|line| line.starts_with("listen = [")).unwrap().to_owned();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(&[], &[]), "listen = [\"127.0.0.1:8000\"] # default");
    std::fs::write(folder.path().join("comet.toml"), "[server]\nlisten = \"127.0.0.1:1\"\n").unwrap();
    assert_eq!(shown(&[], &[]), "listen = [\"127.0.0.1:1\"] # comet.toml:2");
    std::fs::write(folder.path().join("own.toml"), "\n\n[server]\nlisten = [\"127.0.0.1:2\"]\n").unwrap();
    assert_eq!(shown(&[], &["--config", "own.toml"]), "listen = [\"127.0.0.1:2\"] # own.toml:4");
    let environment = [("COMET_SERVER_LISTEN", "127.0.0.1:3,[::1]:3")];
    assert_eq!(shown(&environment, &[]), "listen = [\"127.0.0.1:3\", \"[::1]:3\"] # COMET_SERVER_LISTEN");
    assert_eq!(shown(&environment, &["--listen", "127.0.0.1:4"]), "listen = [\"127.0.0.1:4\"] # --listen");
}

#[test]
fn a_check_says_what_a_start_would() {
    let good = run(&["config", "check"]);
    assert_eq!((good.status, good.out.as_str()), (0, "the configuration can be used\n"), "{good:?}");
    let open = run(&["config", "check", "--listen", "0.0.0.0:80"]);
    assert_eq!(open.status, 78, "{open:?}");
    assert_eq!(run(&["config", "check", "--listen", "0.0.0.0:80", "--danger-open"]).status, 0);
    let missing = run(&["config", "check", "--config", "no.toml"]);
    assert_eq!(missing.status, 78, "{missing:?}");
    assert!(missing.err.contains("no.toml"), "{missing:?}");
}

#[test]
fn an_empty_variable_never_opens_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let file = "[api]\nkeys = [\"0123456789abcdef\"]\n";
    for (file, empty) in [(file, ""), (file, " "), ("", "")] {
        std::fs::write(folder.path().join("comet.toml"), file).unwrap();
        for verb in [&["config", "check"][..], &["serve"]] {
            let refused = ended(comet(folder.path(), verb).env("COMET_API_KEYS", empty));
            assert_eq!(refused.status, 78, "{verb:?} {refused:?}");
            assert!(refused.err.contains("COMET_API_KEYS: [api] keys is empty"), "{refused:?}");
        }
    }
}

#[test]
fn a_strange_name_of_the_environment_is_told_and_no_reason_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let checked = ended(comet(folder.path(), &["config", "check"]).env("COMET_SERVER_SHARD", "2"));
    assert_eq!(checked.status, 0, "{checked:?}");
    assert!(checked.err.contains("did you mean COMET_SERVER_SHARDS?"), "{checked:?}");
}

#[test]
fn every_name_of_the_environment_is_listed_and_taken() {
    let listed = run(&["config", "env"]);
    let names: Vec<&str> = listed.out.lines().filter(|line| line.starts_with("COMET_")).collect();
    assert!(names.len() > 50, "{names:?}");
    assert!(names.contains(&"COMET_LIMITS_CONNECTIONS_PER_ADDRESS"), "{names:?}");
    let folder = tempfile::tempdir().unwrap();
    for name in ["COMET_SESSION_MULTI_SESSION_INTERVAL", "COMET_SESSION_POLL_INTERVAL"] {
        assert!(names.contains(&name));
        let zero = ended(comet(folder.path(), &["config", "check"]).env(name, "0s"));
        assert_eq!(zero.status, 78, "{zero:?}");
    }
}

#[test]
fn what_is_printed_can_be_used_as_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let first = ended(&mut comet(folder.path(), &["config", "print"])).out;
    std::fs::write(folder.path().join("comet.toml"), &first).unwrap();
    let second = ended(&mut comet(folder.path(), &["config", "print"]));
    let values = |text: &str| {
        text.lines().map(|line| line.split(" # ").next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&second.out), values(&first));
    assert!(second.out.contains("# comet.toml:"), "{second:?}");
}

#[test]
fn the_sample_explains_every_key_and_sets_none() {
    let sample = run(&["config", "sample"]).out;
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/comet.toml");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert_eq!(kept, sample, "docs/comet.toml is what `comet config sample` prints");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("comet.toml");
    let printed = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let printed = ended(&mut comet(folder.path(), &["config", "print"]));
        assert_eq!(printed.status, 0, "{printed:?}");
        printed.out
    };
    let untouched = printed("");
    assert_eq!(printed(&sample), untouched);
    // Every key is there with its default: with all signs off the file says what holds anyway, and its two examples.
    let is_key = |line: &&str| line.starts_with('#') && line.contains(" = ") && !line.starts_with("# ");
    let mut section = "";
    let mut keys = String::new();
    for line in sample.lines() {
        if let Some(name) = line.strip_prefix("#[").or(line.strip_prefix('[')) {
            section = name;
        }
        match line {
            _ if line.starts_with('[') => keys += &format!("{line}\n"),
            _ if is_key(&line) && !section.contains('"') && line != "#keys = []" => {
                keys += &format!("{}\n", &line[1..]);
            }
            _ => {}
        }
    }
    let said = printed(&keys);
    let values = |text: &str| {
        text.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&said), values(&untouched));
    assert_eq!(
        said.matches("# default").count(),
        1,
        "every key but that of secrets comes from the file: {said}"
    );
}
