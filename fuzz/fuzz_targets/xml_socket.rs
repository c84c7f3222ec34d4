//! Streams of messages that end in NUL.
//!
//! The first byte says into how long pieces the others are cut: whole and cut streams give the same messages and the same
//! error, no more is kept than one message, and whoever can ask for a policy asks in one way. The input comes from the
//! fuzzer.
#![no_main]

use comet_wire::xml_socket::policy::{Domain, document, is_question};
use comet_wire::xml_socket::{Cut, MessageError, Scanner};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 200;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let whole = messages(bytes, bytes.len().max(1));
    assert_eq!(whole, messages(bytes, usize::from(*size).max(1)));
    for text in &whole.0 {
        assert!(!text.is_empty() && text.len() <= MOST && !text.contains('\0'));
        assert!(!is_question(text.as_bytes()) || text.starts_with('<'));
    }
    if let Some(domain) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Domain>().ok()) {
        let plain = document(&["localhost".parse().expect("a host")], &[1]);
        let document = document(&[domain], &[1]);
        let markup = |document: &str| document.matches(['<', '>', '"', '&', '\'']).count();
        assert_eq!(markup(&document), markup(&plain), "a domain brings no markup: {document}");
        assert!(!document.contains("domain=\"*\""));
    }
});

fn messages(bytes: &[u8], size: usize) -> (Vec<String>, Option<MessageError>) {
    let (mut scanner, mut kept, mut messages) = (Scanner::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(size) {
        kept.extend_from_slice(piece);
        loop {
            match scanner.cut(&kept, MOST) {
                Ok(Cut::Message { text, consumed }) => {
                    messages.push(text.to_owned());
                    kept.drain(..consumed);
                }
                Ok(Cut::NeedMore { consumed }) => {
                    kept.drain(..consumed);
                    break;
                }
                Err(error) => return (messages, Some(error)),
            }
        }
        assert!(kept.len() <= MOST);
    }
    (messages, None)
}
