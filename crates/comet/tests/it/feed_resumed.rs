//! Feeds that are lost and opened again: nothing is lost, repeated or out of order, and what is missing is told.

use comet::{ChannelOptions, Config, Retention};
use comet_testkit::{FeedEvent, FeedReader, TestServer};
use serde_json::{Value, json};

fn open(server: &TestServer, target: &str) -> FeedReader {
    reopen(server, target, None)
}

/// What a browser does that has lost its feed: the same address, with the last id.
fn reopen(server: &TestServer, target: &str, id: Option<&str>) -> FeedReader {
    let fields = id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    let feed = FeedReader::open(server.address(), target, &fields);
    feed.unwrap_or_else(|refusal| panic!("refused: {refusal:?}")).begun()
}

fn forgetful(config: &mut Config) {
    config.channels.default.history = Retention { messages: 2, ..config.channels.default.history };
}

/// Opens it again and again while messages come, reads a few each time, and gets every number of every channel once.
fn is_whole(server: &TestServer, target: &str, channels: &[&str]) {
    let mut feed = open(server, target);
    let mut next = vec![0; channels.len()];
    let mut published = 0;
    for round in 0..8 {
        for n in published..published + 20 {
            for channel in channels {
                server.publish(channel, &n);
            }
        }
        published += 20;
        let last = if round == 7 { 0 } else { 13 };
        while next.iter().sum::<usize>() + last < published * channels.len() {
            let FeedEvent { name, data, id } = feed.event().expect("the feed goes on");
            let at = channels.iter().position(|channel| *channel == name).expect("it is one of ours");
            assert_eq!(data, next[at], "{name} with {id}");
            next[at] += 1;
        }
        let id = feed.last_id().to_owned();
        feed = reopen(server, target, Some(&id));
        assert_eq!(feed.last_id(), id, "it goes on where it was, and says so at once");
    }
}

#[test]
fn a_feed_of_one_channel_that_is_lost_goes_on_where_it_was() {
    let server = TestServer::start();
    is_whole(&server, "/events?channel=/a", &["/a"]);
}

#[test]
fn a_feed_of_many_channels_that_is_lost_goes_on_where_it_was_on_any_shard() {
    for shards in [1, 3] {
        let server = TestServer::with(|config| config.shards = shards);
        is_whole(&server, "/events?channel=/a&channel=/b/*", &["/a", "/b/1", "/b/2", "/b/3"]);
    }
}

#[test]
fn a_feed_that_is_lost_before_its_first_event_misses_none() {
    for target in ["/events?channel=/a", "/events?channel=/a&channel=/b", "/events?channel=/*"] {
        let server = TestServer::start();
        let feed = open(&server, target);
        let id = feed.last_id().to_owned();
        assert!(!id.is_empty());
        drop(feed);
        server.publish("/a", &json!(target));
        assert_eq!(reopen(&server, target, Some(&id)).data(), target);
    }
}

#[test]
fn a_feed_is_recycled_by_stream_bytes_and_age_without_a_gap() {
    for change in [
        |config: &mut Config| config.limits.stream_bytes = 500,
        |config: &mut Config| {
            config.limits.stream_age_ms = 200;
            config.limits.stream_heartbeat_ms = 50;
        },
    ] {
        let server = TestServer::with(change);
        for target in ["/events?channel=/a", "/events?channel=/a&channel=/b"] {
            let mut feed = open(&server, target);
            let (mut ends, mut next) = (0, 0);
            server.publish("/a", &0);
            while ends < 3 {
                match feed.event() {
                    Some(event) => {
                        assert_eq!(event.data, next);
                        next += 1;
                        server.publish("/a", &next);
                    }
                    None => {
                        ends += 1;
                        let id = feed.last_id().to_owned();
                        feed = reopen(&server, target, Some(&id));
                    }
                }
                if ends > 0 && next > 60 {
                    break;
                }
            }
        }
    }
}

#[test]
fn since_brings_the_past_from_a_time_or_a_mark() {
    for target in ["/events?channel=/a", "/events?channel=/a&channel=/b/*"] {
        let server = TestServer::start();
        let before = open(&server, target).last_id().to_owned();
        assert!(before.bytes().all(|byte| byte.is_ascii_digit()), "{before}");
        for n in 0..3 {
            server.publish("/a", &n);
        }
        let mut feed = open(&server, &format!("{target}&since={before}"));
        let events: Vec<_> = (0..3).map(|_| feed.event().expect("an event")).collect();
        assert_eq!(events.iter().map(|event| event.data.clone()).collect::<Vec<_>>(), [0, 1, 2]);
        let mark = &events[1].id;
        assert_eq!(open(&server, &format!("{target}&since={mark}")).data(), 2);
        // What a browser says of itself is newer than the address it has from the page.
        let mut feed = reopen(&server, &format!("{target}&since={before}"), Some(mark));
        assert_eq!(feed.data(), 2);
    }
}

