//! XMLSocket: messages out of bytes however they arrive, and the question for the policy.

use comet_wire::xml_socket::policy::{Domain, MOST_QUESTION_BYTES, document, is_question};
use comet_wire::xml_socket::{Cut, MessageError, Scanner, write_message, write_message_frame};
use proptest::prelude::*;

use crate::split::{cuts, pieces};

const MOST: usize = 1_000;

/// All messages of a stream that arrives in pieces, and how it broke the rules.
fn messages(pieces: &[&[u8]]) -> (Vec<String>, Option<MessageError>) {
    let (mut scanner, mut kept, mut messages) = (Scanner::default(), Vec::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        loop {
            match scanner.cut(&kept, MOST) {
                Ok(Cut::Message { text, consumed }) => {
                    messages.push(text.into());
                    kept.drain(..consumed);
                }
                Ok(Cut::NeedMore { consumed }) => {
                    kept.drain(..consumed);
                    break;
                }
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    assert!(kept.len() <= MOST, "no more is kept than one message");
    (messages, None)
}

#[test]
fn each_message_ends_at_its_nul() {
    assert_eq!(messages(&[b"[1]\0[2,\"\xc3\xa9\"]\0[3"]), (vec!["[1]".into(), "[2,\"é\"]".into()], None));
}

#[test]
fn characters_may_be_cut_anywhere() {
    let text = "[\"é€😀\u{2028}\"]\0".as_bytes();
    for place in 0..=text.len() {
        let (front, rest) = text.split_at(place);
        assert_eq!(messages(&[front, rest]), (vec!["[\"é€😀\u{2028}\"]".into()], None), "cut at {place}");
    }
}

#[test]
fn a_storm_of_nuls_says_nothing_and_is_not_kept() {
    let storm = vec![0; 100_000];
    assert_eq!(messages(&[&storm, b"[1]", &storm, b"[2]\0"]), (vec!["[1]".into(), "[2]".into()], None));
    assert_eq!(Scanner::default().cut(&storm, MOST), Ok(Cut::NeedMore { consumed: storm.len() }));
}

#[test]
fn a_message_without_end_is_refused_at_its_bound() {
    let mut endless = vec![b'['; MOST];
    assert_eq!(messages(&[&endless]), (vec![], None));
    assert_eq!(messages(&[&endless, b"["]), (vec![], Some(MessageError::TooLong)));
    endless.push(0);
    assert_eq!(messages(&[&endless]).0.len(), 1, "the NUL does not count");
    endless.insert(0, b'[');
    assert_eq!(messages(&[&endless]), (vec![], Some(MessageError::TooLong)));
}

#[test]
fn what_is_no_text_is_refused() {
    for bytes in [&b"[\"\xff\"]\0"[..], b"[\"\xc3\"]\0", b"[\"\xed\xa0\x80\"]\0", b"[\"\xf0\x9f\x98\"]\0"] {
        assert_eq!(messages(&[b"[1]\0", bytes]), (vec!["[1]".into()], Some(MessageError::Text)));
    }
}

#[test]
fn a_browser_that_was_made_to_write_here_is_not_heard() {
    let hidden = b"POST / HTTP/1.1\r\nHost: a\r\n\r\n\0[{\"channel\":\"/meta/handshake\"}]\0";
    assert_eq!(messages(&[&hidden[..]]), (vec![], Some(MessageError::Foreign)));
    assert_eq!(messages(&[b"G"]), (vec![], Some(MessageError::Foreign)));
    assert_eq!(messages(&[b"\x16\x03\x01"]), (vec![], Some(MessageError::Foreign)));
}

#[test]
fn a_batch_leaves_as_one_array_with_its_nul() {
    let bodies = [&b"{\"a\":1}"[..], b"{\"b\":2}"];
    let (mut plain, mut framed) = (Vec::new(), Vec::new());
    write_message(&mut plain, bodies.into_iter());
    write_message_frame(&mut framed, bodies.into_iter());
    assert_eq!(plain, b"[{\"a\":1},{\"b\":2}]\0");
    assert_eq!(framed[..2], [0x82, plain.len() as u8]);
    assert_eq!(framed[2..], plain);
}

#[test]
fn both_questions_for_the_policy_are_known_and_nothing_else() {
    for question in ["<policy-file-request/>", "<cross-domain-request/>"] {
        assert!(is_question(question.as_bytes()));
        assert!(question.len() < MOST_QUESTION_BYTES);
    }
    for other in ["<policy-file-request />", "<policy-file-request/><a/>", "<!DOCTYPE a>", "", "[]"] {
        assert!(!is_question(other.as_bytes()), "{other}");
    }
}

#[test]
fn the_policy_lists_domains_and_ports() {
    let domains: Vec<Domain> =
        ["www.shop.example", "*.shop.example"].map(|name| name.parse().unwrap()).into();
    let text = "<?xml version=\"1.0\"?>\n\
        <!DOCTYPE cross-domain-policy SYSTEM \"http://www.macromedia.com/xml/dtds/cross-domain-policy.dtd\">\n\
        <cross-domain-policy>\n  <site-control permitted-cross-domain-policies=\"master-only\"/>\n  \
        <allow-access-from domain=\"www.shop.example\" to-ports=\"9100,9101\"/>\n  \
        <allow-access-from domain=\"*.shop.example\" to-ports=\"9100,9101\"/>\n\
        </cross-domain-policy>\n";
    assert_eq!(document(&domains, &[9100, 9101]), text);
    assert!(!document(&domains, &[]).contains("allow-access-from"));
    assert!(!document(&[], &[9100]).contains("allow-access-from"));
}

#[test]
fn nobody_can_let_everyone_in_or_write_markup() {
    let long = "a".repeat(64);
    for name in [
        "*",
        "*.",
        "*.example",
        "**.a.b",
        "a.*",
        "",
        "a..b",
        ".a",
        "a\"b",
        "a b",
        "é.example",
        "a/b",
        "a:80",
        &long,
    ] {
        assert!(name.parse::<Domain>().is_err(), "{name}");
    }
    for name in ["localhost", "127.0.0.1", "shop.example", "*.shop.example", "x-1.shop.example"] {
        assert_eq!(name.parse::<Domain>().unwrap().to_string(), name);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_arrives(
        texts in prop::collection::vec("[\\[{<][^\\x00]{0,60}", 0..8),
        nuls in 1..4_usize,
        cuts in cuts(),
    ) {
        let stream: Vec<u8> =
            texts.iter().flat_map(|text| [text.as_bytes(), &vec![0; nuls]].concat()).collect();
        prop_assert_eq!(messages(&pieces(&stream, &cuts)), (texts, None));
    }

    #[test]
    fn bytes_of_any_kind_are_read_the_same_whole_and_cut(
        bytes in prop::collection::vec(prop_oneof![Just(0), Just(b'['), Just(0xc3), Just(0xa9), any::<u8>()], 0..300),
        cuts in cuts(),
    ) {
        prop_assert_eq!(messages(&pieces(&bytes, &cuts)), messages(&[&bytes]));
    }
}
