//! Feeds of pages without our client, over the death of the program.

use comet_testkit::{FeedReader, Socket};
use serde_json::json;

fn open(server: &comet_testkit::ChildServer, target: &str, id: &str) -> FeedReader {
    let fields = if id.is_empty() { String::new() } else { format!("Last-Event-ID: {id}\r\n") };
    FeedReader::open(server.address(), target, &fields).expect("a feed").begun()
}

fn publish(server: &comet_testkit::ChildServer, channel: &str, data: usize) {
    let mut socket = Socket::connect(server.address());
    socket.send_post("/api/publish", "", json!({ "channel": channel, "data": data }).to_string());
    assert_eq!(socket.response().status, 200);
}

#[test]
fn a_page_goes_on_where_it_was_when_the_server_was_killed_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = super::start("stored", &folder.path().join("journal"));
    let (one, many) = ("/events?channel=/k/0", "/events?channel=/k/0&channel=/k/*");
    let mut feeds = [one, many].map(|target| (target, open(&server, target, ""), 0));
    let mut published = 0;
    for _ in 0..3 {
        for _ in 0..10 {
            publish(&server, "/k/0", published);
            published += 1;
        }
        for (_, feed, next) in &mut feeds {
            while *next + 3 < published {
                assert_eq!(feed.data(), *next);
                *next += 1;
            }
        }
        server.kill();
        server.restart();
        for (target, feed, _) in &mut feeds {
            let id = feed.last_id().to_owned();
            *feed = open(&server, target, &id);
        }
    }
    for (_, feed, next) in &mut feeds {
        while *next < published {
            assert_eq!(feed.data(), *next);
            *next += 1;
        }
    }
    publish(&server, "/k/0", published);
    feeds.iter_mut().for_each(|(_, feed, _)| assert_eq!(feed.data(), published));
}