#[test]
fn a_span_that_reaches_beyond_the_start_of_the_server_is_told_as_a_gap() {
    let server = TestServer::start();
    server.publish("/a", &0);
    let mut feed = open(&server, "/events?channel=/a&since=10m");
    assert_eq!(feed.event().map(|event| event.name), Some("gap".into()));
    server.publish("/a", &1);
    assert_eq!(feed.data(), 1);
}

#[test]
fn what_is_no_longer_remembered_is_told_as_a_gap_and_only_once() {
    let server = TestServer::with(forgetful);
    for target in ["/events?channel=/a", "/events?channel=/a&channel=/b"] {
        let mut feed = open(&server, target);
        server.publish("/a", &0);
        assert_eq!(feed.data(), 0);
        let id = feed.last_id().to_owned();
        drop(feed);
        for n in 1..=5 {
            server.publish("/a", &n);
        }
        let mut feed = reopen(&server, target, Some(&id));
        let gap = feed.event().expect("a gap");
        assert_eq!(gap.name, "gap");
        let head: &Value = &gap.data["gaps"]["/a"];
        assert!(head["offset"].is_u64() && head["epoch"].is_string(), "{gap:?}");
        server.publish("/a", &6);
        assert_eq!(feed.data(), 6);
        // Behind the gap there is none.
        let mut feed = reopen(&server, target, Some(&gap.id));
        assert_eq!(feed.data(), 6);
    }
}

#[test]
fn a_mark_of_another_server_is_a_gap() {
    let server = TestServer::start();
    server.publish("/a", &0);
    let mut feed = reopen(&server, "/events?channel=/a", Some("dead.7/a"));
    assert_eq!(feed.event().map(|event| event.name), Some("gap".into()));
    server.publish("/a", &1);
    assert_eq!(feed.data(), 1);
}

#[test]
fn more_channels_than_a_mark_has_room_for_are_told_as_a_gap_to_who_comes_back() {
    let server = TestServer::start();
    let target = "/events?channel=/many/*";
    let mut feed = open(&server, target);
    for n in 0..200 {
        server.publish(&format!("/many/{n}"), &n);
        assert_eq!(feed.data(), n);
        assert!(feed.last_id().len() <= 4096);
    }
    let id = feed.last_id().to_owned();
    assert!(id.starts_with('~'), "{id}");
    let mut feed = reopen(&server, target, Some(&id));
    let gap = feed.event().expect("a gap");
    assert_eq!(gap.name, "gap");
    assert!(gap.data["gaps"].get("/many/*").is_some(), "{gap:?}");
    // Nothing comes twice.
    server.publish("/many/0", &"new");
    assert_eq!(feed.data(), "new");
}

#[test]
fn a_slow_reader_gets_everything_when_it_reads() {
    let server = TestServer::with(|config| {
        config.session.mailbox_messages = 10;
        config.channels.default.history.messages = 10_000;
        config.channels.default.history.bytes = 16 << 20;
        config.limits.lag_grace_ms = 60_000;
    });
    for target in ["/events?channel=/a", "/events?channel=/a&channel=/b"] {
        let mut feed = open(&server, target);
        let text = "x".repeat(2_000);
        for n in 0..2_000 {
            server.publish("/a", &json!([n, text]));
        }
        let mut next = 0;
        while next < 2_000 {
            match feed.event() {
                Some(event) => {
                    assert_eq!((event.name.as_str(), &event.data[0]), ("/a", &json!(next)));
                    next += 1;
                }
                // It has carried enough.
                None => {
                    let id = feed.last_id().to_owned();
                    feed = reopen(&server, target, Some(&id));
                }
            }
        }
    }
}

#[test]
fn what_gives_way_to_newer_messages_as_its_channel_wants_it_is_no_gap() {
    let server = TestServer::with(|config| {
        let mut options = ChannelOptions::default();
        options.deliver.every_ms = 100;
        config.channels.rules.push((comet::Pattern::parse("/ticker").expect("a pattern"), options));
    });
    for target in ["/events?channel=/ticker", "/events?channel=/ticker&channel=/b"] {
        let mut feed = open(&server, target);
        for n in 0..100 {
            server.publish("/ticker", &n);
        }
        let mut last = 0;
        while last < 99 {
            let event = feed.event().expect("an event");
            assert_eq!(event.name, "/ticker");
            let n = event.data.as_u64().expect("a number");
            assert!(n == 0 || n > last);
            last = n;
        }
    }
}
