//! What channels remember, for the server's own code.
//!
//! [`Histories`] asks the home of a channel and gives out pages of messages; what is remembered, and how long, is the
//! engine's to know. Whoever wants to go on listening subscribes with a session instead.

use bayeux::{Channel, Code, Kind, NameError};
use comet_engine::{Handle, Position};

use crate::Since;
use crate::event::Message;

/// Reads what channels remember. Cheap to clone. See [`Comet::histories`](crate::Comet::histories).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// use comet::{Comet, Since};
///
/// let comet = Comet::builder().listen(([127, 0, 0, 1], 0)).build()?;
/// for n in 1..=3 {
///     comet.publisher().publish("/orders/981", &n).await?;
/// }
/// let page = comet.histories().page("/orders/981", Since::Last(2), 100).await?;
/// let numbers: Vec<u32> = page.messages.iter().flat_map(|one| one.message.data()).collect();
/// assert_eq!((numbers, page.next), (vec![2, 3], None));
/// comet.drain().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Histories {
    handle: Handle,
}

/// A page of what a channel remembers.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Whether nothing is missing but what has expired. If not, there is nothing older than the head here.
    pub recovered: bool,
    /// The messages, oldest first.
    pub messages: Vec<Remembered>,
    /// Where the channel stands.
    pub head: Position,
    /// From where to ask for the next page, if there is one.
    pub next: Option<Position>,
}

/// A message that a channel remembers.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The message, as its subscribers got it.
    pub message: Message,
    /// When it was published, in unix milliseconds; of a durable one, after a start, perhaps a moment earlier.
    pub time_ms: u64,
}

/// Why nothing can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The name is no channel one can publish on.
    #[error("{0:?} is not a channel: {1}")]
    Name(String, NameError),
    /// The server could not answer.
    #[error("the server refuses: {}", .0.name())]
    Refused(Code),
}

impl Histories {
    pub(crate) fn new(handle: Handle) -> Histories {
        Histories { handle }
    }

    /// What a channel remembers since then, from the oldest on: at most `messages` messages, and never more than 1,000 or
    /// 1 MiB, but for one that is larger; 0 asks for the head alone.
    ///
    /// # Errors
    /// [`HistoryError`] says why nothing can be read.
    pub async fn page(
        &self,
        channel: &str,
        since: Since,
        messages: usize,
    ) -> Result<HistoryPage, HistoryError> {
        let (_, page) = self.answer(channel, since, messages).await?;
        let last = page.publications.last().filter(|_| page.more);
        let remembered = page.publications.iter().filter_map(|publication| {
            let message = Message::read(&publication.event, Some(publication.position))?;
            Some(Remembered { message, time_ms: publication.at_ms })
        });
        Ok(HistoryPage {
            recovered: page.recovered,
            messages: remembered.collect(),
            head: page.head,
            next: last.map(|publication| publication.position),
        })
    }

    pub(crate) async fn answer(
        &self,
        name: &str,
        since: Since,
        messages: usize,
    ) -> Result<(Channel, comet_engine::HistoryPage), HistoryError> {
        let wrong = |error| HistoryError::Name(name.into(), error);
        let channel = Channel::parse(name).map_err(wrong)?;
        if channel.kind() != Kind::Broadcast {
            return Err(wrong(NameError::Reserved));
        }
        let since = since.of(&channel);
        let page = self.handle.history(&channel, since, messages).await.map_err(HistoryError::Refused)?;
        Ok((channel, page))
    }
}
