//! Which channel has which options.
//!
//! A table from patterns to options with a default for all other channels; the most specific pattern wins. It is made
//! once from the configuration and shared by all shards; a home asks once for each channel that it counts.

use std::collections::HashMap;

use bayeux::{Channel, Pattern};

use crate::{ChannelOptions, Durability, attended_of, attended_pattern, companion_of};

/// The options of every channel. The default table has the default options for all.
#[derive(Clone, Debug)]
pub struct ChannelTable {
    /// The first is for channels that no pattern names.
    options: Vec<ChannelOptions>,
    by_name: HashMap<Pattern, usize>,
    /// Whether the events of any channel say who has published them.
    identifies: bool,
    /// Whether any channel has presence.
    attends: bool,
    /// Whether any channel gives its newest message to whoever subscribes.
    caches: bool,
}

impl ChannelTable {
    /// A table of rules. Of several rules with the same pattern the last one counts.
    pub fn new(
        default: ChannelOptions,
        rules: impl IntoIterator<Item = (Pattern, ChannelOptions)>,
    ) -> ChannelTable {
        let mut table = ChannelTable {
            options: vec![default],
            by_name: HashMap::new(),
            identifies: default.identity,
            attends: default.presence,
            caches: default.history.newest,
        };
        for (pattern, options) in rules {
            table.by_name.insert(pattern, table.options.len());
            table.identifies |= options.identity;
            table.attends |= options.presence;
            table.caches |= options.history.newest;
            table.options.push(options);
        }
        table
    }

    /// The options of a channel: those of the rule with its very name, else with its `*`, else with the deepest `**`,
    /// else the default.
    pub fn options(&self, channel: &Channel) -> &ChannelOptions {
        self.at(self.index(channel))
    }

    /// The options that channels of a subscription have, as far as no rule names them more closely.
    pub fn options_of_name(&self, name: &str) -> &ChannelOptions {
        if let Ok(channel) = Channel::parse(name) {
            return self.options(&channel);
        }
        let mut name = name.to_owned();
        loop {
            if let Some(at) = self.by_name.get(name.as_str()) {
                return self.at(*at);
            }
            let parent = name.trim_end_matches('*');
            let deep = name.len() - parent.len() == 2;
            let parent = parent.trim_end_matches('/');
            name = match (deep, parent.rfind('/')) {
                (false, _) => format!("{parent}/**"),
                (true, Some(slash)) => format!("{}/**", &parent[..slash]),
                (true, None) => return self.at(0),
            };
        }
    }

    /// Whether messages of some channel come in another manner than the plain one.
    pub fn paces(&self) -> bool {
        self.options.iter().any(|options| !options.is_plain())
    }

    /// Whether the events of a channel say who has published them.
    pub fn identifies(&self, channel: &Channel) -> bool {
        self.identifies && self.options(channel).identity
    }

    /// Whether who subscribes to a channel gets its newest message.
    pub fn caches(&self, channel: &Channel) -> bool {
        self.caches && self.options(channel).history.newest
    }

    /// Whether any channel has presence.
    pub fn has_presence(&self) -> bool {
        self.attends
    }

    /// The companion of a channel that has presence.
    pub fn companion(&self, channel: &Channel) -> Option<Channel> {
        let attends = self.attends && self.options(channel).presence;
        attends.then(|| companion_of(channel)).flatten()
    }

    /// Whether it is the companion of a channel that has presence: nobody publishes there but its home.
    pub fn is_companion(&self, channel: &Channel) -> bool {
        self.attends && attended_of(channel).is_some_and(|attended| self.options(&attended).presence)
    }

    /// Whoever wants to listen to these has to be let in to those, where they differ: who may listen to a channel
    /// may also know who else does. Of a pattern of companions, which may match other channels too, both are asked.
    pub fn asked_for(&self, patterns: &[Pattern]) -> Option<Vec<Pattern>> {
        let attended = |pattern: &Pattern| attended_pattern(pattern).filter(|_| self.attends);
        if !patterns.iter().any(|pattern| attended(pattern).is_some()) {
            return None;
        }
        let mut asked = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let is_companion = Channel::parse(pattern.as_str()).map(|channel| self.is_companion(&channel));
            let attended = attended(pattern).filter(|_| is_companion != Ok(false));
            if attended.is_none() || is_companion.is_err() {
                asked.push(pattern.clone());
            }
            asked.extend(attended);
        }
        Some(asked)
    }

    /// Where the options of a channel stand in the table: for whoever asks often and keeps the answer.
    pub fn index(&self, channel: &Channel) -> usize {
        let mut found = None;
        if !self.by_name.is_empty() {
            channel.matching_names(|name| found = found.or_else(|| self.by_name.get(name).copied()));
        }
        found.unwrap_or(0)
    }

    /// How safe the messages of a channel are. Who is present is in memory, and so is what companions tell of it.
    pub fn durability(&self, channel: &Channel) -> Durability {
        if self.is_companion(channel) { Durability::Memory } else { self.options(channel).durability }
    }

    /// Whether all channels of a pattern are durable, those included that nobody has named yet.
    pub fn is_durable(&self, pattern: &Pattern) -> bool {
        let is_durable = |index: usize| self.at(index).durability > Durability::Memory;
        let companions = Pattern::parse("/presence/**").expect("it is a pattern");
        if self.attends && companions.overlaps(pattern) {
            return false;
        }
        // Of the rules that cover the pattern the narrowest counts, of those within it each.
        let mut narrowest: Option<(&Pattern, usize)> = None;
        for (rule, &index) in self.by_name.iter().filter(|(rule, _)| rule.overlaps(pattern)) {
            if !rule.covers(pattern) {
                if !is_durable(index) {
                    return false;
                }
            } else if narrowest.is_none_or(|(narrowest, _)| narrowest.covers(rule)) {
                narrowest = Some((rule, index));
            }
        }
        is_durable(narrowest.map_or(0, |(_, index)| index))
    }

    /// A number that tells which channels are durable: tables in which others are have another one.
    pub fn durable_digest(&self) -> u64 {
        let durable = |index: usize| u8::from(self.at(index).durability > Durability::Memory);
        let mut names: Vec<(&str, u8)> =
            self.by_name.iter().map(|(pattern, index)| (pattern.as_str(), durable(*index))).collect();
        names.sort_unstable();
        // FNV-1a, which no version may change: the number is kept in journals.
        let bytes = names.iter().flat_map(|(name, durable)| name.bytes().chain([0, *durable]));
        bytes.chain([durable(0), u8::from(self.attends)]).fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// The options at an index that [`ChannelTable::index`] has given.
    pub fn at(&self, index: usize) -> &ChannelOptions {
        self.options.get(index).unwrap_or(&self.options[0])
    }
}

impl Default for ChannelTable {
    fn default() -> ChannelTable {
        ChannelTable::new(ChannelOptions::default(), [])
    }
}
