//! Listeners and what the server is asked for them.

use std::task::{Context, Poll, Waker};

use super::*;
use crate::{Position, Received};

fn pattern(name: &str) -> Pattern {
    Pattern::parse(name).unwrap()
}

fn add(
    interests: &mut Interests,
    number: u64,
    name: &str,
    wish: Option<SinceRequest>,
) -> (oneshot::Receiver<Result<(), Error>>, Mailbox) {
    let (sender, receiver) = oneshot::channel();
    let mailbox = Mailbox::new(64);
    interests.add(number, pattern(name), mailbox.clone(), (wish, None), sender);
    (receiver, mailbox)
}

fn ext(json: &str) -> IncomingExt {
    serde_json::from_str(json).unwrap()
}

fn at(offset: u64) -> Position {
    Position { epoch: "e".into(), offset }
}

fn publish(interests: &mut Interests, channel: &str, offset: u64) {
    let data = serde_json::value::to_raw_value(&offset).unwrap();
    let event = |channel| Event { channel, data: data.clone(), ext: None, position: Some(at(offset)) };
    interests.deliver(channel, 1_000, event);
}

/// Offsets of events; gaps by what they are.
fn heard(mailbox: &Mailbox) -> Vec<String> {
    let mut context = Context::from_waker(Waker::noop());
    let mut heard = Vec::new();
    while let Poll::Ready(Some(received)) = mailbox.poll_take(&mut context) {
        heard.push(match received {
            Received::Event(event) => event.data.get().to_owned(),
            Received::Gap(Gap::Forgotten { channel, head, .. }) => format!("gap {channel} {}", head.offset),
            Received::Gap(gap) => format!("{gap:?}"),
        });
    }
    heard
}

/// Asks for everything that is due and has it accepted.
fn accept(interests: &mut Interests, reply: &str) -> Vec<Ask> {
    let asks = interests.due(None);
    for ask in &asks {
        assert_eq!(interests.settle(&ask.numbers, Ok(&ext(reply))), Settled::Done);
    }
    asks
}

#[test]
fn the_server_is_told_when_the_last_listener_goes() {
    let mut interests = Interests::default();
    let _kept = [add(&mut interests, 1, "/a", None), add(&mut interests, 2, "/a", None)];
    let asks = interests.due(None);
    assert_eq!(asks, [Ask { pattern: pattern("/a"), since: None, deliver: None, numbers: vec![1, 2] }]);
    assert!(interests.due(None).is_empty(), "it is being asked");
    assert_eq!(interests.remove(1), None);
    assert_eq!(interests.remove(2), Some(pattern("/a")));
    assert_eq!(interests.remove(2), None);
}

#[test]
fn services_are_heard_without_telling_the_server() {
    let mut interests = Interests::default();
    let (mut answer, _mailbox) = add(&mut interests, 1, "/service/**", None);
    assert!(interests.due(None).is_empty());
    assert_eq!(answer.try_recv(), Ok(Ok(())));
    assert_eq!(interests.remove(1), None);
}

#[test]
fn a_refusal_ends_every_listener_it_was_asked_for_and_no_other() {
    let mut interests = Interests::default();
    let (mut early, mailbox) = add(&mut interests, 1, "/a", None);
    accept(&mut interests, "{}");
    assert_eq!(early.try_recv(), Ok(Ok(())));
    let (mut other, _kept) = add(&mut interests, 2, "/b", None);
    interests.on_forgotten();
    let asks = interests.due(None);
    assert_eq!(asks.len(), 2);
    interests.settle(&[1], Err(Error::Ended));
    assert_eq!(mailbox.ended_by(), Some(Error::Ended));
    assert!(other.try_recv().is_err());
    interests.on_wire();
    assert_eq!(
        interests.due(None),
        [Ask { pattern: pattern("/b"), since: None, deliver: None, numbers: vec![2] }]
    );
}

