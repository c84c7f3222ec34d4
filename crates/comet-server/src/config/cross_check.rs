//! Values that are each right and do not fit each other.
//!
//! Bounds of single keys are in `table`; here stands what two keys together make impossible.

use comet::{ChannelOptions, Durability};

use super::Configuration;

/// What publications that come together may bring beside the largest one.
const GROUP_BYTES: usize = 2 << 20;

/// Everything that does not fit.
pub(super) fn check(configuration: &Configuration) -> Vec<String> {
    let comet = &configuration.comet;
    let mut faults = Vec::new();
    if let Some(echo) = &comet.echo_path {
        let below =
            |mount: &String| echo.strip_prefix(mount.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if !comet.mounts.iter().any(below) {
            faults.push(format!("[server] echo_path is {echo:?}, which lies under none of [server] mounts"));
        }
    }
    for (name, path) in [("events_path", &comet.events_path), ("images_path", &comet.images_path)] {
        if let Some(path) = path.as_ref().filter(|path| comet.is_mounted(path)) {
            faults.push(format!("[http] {name} is {path:?}, which lies under one of [server] mounts"));
        }
    }
    if comet.events_path.is_some() && comet.events_path == comet.images_path {
        faults.push("[http] events_path and images_path are the same".into());
    }
    if configuration.internal.is_some_and(|internal| internal.port() != 0 && comet.listen.contains(&internal))
    {
        faults.push(
            "[internal] listen is one of [server] listen; operations need an address of their own".into(),
        );
    }
    if !comet.flash.policy_listen.is_empty() && comet.flash.listen.is_empty() {
        faults
            .push("[flash] policy_listen needs [flash] listen: there is nothing to let anybody in to".into());
    }
    faults.extend(lazy(configuration));
    faults.extend(journal(configuration));
    faults
}

/// What waits for others and what gives way to them are two manners.
fn lazy(configuration: &Configuration) -> Vec<String> {
    let fits = |options: &ChannelOptions| options.lazy_ms == 0 || options.deliver_to(None).is_plain();
    let unfit = sections(configuration).into_iter().filter(|(_, options)| !fits(options));
    unfit.map(|(section, _)| format!("{section} lazy goes with no slow, every or batch")).collect()
}

/// The options for all channels and of each pattern, with the names of their sections.
fn sections(configuration: &Configuration) -> Vec<(String, &ChannelOptions)> {
    let channels = &configuration.comet.channels;
    let rules = channels
        .rules
        .iter()
        .map(|(pattern, options)| (format!("[channels.{:?}]", pattern.as_str()), options));
    std::iter::once(("[channels]".into(), &channels.default)).chain(rules).collect()
}

/// Durable channels need a journal and something that it keeps, and the journal room for what they bring.
fn journal(configuration: &Configuration) -> Vec<String> {
    let mut faults = Vec::new();
    let mut is_durable = false;
    for (section, options) in sections(configuration) {
        if options.durability == Durability::Memory {
            continue;
        }
        is_durable = true;
        let durability = options.durability.name();
        if configuration.journal.is_none() {
            faults.push(format!("{section} durability is {durability:?}, which needs [journal] path"));
        }
        if options.history.is_none() {
            faults.push(format!(
                "{section} durability is {durability:?}, which needs messages, bytes and age above 0"
            ));
        }
    }
    let least = configuration.comet.session.mailbox_bytes.saturating_add(GROUP_BYTES);
    if is_durable && configuration.journal_config.queue.queue_bytes < least {
        faults.push(format!(
            "[journal] queue_bytes has to be 2MiB more than [session] mailbox_bytes, {} MiB at least",
            least.div_ceil(1 << 20)
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_has_to_lie_under_a_mount() {
        let mut configuration = Configuration::default();
        for (path, fits) in
            [("/cometd/echo", true), ("/cometdecho", false), ("/echo", false), ("/cometd", false)]
        {
            configuration.comet.echo_path = Some(path.into());
            assert_eq!(check(&configuration).is_empty(), fits, "{path}");
        }
    }

    #[test]
    fn a_policy_is_for_addresses_that_are_there() {
        let mut configuration = Configuration::default();
        configuration.comet.flash.policy_listen.push(([127, 0, 0, 1], 843).into());
        assert_eq!(check(&configuration).len(), 1);
        configuration.comet.flash.listen.push(([127, 0, 0, 1], 8100).into());
        assert!(check(&configuration).is_empty());
    }

    #[test]
    fn feeds_have_a_path_of_their_own() {
        let mut configuration = Configuration::default();
        for (path, fits) in [("/events", true), ("/cometd", false), ("/cometd/events", false)] {
            configuration.comet.events_path = Some(path.into());
            assert_eq!(check(&configuration).is_empty(), fits, "{path}");
        }
        configuration.comet.events_path = Some("/images".into());
        assert_eq!(check(&configuration), ["[http] events_path and images_path are the same"]);
        configuration.comet.images_path = Some("/cometd/images".into());
        assert_eq!(check(&configuration).len(), 1);
    }

    #[test]
    fn durable_channels_need_a_journal_and_a_history() {
        let mut configuration = Configuration::default();
        configuration.journal_config.queue.queue_bytes = 1 << 20;
        assert!(check(&configuration).is_empty(), "a journal that nobody uses needs no room");
        configuration.comet.channels.default.durability = Durability::Stored;
        let mut rule = configuration.comet.channels.default;
        rule.history.messages = 0;
        configuration.comet.channels.rules.push((comet::Pattern::parse("/a/*").unwrap(), rule));
        let faults = check(&configuration);
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert_eq!(faults[0], "[channels] durability is \"stored\", which needs [journal] path");
        assert_eq!(
            faults[2],
            "[channels.\"/a/*\"] durability is \"stored\", which needs messages, bytes and age above 0"
        );
        assert!(faults[3].contains("queue_bytes"), "{faults:?}");
        configuration.journal = Some("journal".into());
        configuration.journal_config = comet_journal::Config::default();
        configuration.comet.channels.rules.clear();
        assert!(check(&configuration).is_empty());
    }

    #[test]
    fn a_lazy_channel_has_no_other_manner() {
        let mut configuration = Configuration::default();
        configuration.comet.channels.default.lazy_ms = 500;
        assert!(check(&configuration).is_empty());
        let mut rule = configuration.comet.channels.default;
        rule.deliver.batch_ms = 100;
        configuration.comet.channels.rules.push((comet::Pattern::parse("/a/*").unwrap(), rule));
        assert_eq!(check(&configuration), ["[channels.\"/a/*\"] lazy goes with no slow, every or batch"]);
        configuration.comet.channels.rules[0].1.lazy_ms = 0;
        assert!(check(&configuration).is_empty());
    }

    #[test]
    fn operations_do_not_share_a_public_address() {
        let mut configuration =
            Configuration { internal: Some(([127, 0, 0, 1], 8000).into()), ..Configuration::default() };
        assert_eq!(check(&configuration).len(), 1);
        configuration.internal = None;
        assert!(check(&configuration).is_empty());
    }
}
