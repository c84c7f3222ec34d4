//! Where it is told who comes to a channel and who goes.
//!
//! The changes of `/chat/1` are events of its companion, `/presence/chat/1`; only how the two names lead to each other
//! lives here. Which channels have presence is the table's business; homes publish on companions, sessions listen to
//! them.

use bayeux::{Channel, Kind, Pattern};

/// What the name of a companion begins with.
const ROOT: &str = "/presence";

/// The companion of a channel. There is none for a name that leaves no room for the prefix, nor for companions.
pub fn companion_of(channel: &Channel) -> Option<Channel> {
    let name = channel.as_str();
    let fits = channel.kind() == Kind::Broadcast && below_root(name).is_none() && name != ROOT;
    fits.then(|| Channel::parse(&[ROOT, name].concat()).ok()).flatten()
}

/// The channel whose companion this would be.
pub fn attended_of(companion: &Channel) -> Option<Channel> {
    let attended = Channel::parse(below_root(companion.as_str())?).ok()?;
    companion_of(&attended).map(|_| attended)
}

/// The pattern of the channels whose companions this pattern names. One that names other channels as well, such as
/// `/**`, has none.
pub fn attended_pattern(pattern: &Pattern) -> Option<Pattern> {
    let attended = Pattern::parse(below_root(pattern.as_str())?).ok()?;
    (attended.kind() == Kind::Broadcast && below_root(attended.as_str()).is_none()).then_some(attended)
}

fn below_root(name: &str) -> Option<&str> {
    name.strip_prefix(ROOT).filter(|below| below.starts_with('/'))
}
