//! Which channel has which options.
//!
//! A table from patterns to options with a default for all other channels; the most specific pattern wins. It is made
//! once from the configuration and shared by all shards; a home asks once for each channel that it counts.

use std::collections::HashMap;

use bayeux::{Channel, Pattern};

use crate::ChannelOptions;

/// The options of every channel. The default table has the default options for all.
#[derive(Clone, Debug)]
pub struct ChannelTable {
    /// The first is for channels that no pattern names.
    options: Vec<ChannelOptions>,
    by_name: HashMap<Box<str>, usize>,
    /// Whether the events of any channel say who has published them.
    identifies: bool,
}

impl ChannelTable {
    /// A table of rules. Of several rules with the same pattern the last one counts.
    pub fn new(
        default: ChannelOptions,
        rules: impl IntoIterator<Item = (Pattern, ChannelOptions)>,
    ) -> ChannelTable {
        let mut table =
            ChannelTable { options: vec![default], by_name: HashMap::new(), identifies: default.identity };
        for (pattern, options) in rules {
            table.by_name.insert(pattern.as_str().into(), table.options.len());
            table.identifies |= options.identity;
            table.options.push(options);
        }
        table
    }

    /// The options of a channel: those of the rule with its very name, else with its `*`, else with the deepest `**`,
    /// else the default.
    pub fn options(&self, channel: &Channel) -> &ChannelOptions {
        self.at(self.index(channel))
    }

    /// Whether the events of a channel say who has published them.
    pub fn identifies(&self, channel: &Channel) -> bool {
        self.identifies && self.options(channel).identity
    }

    /// Where the options of a channel stand in the table: for whoever asks often and keeps the answer.
    pub fn index(&self, channel: &Channel) -> usize {
        let mut found = None;
        if !self.by_name.is_empty() {
            channel.matching_names(|name| found = found.or_else(|| self.by_name.get(name).copied()));
        }
        found.unwrap_or(0)
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
