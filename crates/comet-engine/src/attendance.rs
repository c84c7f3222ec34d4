//! What shards say to each other about who is on which channel, and what is answered to whoever asks.
//!
//! Arrivals and departures travel to the home of a channel's companion as letters, questions come from sessions and from
//! outside. Who is there is kept by `comet-bus`; what a shard does with it is in `shard/presence`.

use bayeux::{Channel, Code, Error, Pattern};
use comet_bus::{Count, Cursor, Member, Page, Position, PresenceFull};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::host::Responder;
use crate::key::{ExchangeKey, SessionKey};

/// The service that lists who is on a channel.
pub(crate) const SERVICE: &str = "/service/presence";
/// Members of a page of which nothing else was said.
const PAGE_MEMBERS: usize = 100;

/// To a home: a session of `shard` comes to a channel.
pub(crate) struct Arrival {
    pub(crate) shard: usize,
    pub(crate) exchange: ExchangeKey,
    pub(crate) reply: usize,
    pub(crate) session: SessionKey,
    pub(crate) channel: Channel,
    pub(crate) member: Member,
}

/// From a home, or from the subscription that was first: whether it could come.
pub(crate) struct Arrived {
    pub(crate) exchange: ExchangeKey,
    pub(crate) reply: usize,
    pub(crate) session: SessionKey,
    pub(crate) outcome: Result<(), PresenceFull>,
}

/// A subscription of a session that waits until the session has come. What else is subscribed to of its names meanwhile
/// holds only if this does.
pub(crate) struct Coming {
    pub(crate) exchange: ExchangeKey,
    pub(crate) reply: usize,
    /// What the session did not listen to before.
    pub(crate) added: Vec<Pattern>,
    /// Others that wait for the same, by the places of their replies.
    pub(crate) followers: Vec<(ExchangeKey, usize)>,
}

/// To a home: the session of this number has left.
pub(crate) struct Departure {
    pub(crate) session: u64,
    pub(crate) channel: Channel,
}

/// To a home: who is there?
pub(crate) struct RosterQuestion {
    pub(crate) channel: Channel,
    pub(crate) after: Option<Cursor>,
    /// Members at most; 0 for the counts alone.
    pub(crate) members: usize,
    pub(crate) asker: Asker,
}

/// Who wants to know.
pub(crate) enum Asker {
    /// A session, which gets to know what those know who follow the changes.
    Session(Responder),
    /// Somebody outside the shards, who gets to know everyone.
    Caller(oneshot::Sender<RosterPage>),
}

/// A page of the list of who is on a channel.
#[derive(Clone, Debug)]
pub struct RosterPage {
    /// How many are there in all.
    pub count: Count,
    /// The members of this page, those who came first first, and where the next begins.
    pub page: Page,
    /// Where the channel stands on which the changes are told.
    pub position: Position,
}

impl RosterPage {
    /// The page as JSON: `{"channel":..,"users":n,"sessions":n,"position":{..},"members":[..],"next":..}`, without
    /// `next` when it is the last.
    pub fn to_json(&self, channel: &Channel) -> String {
        let RosterPage { count: Count { users, sessions }, page, position } = self;
        let mut out = Vec::with_capacity(256 + page.members.len() * 64);
        // The grammar of names has no character that JSON escapes.
        let head = format!(
            "{{\"channel\":\"{}\",\"users\":{users},\"sessions\":{sessions},\"position\":",
            channel.as_str()
        );
        out.extend_from_slice(head.as_bytes());
        position.write_json(&mut out);
        out.extend_from_slice(b",\"members\":[");
        for (index, member) in page.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            member.write_json(&mut out);
        }
        out.push(b']');
        if let Some(next) = page.next {
            out.extend_from_slice(format!(",\"next\":\"{next}\"").as_bytes());
        }
        out.push(b'}');
        String::from_utf8(out).expect("JSON made of texts is a text")
    }
}

/// What a call of the service asks.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) channel: Channel,
    pub(crate) after: Option<Cursor>,
    pub(crate) members: usize,
}

impl Asked {
    /// Reads `{"channel":..,"after":..,"limit":..}`, of which only the channel has to be there.
    pub(crate) fn parse(data: &RawValue) -> Result<Asked, Error> {
        #[derive(Deserialize)]
        struct Fields {
            channel: String,
            after: Option<String>,
            limit: Option<usize>,
        }
        let invalid = |reason: &str| Error::new(Code::MessageInvalid, reason);
        let fields: Fields = serde_json::from_str(data.get())
            .map_err(|_| invalid("data has to be {\"channel\":…,\"limit\":…,\"after\":…}"))?;
        let channel = Channel::parse(&fields.channel)
            .map_err(|error| Error::new(Code::ChannelInvalid, &error.to_string()))?;
        let after = match fields.after {
            Some(text) => Some(Cursor::parse(&text).ok_or_else(|| invalid("after is no next of a page"))?),
            None => None,
        };
        Ok(Asked { channel, after, members: fields.limit.unwrap_or(PAGE_MEMBERS) })
    }
}

/// The member as which a session shows itself. Info that is not JSON is left out.
pub(crate) fn member(public_id: &str, subject: &str, info: &str) -> Member {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(info).is_ok();
    let info = is_json.then_some(info).map(str::trim);
    // Outside texts JSON has no other line breaks, and inside of them none.
    let flat = info.filter(|info| info.contains(['\n', '\r'])).map(|info| info.replace(['\n', '\r'], " "));
    Member::new(public_id, Some(subject), flat.as_deref().or(info))
}

/// The code of a refusal, with its reason.
pub(crate) fn refusal(full: PresenceFull) -> Error {
    let code = match full {
        PresenceFull::Info => Code::DataTooLarge,
        PresenceFull::Channel | PresenceFull::Members | PresenceFull::Channels => Code::PresenceFull,
    };
    Error::new(code, &full.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_is_one_line_of_json_or_nothing() {
        let info = |text| member("id", "", text).info().map(str::to_owned);
        assert_eq!(info("{\n \"a\":\r\n 1 }\n").as_deref(), Some("{  \"a\":   1 }"));
        assert_eq!(info("7").as_deref(), Some("7"));
        for text in ["", " ", "{", "hello", "1 2"] {
            assert_eq!(info(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_question_names_a_channel_and_perhaps_how_much_and_from_where() {
        let parse = |text: &str| Asked::parse(&RawValue::from_string(text.into()).unwrap());
        let asked = parse(r#"{"channel":"/a"}"#).unwrap();
        assert_eq!((asked.channel.as_str(), asked.after, asked.members), ("/a", None, 100));
        let asked = parse(r#"{"channel":"/a","after":"1f-20","limit":0}"#).unwrap();
        assert_eq!(
            (asked.after.map(|after| after.to_string()).as_deref(), asked.members),
            (Some("1f-20"), 0)
        );
        let code = |text: &str| parse(text).unwrap_err().code;
        for text in ["1", "{}", r#"{"channel":"/a","limit":-1}"#, r#"{"channel":"/a","after":"x"}"#] {
            assert_eq!(code(text), Code::MessageInvalid, "{text}");
        }
        assert_eq!(code(r#"{"channel":"/a/*"}"#), Code::ChannelInvalid);
    }
}
