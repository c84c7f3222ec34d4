//! Who is on a channel, for the server's own code.
//!
//! [`Rosters`] asks the home of a channel and gives out pages; who is there is the engine's to know, and the changes are
//! events of the channel's companion, to which clients listen.

use bayeux::{Channel, Code, NameError};
use comet_engine::{Cursor, Handle, RosterPage};

/// Lists who is on channels with presence. Cheap to clone. See [`Comet::rosters`](crate::Comet::rosters).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use comet::{Comet, Config, Identity};
///
/// let mut config = Config { listen: vec![([127, 0, 0, 1], 0).into()], ..Config::default() };
/// config.channels.default.presence = true;
/// let comet = Comet::builder().config(config).build()?;
/// let alice = Identity { subject: "alice".into(), ..Identity::default() };
/// let (session, _events) = comet.session(alice).await?;
/// session.subscribe("/chat/lobby").await?;
///
/// let page = comet.rosters().page("/chat/lobby", None, 100).await?;
/// assert_eq!((page.count.users, page.page.members[0].user()), (1, Some("alice")));
/// comet.drain().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
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
