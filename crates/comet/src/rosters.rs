//! Who is on a channel, for the server's own code.
//!
//! [`Rosters`] asks the home of a channel and gives out pages; who is there is the engine's to know, and the changes are
//! events of the channel's companion, to which clients listen.

use bayeux::{Channel, Code, NameError};
use comet_engine::{Cursor, Handle, RosterPage};

/// Lists who is on channels with presence. Cheap to clone.
#[derive(Clone)]
pub struct Rosters {
    handle: Handle,
}

/// Why nobody can be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterError {
    /// The name is no channel.
    #[error("{0:?} is not a channel: {1}")]
    Name(String, NameError),
    /// The channel has no presence.
    #[error("{0} has no presence")]
    Absent(String),
    /// The server could not answer.
    #[error("the server refuses: {}", .0.name())]
    Refused(Code),
}

impl Rosters {
    pub(crate) fn new(handle: Handle) -> Rosters {
        Rosters { handle }
    }

    /// How many are on a channel, and at most `members` of them, from where the page before ended; with 0 the counts
    /// alone.
    ///
    /// # Errors
    /// [`RosterError`] says why nobody can be listed.
    pub async fn page(
        &self,
        channel: &str,
        after: Option<Cursor>,
        members: usize,
    ) -> Result<RosterPage, RosterError> {
        let parsed = Channel::parse(channel).map_err(|error| RosterError::Name(channel.into(), error))?;
        let page = self.handle.presence(&parsed, after, members).await.map_err(RosterError::Refused)?;
        page.ok_or_else(|| RosterError::Absent(channel.into()))
    }
}