#[test]
fn a_refusal_for_now_ends_nobody_who_was_confirmed() {
    let mut interests = Interests::default();
    let (_, mailbox) = add(&mut interests, 1, "/a", None);
    accept(&mut interests, "{}");
    interests.on_forgotten();
    let (mut late, _) = add(&mut interests, 2, "/a", None);
    interests.due(None);
    let busy = Error::refused(Some("500::internal"));
    assert_eq!(interests.settle(&[1, 2], Err(busy.clone())), Settled::AskAgain);
    assert_eq!(late.try_recv(), Ok(Err(busy.clone())));
    assert!(!mailbox.is_closed());
    assert_eq!(interests.due(Some(&pattern("/b"))), []);
    assert_eq!(interests.due(Some(&pattern("/a"))).len(), 1);
    interests.remove(1);
    assert_eq!(interests.settle(&[1], Err(busy)), Settled::Done);
}

#[test]
fn who_comes_later_hears_with_those_who_are_there() {
    let mut interests = Interests::default();
    let (_, _first) = add(&mut interests, 1, "/a", None);
    accept(&mut interests, r#"{"time":10}"#);
    publish(&mut interests, "/a", 1);
    let (mut joined, second) = add(&mut interests, 2, "/a", None);
    assert_eq!(joined.try_recv(), Ok(Ok(())));
    publish(&mut interests, "/a", 1);
    publish(&mut interests, "/a", 2);
    assert_eq!(heard(&second), ["2"]);
}

#[test]
fn a_new_session_goes_on_where_the_old_one_ended_and_says_nothing_twice() {
    let mut interests = Interests::default();
    let (_, mailbox) = add(&mut interests, 1, "/a", None);
    accept(&mut interests, r#"{"time":10}"#);
    publish(&mut interests, "/a", 7);
    interests.on_forgotten();
    let asks = accept(&mut interests, r#"{"time":20,"recovered":true}"#);
    assert_eq!(asks[0].since, Some(SinceRequest::Position(at(7))));
    assert!(interests.is_catching_up());
    // Something newer overtakes the past, by another subscription.
    for offset in [9, 7, 8, 9] {
        publish(&mut interests, "/a", offset);
    }
    assert_eq!(heard(&mailbox), ["7"]);
    interests.on_connected(interests.accepted() - 1, Some(30), 1_000);
    assert!(interests.is_catching_up(), "that connect left before");
    interests.on_connected(interests.accepted(), Some(30), 1_000);
    assert_eq!(heard(&mailbox), ["8", "9"]);
}

#[test]
fn a_gap_is_told_once_a_channel() {
    let mut interests = Interests::default();
    let (_, exact) = add(&mut interests, 1, "/a", None);
    let (_, wide) = add(&mut interests, 2, "/**", None);
    accept(&mut interests, r#"{"time":10}"#);
    publish(&mut interests, "/a", 1);
    interests.on_forgotten();
    accept(&mut interests, r#"{"time":20,"recovered":false,"gaps":{"/a":{"epoch":"e","offset":50}}}"#);
    interests.on_missed(&ext(r#"{"gaps":{"/a":{"epoch":"e","offset":50}},"dropped":{"/a":49}}"#), 0);
    publish(&mut interests, "/a", 51);
    // The other subscription's answer comes a message later.
    interests.on_missed(&ext(r#"{"gaps":{"/a":{"epoch":"e","offset":51}}}"#), 0);
    publish(&mut interests, "/a", 52);
    interests.on_connected(interests.accepted(), None, 0);
    for mailbox in [exact, wide] {
        assert_eq!(heard(&mailbox), ["1", "gap /a 50", "51", "52"]);
    }
}

#[test]
fn a_pattern_whose_channels_cannot_be_named_is_told_that_something_is_missing() {
    let mut interests = Interests::default();
    let (_, mailbox) = add(&mut interests, 1, "/a/*", None);
    accept(&mut interests, r#"{"time":10}"#);
    interests.on_forgotten();
    accept(&mut interests, r#"{"recovered":false,"gaps":{"/a/*":{"epoch":"e","offset":5}}}"#);
    assert_eq!(heard(&mailbox), ["Unnamed"]);
}

#[test]
fn a_server_that_brings_nothing_back_leaves_a_gap() {
    let mut interests = Interests::default();
    let (_, mailbox) = add(&mut interests, 1, "/a", None);
    accept(&mut interests, r#"{"time":10}"#);
    assert_eq!(heard(&mailbox), [""; 0]);
    interests.on_forgotten();
    accept(&mut interests, "{}");
    assert_eq!(heard(&mailbox), ["Unknown"]);
}

#[test]
fn what_gave_way_is_told_to_those_who_listen() {
    let mut interests = Interests::default();
    let (_, mailbox) = add(&mut interests, 1, "/a", None);
    let (_, other) = add(&mut interests, 2, "/b", None);
    accept(&mut interests, "{}");
    interests.on_missed(&ext(r#"{"dropped":{"/a":3}}"#), 0);
    let thinned = Gap::Thinned { channel: Channel::parse("/a").unwrap(), events: 3 };
    assert_eq!((heard(&mailbox), heard(&other)), (vec![format!("{thinned:?}")], Vec::new()));
}

#[test]
fn who_wants_the_past_asks_for_it_alone_and_until_it_has_come() {
    let mut interests = Interests::default();
    let (_, plain) = add(&mut interests, 1, "/a", None);
    accept(&mut interests, r#"{"time":10}"#);
    let last = SinceRequest::Last { last: 2 };
    let (_, mailbox) = add(&mut interests, 2, "/a", Some(last.clone()));
    interests.due(None);
    interests.on_wire();
    let asks = accept(&mut interests, r#"{"time":20,"recovered":true}"#);
    assert_eq!(asks, [Ask { pattern: pattern("/a"), since: Some(last), deliver: None, numbers: vec![2] }]);
    publish(&mut interests, "/a", 3);
    publish(&mut interests, "/a", 1);
    publish(&mut interests, "/a", 2);
    assert_eq!(heard(&plain), ["3"]);
    interests.on_connected(interests.accepted(), None, 0);
    assert_eq!(heard(&mailbox), ["1", "2", "3"]);
}

#[test]
fn a_manner_is_asked_for_once_and_holds_for_everyone_of_that_name_in_every_session() {
    use std::time::Duration;

    let calm = Deliver::new().every(Duration::from_millis(200));
    let mut interests = Interests::default();
    let listen = |interests: &mut Interests, number, deliver| {
        let (sender, receiver) = oneshot::channel();
        let mailbox = Mailbox::new(64);
        interests.add(number, pattern("/a"), mailbox.clone(), (None, deliver), sender);
        (receiver, mailbox)
    };
    let _plain = listen(&mut interests, 1, None);
    assert_eq!(accept(&mut interests, "{}")[0].deliver, None);
    // The name is heard already; the manner is not known yet.
    let _calm = listen(&mut interests, 2, Some(calm));
    let asks = accept(&mut interests, "{}");
    assert_eq!(asks, [Ask { pattern: pattern("/a"), since: None, deliver: Some(calm), numbers: vec![2] }]);
    let _same = [listen(&mut interests, 3, Some(calm)), listen(&mut interests, 4, None)];
    assert!(interests.due(None).is_empty(), "the server does so already");
    interests.on_forgotten();
    let asks = accept(&mut interests, "{}");
    assert_eq!(asks.len(), 1, "{asks:?}");
    assert_eq!((asks[0].deliver, asks[0].numbers.len()), (Some(calm), 4));
    // Who takes it back takes it back for all.
    let _back = listen(&mut interests, 5, Some(Deliver::new()));
    assert_eq!(accept(&mut interests, "{}").len(), 1);
    interests.on_forgotten();
    assert!(interests.due(None).iter().all(|ask| ask.deliver == Some(Deliver::new())));
}

#[test]
fn a_manner_that_is_refused_is_nobodys() {
    let mut interests = Interests::default();
    let _plain = add(&mut interests, 1, "/a", None);
    accept(&mut interests, "{}");
    let (sender, mut answer) = oneshot::channel();
    let calm = Deliver::new().slow(bayeux::Slow::Conflate);
    interests.add(2, pattern("/a"), Mailbox::new(64), (None, Some(calm)), sender);
    let asks = interests.due(None);
    let refused = Error::refused(Some("400::message_invalid"));
    interests.settle(&asks[0].numbers, Err(refused.clone()));
    assert_eq!(answer.try_recv(), Ok(Err(refused)));
    interests.on_forgotten();
    assert!(interests.due(None).iter().all(|ask| ask.deliver.is_none()));
}
