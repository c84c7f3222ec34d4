//! What somebody outside the shards asks of the past of a channel, and what is answered.
//!
//! A question travels to the home of the channel as a letter and is answered with a page; what is remembered is
//! `comet-bus`'s. Sessions ask otherwise, by subscribing: see `recovery`.

use std::sync::Arc;

use bayeux::Channel;
use comet_bus::{Paged, Position, Publication, RecoveryLimits, Since};
use tokio::sync::oneshot;

/// The most messages of a page.
const PAGE_MESSAGES: usize = 1_000;
/// The most memory of the messages of a page that has more than one, in bytes.
const PAGE_BYTES: usize = 1 << 20;

/// To a home: what was there?
pub(crate) struct PastQuestion {
    pub(crate) channel: Channel,
    pub(crate) since: Since,
    /// Messages at most; 0 for the position alone.
    pub(crate) messages: usize,
    pub(crate) asker: oneshot::Sender<HistoryPage>,
}

impl PastQuestion {
    /// How much the answer may bring.
    pub(crate) fn limits(&self) -> RecoveryLimits {
        RecoveryLimits { messages: self.messages.min(PAGE_MESSAGES), bytes: PAGE_BYTES }
    }
}

/// A page of what a channel remembers.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// Whether nothing is missing but what has expired. If not, nothing old is brought.
    pub recovered: bool,
    /// The messages, oldest first, each shared.
    pub publications: Vec<Arc<Publication>>,
    /// Where the channel stands.
    pub head: Position,
    /// Whether others follow.
    pub more: bool,
}

impl HistoryPage {
    pub(crate) fn of(paged: Paged, head: Position, limits: RecoveryLimits) -> HistoryPage {
        match paged {
            Paged::Messages { mut publications, mut more } => {
                more |= publications.len() > limits.messages;
                publications.truncate(limits.messages);
                HistoryPage { recovered: true, publications, head, more }
            }
            Paged::Gap { head } => {
                HistoryPage { recovered: false, publications: Vec::new(), head, more: false }
            }
        }
    }

    /// The page as JSON: `{"channel":..,"recovered":..,"position":{..},"messages":[..],"next":{..}}`, each message as
    /// its subscribers got it, with the `time` at which it was numbered, in unix milliseconds; without `next` when
    /// nothing follows.
    pub fn to_json(&self, channel: &Channel) -> String {
        let HistoryPage { recovered, publications, head, more } = self;
        let bytes = publications.iter().map(|publication| publication.event.len() + 32).sum::<usize>();
        let mut out = Vec::with_capacity(256 + bytes);
        // The grammar of names has no character that JSON escapes.
        let name = channel.as_str();
        out.extend_from_slice(
            format!("{{\"channel\":\"{name}\",\"recovered\":{recovered},\"position\":").as_bytes(),
        );
        head.write_json(&mut out);
        out.extend_from_slice(b",\"messages\":[");
        for (index, publication) in publications.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let open = publication.event.strip_suffix(b"}").unwrap_or(&publication.event);
            out.extend_from_slice(open);
            out.extend_from_slice(format!(",\"time\":{}}}", publication.at_ms).as_bytes());
        }
        out.push(b']');
        if let Some(last) = publications.last().filter(|_| *more) {
            out.extend_from_slice(b",\"next\":");
            last.position.write_json(&mut out);
        }
        out.push(b'}');
        String::from_utf8(out).expect("JSON made of texts is a text")
    }
}
