//! What a page asks of a feed, and how far it has come.
//!
//! A feed is a stream of plain server-sent events for a page that has no client of ours. Its request is read here, and the
//! mark that each event carries is kept up; what a mark looks like is `comet-wire`'s, and when a feed begins and ends is
//! decided in `shard/feed.rs`.

use std::collections::HashMap;
use std::fmt::Write;

use bayeux::{Channel, Code, Kind, NameError, Pattern, meta};
use comet_bus::{Position, Publication};
use comet_wire::feed::{self, MOST_MARK_BYTES, MOST_PLACES, Mark, Place};
use comet_wire::form;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::stream::Form;

/// The longest span of `since`.
const MOST_SPAN_MS: u64 = 366 * 24 * 3_600_000;
/// A place is forgotten when everything has been sent that is so much younger: over the restart of a server a time reaches
/// further back than it says.
const SETTLED_MS: u64 = 11_000;
/// What a time adds to a mark.
const TIME_BYTES: usize = 21;

/// What image elements ask for: the newest picture there is, and when they are slow again the newest.
const IMAGES_EXT: &str = r#"{"since":{"last":1},"deliver":{"slow":"conflate"}}"#;

/// A feed that was asked for.
pub(crate) struct Feed {
    /// What it listens to.
    pub(crate) names: Vec<Pattern>,
    /// Where it has come.
    pub(crate) trail: Trail,
    /// All its events are of one channel, so that their marks are the same for everyone.
    pub(crate) of_one_channel: bool,
    /// It shows pictures to an image element; whether it has shown one.
    pub(crate) shown: Option<bool>,
    /// What the subscribe asks of the past, as its `ext`.
    pub(crate) ext: Option<Box<RawValue>>,
}

impl Feed {
    /// Reads a request: the channels and the time or mark of the query, unless a browser that has lost its feed names a
    /// mark of its own. A feed that asks for nothing of the past begins at `begin_ms`.
    ///
    /// # Errors
    /// The code of the refusal.
    pub(crate) fn read(query: &str, last: Option<&[u8]>, now_ms: u64, begin_ms: u64) -> Result<Feed, Code> {
        let names = names(query)?;
        let of_one_channel = matches!(&*names, [only] if !only.is_wildcard());
        let since = form::query_value(query, "since").map_err(|_| Code::RequestInvalid)?;
        let last =
            last.filter(|last| !last.is_empty()).map(|last| Mark::parse(last).ok_or(Code::RequestInvalid));
        let mark = match (last.transpose()?, &since) {
            (Some(mark), _) => Some(mark),
            (None, Some(since)) => {
                let ago = |span_ms| Mark { time_ms: Some(now_ms.saturating_sub(span_ms)), ..Mark::default() };
                let mark = span_ms(since).map(ago).or_else(|| Mark::parse(since.as_bytes()));
                Some(mark.ok_or(Code::RequestInvalid)?)
            }
            (None, None) => None,
        };
        let asks = mark.is_some();
        let trail = Trail::of(mark.unwrap_or_default(), &names, (now_ms, begin_ms))?;
        let ext = asks.then(|| trail.since(of_one_channel));
        Ok(Feed { names, trail, of_one_channel, shown: None, ext })
    }

    /// Reads a request of an image element: the one channel whose pictures it shows, from the newest on.
    ///
    /// # Errors
    /// The code of the refusal.
    pub(crate) fn read_images(query: &str) -> Result<Feed, Code> {
        let names = names(query)?;
        match &*names {
            [only] if only.is_wildcard() => return Err(Code::ChannelInvalid),
            [_] => {}
            _ => return Err(Code::RequestInvalid),
        }
        let trail = Trail::of(Mark::default(), &names, (0, 0))?;
        let ext = RawValue::from_string(IMAGES_EXT.into()).expect("a constant that is JSON");
        Ok(Feed { names, trail, of_one_channel: true, shown: Some(false), ext: Some(ext) })
    }

    /// The form of its stream.
    pub(crate) fn form(&self) -> Form {
        if self.shown.is_some() { Form::Images } else { Form::Feed }
    }

    /// Where an event stands that was queued for the feed.
    pub(crate) fn on_publication(&mut self, publication: &Publication) {
        if !self.of_one_channel {
            self.trail.on_position(&publication.channel, publication.position, publication.at_ms);
        }
    }

