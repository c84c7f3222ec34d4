//! The manners in which messages come, and what becomes of a wish.

use bayeux::{Deliver, DeliverRequest, Slow};

const CHANNEL: Deliver = Deliver { slow: Slow::DropOldest, every_ms: 0, batch_ms: 50 };

fn wish(slow: Option<Slow>, every_ms: Option<u64>, batch_ms: Option<u64>) -> Deliver {
    CHANNEL.with(&DeliverRequest { slow, every_ms, batch_ms })
}

#[test]
fn what_a_wish_leaves_out_is_as_the_channel_has_it() {
    assert_eq!(wish(None, None, None), CHANNEL);
    assert_eq!(wish(Some(Slow::Conflate), None, None), Deliver { slow: Slow::Conflate, ..CHANNEL });
    assert_eq!(wish(Some(Slow::Disconnect), None, None).slow, Slow::Disconnect);
}

#[test]
fn nothing_comes_more_often_than_the_channel_allows() {
    assert_eq!(wish(None, None, Some(10)).batch_ms, 50);
    assert_eq!(wish(None, None, Some(500)).batch_ms, 500);
    let capped = Deliver { every_ms: 200, ..CHANNEL };
    let wished = |every_ms| capped.with(&DeliverRequest { every_ms: Some(every_ms), ..Default::default() });
    assert_eq!((wished(0).every_ms, wished(100).every_ms, wished(900).every_ms), (200, 200, 900));
}

#[test]
fn whoever_wants_something_only_so_often_gets_the_newest() {
    let wished = wish(Some(Slow::Disconnect), Some(100), None);
    assert_eq!((wished.slow, wished.conflates(), wished.pause_ms()), (Slow::Conflate, true, 100));
    assert!(!CHANNEL.conflates() && !CHANNEL.is_plain() && Deliver::default().is_plain());
}

#[test]
fn a_word_means_what_it_is_called() {
    for slow in Slow::ALL {
        assert_eq!(Slow::from_name(slow.name()), Some(slow));
    }
    assert_eq!(Slow::from_name("Conflate"), None);
}

#[test]
fn a_manner_is_written_whole() {
    let mut out = Vec::new();
    CHANNEL.write(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), r#"{"slow":"drop_oldest","every_ms":0,"batch_ms":50}"#);
}