    /// The mark behind everything so far.
    pub(crate) fn mark(&self) -> Vec<u8> {
        let mut mark = Vec::new();
        self.trail.write(self.of_one_channel, &mut mark);
        mark
    }
}

/// The names a query asks for, each once.
fn names(query: &str) -> Result<Vec<Pattern>, Code> {
    let texts = form::query_values(query, "channel").map_err(|error| match error {
        form::FormError::TooMany => Code::SubscriptionsTooMany,
        form::FormError::Escape | form::FormError::Repeated => Code::RequestInvalid,
    })?;
    let mut names: Vec<Pattern> = Vec::with_capacity(texts.len());
    for text in texts {
        let name = Pattern::parse(&text).map_err(|error| match error {
            NameError::Reserved => Code::SubscribeDenied,
            NameError::MisplacedWildcard => Code::ChannelInvalid,
            _ => Code::SubscriptionInvalid,
        })?;
        match name.kind() {
            Kind::Meta | Kind::Service => return Err(Code::SubscribeDenied),
            Kind::Broadcast if names.contains(&name) => {}
            Kind::Broadcast => names.push(name),
        }
    }
    if names.is_empty() { Err(Code::SubscriptionMissing) } else { Ok(names) }
}

/// Reads a span such as `10m`.
fn span_ms(text: &str) -> Option<u64> {
    let unit = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 24 * 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit_ms).filter(|span_ms| *span_ms <= MOST_SPAN_MS)
}

/// How far a feed has come: a time, and the last position of channels that were heard since.
///
/// A trail with more channels than a mark has room for forgets the one that was silent longest, and its time moves behind
/// that one's last message, for nothing may come twice. It is unsure then: older messages of others may still have been on
/// their way, and whoever comes back with such a mark is told of a gap. When everything up to a time has been sent it is
/// sure again.
pub(crate) struct Trail {
    time_ms: u64,
    unsure: bool,
    /// In the order in which they were heard last.
    heard: Vec<Heard>,
    bytes: usize,
}

struct Heard {
    channel: Channel,
    epoch: Box<str>,
    offset: u64,
    at_ms: u64,
}

impl Heard {
    fn bytes(&self) -> usize {
        Place::most_bytes(&self.epoch, self.channel.as_str())
    }
}

impl Trail {
    /// Goes on at a mark. What it says of channels that are not listened to means nothing.
    fn of(mark: Mark<'_>, names: &[Pattern], (now_ms, begin_ms): (u64, u64)) -> Result<Trail, Code> {
        let time_ms = mark.time_ms.unwrap_or(begin_ms);
        let mut trail = Trail { time_ms, unsure: mark.unsure, heard: Vec::new(), bytes: TIME_BYTES };
        for Place { epoch, offset, channel } in mark.places {
            let channel = Channel::parse(channel).map_err(|_| Code::RequestInvalid)?;
            if names.iter().any(|name| name.matches(&channel)) {
                trail.note(Heard { channel, epoch: epoch.into(), offset, at_ms: now_ms });
            }
        }
        Ok(trail)
    }

    /// Whether whoever goes on here may have missed something that nobody can name.
    pub(crate) fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// The `ext` of a subscribe that goes on here.
    fn since(&self, of_one_channel: bool) -> Box<RawValue> {
        let mut text = String::from("{\"since\":{");
        match (&*self.heard, of_one_channel) {
            ([Heard { epoch, offset, .. }], true) => {
                let _ = write!(text, "\"epoch\":\"{epoch}\",\"offset\":{offset}");
            }
            ([], _) => {
                let _ = write!(text, "\"time\":{}", self.time_ms);
            }
            (heard, _) => {
                let _ = write!(text, "\"time\":{},\"positions\":{{", self.time_ms);
                for (index, Heard { channel, epoch, offset, .. }) in heard.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    let channel = channel.as_str();
                    let _ =
                        write!(text, "{comma}\"{channel}\":{{\"epoch\":\"{epoch}\",\"offset\":{offset}}}");
                }
                text.push('}');
            }
        }
        text.push_str("}}");
        RawValue::from_string(text)
            .expect("names of channels, hexadecimal digits and numbers need no escapes")
    }

    /// A message of a channel was sent, or a gap that ends here was told.
    pub(crate) fn on_position(&mut self, channel: &Channel, position: Position, at_ms: u64) {
        let Position { epoch, offset } = position;
        self.note(Heard { channel: channel.clone(), epoch: format!("{epoch:x}").into(), offset, at_ms });
    }

    fn note(&mut self, heard: Heard) {
        if let Some(at) = self.heard.iter().rposition(|older| older.channel == heard.channel) {
            self.bytes -= self.heard.remove(at).bytes();
        }
        self.bytes += heard.bytes();
        self.heard.push(heard);
        while self.heard.len() > MOST_PLACES || self.bytes > MOST_MARK_BYTES && self.heard.len() > 1 {
            let silent = self.heard.remove(0);
            self.bytes -= silent.bytes();
            if silent.at_ms >= self.time_ms {
                self.time_ms = silent.at_ms + 1;
                self.unsure = true;
            }
        }
    }

    /// Everything older has been sent.
    pub(crate) fn on_settled(&mut self, time_ms: u64) {
        if time_ms >= self.time_ms {
            (self.time_ms, self.unsure) = (time_ms, false);
        }
        let bytes = &mut self.bytes;
        self.heard.retain(|heard| {
            let stays = heard.at_ms + SETTLED_MS >= time_ms;
            *bytes -= if stays { 0 } else { heard.bytes() };
            stays
        });
    }

    fn write(&self, of_one_channel: bool, out: &mut Vec<u8>) {
        let places = self.heard.iter().map(|heard| Place {
            epoch: &heard.epoch,
            offset: heard.offset,
            channel: heard.channel.as_str(),
        });
        let places: Vec<_> = places.collect();
        let time_ms = (!of_one_channel || places.is_empty()).then_some(self.time_ms);
        Mark { time_ms, unsure: self.unsure, places }.write(out);
    }
}

/// What the server has told a session of messages it does not get.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    channel: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    ext: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Missed {
    #[serde(default)]
    gaps: HashMap<Box<str>, Head>,
}

#[derive(Deserialize)]
struct Head {
    epoch: Box<str>,
    offset: u64,
}

/// A gap that is told on a feed.
pub(crate) struct Gap<'a> {
    /// The data of its event: which channels, and how many messages.
    pub(crate) data: &'a str,
    /// Where channels go on behind it.
    pub(crate) heads: Vec<(Channel, Position)>,
}

impl<'a> Gap<'a> {
    /// Reads an event that was made for one session; `None` when it tells of no gap. What gave way to newer messages as
    /// its channel wants it is none.
    pub(crate) fn read(event: &'a [u8]) -> Option<Gap<'a>> {
        let told: Told<'a> =
            serde_json::from_slice(event).ok().filter(|told: &Told<'_>| told.channel == meta::GAP)?;
        let data = told.ext?.get();
        let missed: Missed = serde_json::from_str(data).ok()?;
        if missed.gaps.is_empty() {
            return None;
        }
        let heads = missed.gaps.iter().filter_map(|(name, head)| {
            let channel = Channel::parse(name).ok()?;
            Some((channel, Position::parse(&head.epoch, head.offset)?))
        });
        Some(Gap { data, heads: heads.collect() })
    }
}

/// The name of the event that tells of a gap; no channel has it.
const GAP: &str = "gap";
/// The name of the event that says why a feed has ended.
const END: &str = "end";

/// Appends the event of a publication, with the mark that it makes for whoever listens to its channel alone.
pub(crate) fn write_publication(out: &mut Vec<u8>, publication: &Publication) {
    let channel = publication.channel.as_str();
    let event = std::str::from_utf8(&publication.event).unwrap_or_default();
    let data = bayeux::event::data_of(event);
    feed::write_event(out, &mark_of(&publication.channel, publication.position), channel, data.as_bytes());
}

/// Appends the event that tells of a gap, with the mark for whoever listens to one channel alone; nothing for an event
/// that tells of none.
pub(crate) fn write_told(out: &mut Vec<u8>, event: &[u8]) {
    let Some(gap) = Gap::read(event) else { return };
    match &*gap.heads {
        [(channel, head)] => feed::write_event(out, &mark_of(channel, *head), GAP, gap.data.as_bytes()),
        _ => feed::write_word(out, GAP, gap.data.as_bytes()),
    }
}

/// Appends a gap with a mark of the feed's own.
pub(crate) fn write_gap(out: &mut Vec<u8>, mark: &[u8], gap: &Gap<'_>) {
    feed::write_event(out, mark, GAP, gap.data.as_bytes());
}

/// Appends why a feed has ended.
pub(crate) fn write_end(out: &mut Vec<u8>, code: Code) {
    let data = format!("{{\"code\":\"{}\",\"message\":\"{}\"}}", code.name(), code.description());
    feed::write_word(out, END, data.as_bytes());
}

fn mark_of(channel: &Channel, position: Position) -> Vec<u8> {
    let epoch = format!("{:x}", position.epoch);
    let place = Place { epoch: &epoch, offset: position.offset, channel: channel.as_str() };
    let mut mark = Vec::new();
    Mark { places: vec![place], ..Mark::default() }.write(&mut mark);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, last: Option<&str>) -> Feed {
        Feed::read(query, last.map(str::as_bytes), 1_000_000, 999_000).expect("a good request")
    }

    fn ext(feed: &Feed) -> &str {
        feed.ext.as_ref().map_or("", |ext| ext.get())
    }

    #[test]
    fn spans_have_a_unit_and_a_bound() {
        let spans = ["500ms", "10s", "10m", "2h", "1d", "0s"].map(span_ms);
        assert_eq!(
            spans,
            [Some(500), Some(10_000), Some(600_000), Some(7_200_000), Some(86_400_000), Some(0)]
        );
        for bad in ["", "10", "m", "10 m", "-1m", "1.5h", "10min", "367d", "99999999999999999999s"] {
            assert_eq!(span_ms(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_subscribe_asks_from_where_the_mark_says() {
        assert_eq!(ext(&read("channel=/a", None)), "");
        assert_eq!(ext(&read("channel=/a&since=10s", None)), r#"{"since":{"time":990000}}"#);
        assert_eq!(ext(&read("channel=/a", Some("5"))), r#"{"since":{"time":5}}"#);
        let position = r#"{"since":{"epoch":"1f","offset":7}}"#;
        assert_eq!(ext(&read("channel=/a", Some("1f.7/a"))), position);
        assert_eq!(ext(&read("channel=/a", Some("5|1f.7/a|2.1/b"))), position, "the other is nothing to it");
        let many = r#"{"since":{"time":5,"positions":{"/a":{"epoch":"1f","offset":7},"/b/c":{"epoch":"2","offset":1}}}}"#;
        assert_eq!(ext(&read("channel=/a&channel=/b/*", Some("5|1f.7/a|2.1/b/c"))), many);
        let from_now = r#"{"since":{"time":999000,"positions":{"/a":{"epoch":"1f","offset":7}}}}"#;
        assert_eq!(ext(&read("channel=/a&channel=/b", Some("1f.7/a"))), from_now);
    }

    #[test]
    fn a_trail_is_sure_again_when_everything_up_to_a_time_was_sent() {
        let mut feed = read("channel=/a/*", None);
        let note = |trail: &mut Trail, n: u64| {
            let channel = Channel::parse(&format!("/a/{n}")).expect("a channel");
            trail.on_position(&channel, Position { epoch: 1, offset: n }, 1_000_000 + n);
        };
        (0..MOST_PLACES as u64).for_each(|n| note(&mut feed.trail, n));
        assert!(!feed.trail.is_unsure());
        note(&mut feed.trail, 64);
        assert!(feed.trail.is_unsure());
        assert!(feed.mark().starts_with(b"~1000001|1.1/a/1|"));
        feed.trail.on_settled(1_000_002);
        assert!(!feed.trail.is_unsure());
        assert_eq!(feed.trail.heard.len(), MOST_PLACES);
        feed.trail.on_settled(1_000_060 + SETTLED_MS);
        assert_eq!(
            feed.mark(),
            format!("{}|1.60/a/60|1.61/a/61|1.62/a/62|1.63/a/63|1.64/a/64", 1_000_060 + SETTLED_MS)
                .as_bytes()
        );
        assert_eq!(feed.trail.bytes, TIME_BYTES + 5 * Place::most_bytes("1", "/a/60"));
    }

    #[test]
    fn what_gave_way_is_no_gap() {
        assert!(Gap::read(br#"{"channel":"/meta/gap","ext":{"conflated":{"/a":3}}}"#).is_none());
        assert!(Gap::read(br#"{"channel":"/meta/gap","ext":{"dropped":{"/a":3}}}"#).is_none());
        assert!(Gap::read(br#"{"channel":"/a","data":1}"#).is_none());
        let gap = Gap::read(
            br#"{"channel":"/meta/gap","ext":{"gaps":{"/a":{"epoch":"1","offset":3}},"dropped":{"/a":3}}}"#,
        );
        assert_eq!(gap.expect("a gap").heads.len(), 1);
    }
}
