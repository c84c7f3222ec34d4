//! The table of codes and the form of errors.

use std::collections::HashSet;

use bayeux::{Code, Error, Reconnect};

/// `SessionUnknown` as `session_unknown`.
fn snake(code: Code) -> String {
    let mut name = String::new();
    for character in format!("{code:?}").chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(character.to_lowercase());
    }
    name
}

#[test]
fn every_row_has_a_name_of_its_own_and_is_found_by_it() {
    let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for &code in Code::ALL {
        assert_eq!(Code::from_name(code.name()), Some(code));
    }
    assert_eq!(Code::from_name("no_such_code"), None);
}

#[test]
fn names_are_snake_case_of_words() {
    for code in Code::ALL {
        let name = code.name();
        assert!(name.split('_').all(|word| !word.is_empty()), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(snake(*code), name, "the variant and the name are the same words");
    }
}

#[test]
fn every_number_is_one_that_its_wire_allows() {
    for code in Code::ALL {
        let name = code.name();
        assert!((200..600).contains(&code.number()), "{name}");
        assert!((200..600).contains(&code.http_status()), "{name}");
        let close = code.close_code();
        let sendable = matches!(close, 1000..=1003 | 1007..=1014) || (4400..4500).contains(&close);
        assert!(sendable, "{name} closes with {close}");
        assert!(code.description().ends_with('.') && code.description().len() > 10, "{name}");
    }
}

#[test]
fn only_codes_that_lose_the_session_advise_a_handshake() {
    for code in Code::ALL.iter().filter(|code| code.reconnect() == Reconnect::Handshake) {
        let lost = [
            "session_unknown",
            "session_expired",
            "resume_failed",
            "token_expired",
            "handshake_timeout",
            "ticket_invalid",
        ];
        assert!(lost.contains(&code.name()), "{}", code.name());
    }
}

#[test]
fn the_rows_other_programs_rely_on_keep_their_numbers() {
    let row = |code: Code| (code.number(), code.http_status(), code.close_code(), code.reconnect());
    assert_eq!(row(Code::SessionUnknown), (402, 200, 4402, Reconnect::Handshake));
    assert_eq!(row(Code::ResumeFailed), (402, 200, 4402, Reconnect::Handshake));
    assert_eq!(row(Code::HandshakeDenied), (403, 403, 4403, Reconnect::None));
    assert_eq!(row(Code::Superseded), (409, 409, 4409, Reconnect::Retry));
    assert_eq!(row(Code::Draining), (503, 503, 1012, Reconnect::Retry));
    assert_eq!(row(Code::Overloaded), (503, 503, 1013, Reconnect::Retry));
    assert_eq!(row(Code::TokenExpired), (401, 401, 4401, Reconnect::Handshake));
    assert_eq!(row(Code::HandshakeTimeout), (408, 408, 4408, Reconnect::Handshake));
    assert_eq!(row(Code::ConnectionTypesUnsupported).0, 301);
    assert_eq!(Code::SlowConsumer.close_code(), 4410);
    assert_eq!(Code::FrameInvalid.close_code(), 1002);
    assert_eq!(Code::TextInvalid.close_code(), 1007);
    assert_eq!(Code::FrameTooLarge.close_code(), 1009);
    assert_eq!(Code::Internal.close_code(), 1011);
}

#[test]
fn an_error_reads_number_arguments_name() {
    assert_eq!(Error::from(Code::SessionUnknown).to_string(), "402::session_unknown");
    assert_eq!(Error::new(Code::SubscribeDenied, "/a/b").to_string(), "403:/a/b:subscribe_denied");
}

#[test]
fn arguments_cannot_forge_the_form_of_an_error() {
    let error = Error::new(Code::PublishDenied, "a:b\r\nc\u{0}d\u{7f}\u{85}");
    assert_eq!(error.args(), "abcd");
    let long = Error::new(Code::PublishDenied, &"\u{e9}".repeat(200));
    assert_eq!(long.args(), "\u{e9}".repeat(128));
}

fn read(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

#[test]
fn the_page_of_codes_is_the_table() {
    let rows = read("docs/codes.md");
    let rows: Vec<&str> = rows.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), Code::ALL.len(), "a row too many or too few");
    for (row, code) in rows.iter().zip(Code::ALL) {
        let next = code.reconnect().name();
        let (number, http, close) = (code.number(), code.http_status(), code.close_code());
        let expected =
            format!("| `{}` | {number} | {http} | {close} | {next} | {} |", code.name(), code.description());
        assert_eq!(**row, expected);
    }
}

#[test]
fn the_javascript_client_reads_every_code_and_acts_on_those_that_lose_the_session() {
    let source = read("clients/javascript/src/code.js");
    let (shared, own) =
        source.split_once("Made by this client").expect("its own codes stand behind the server's");
    let entries = |text: &str| -> Vec<(String, String)> {
        let entries = text.lines().filter_map(|line| line.trim().split_once(": ["));
        entries
            .filter_map(|(name, rest)| Some((name.to_owned(), rest.split_once(',')?.0.to_owned())))
            .collect()
    };
    for (name, number) in entries(shared) {
        let code = Code::from_name(&name).unwrap_or_else(|| panic!("{name} is no code of the table"));
        assert_eq!(number, code.number().to_string(), "{name}");
    }
    for (name, _) in entries(own) {
        assert_eq!(Code::from_name(&name), None, "{name} is the server's word");
    }
    // It takes the name of any other code from the error itself; only what may follow has to be in its tables, by name or
    // by number. The ticket is of a stream, which it does not open.
    let lost = Code::ALL.iter().filter(|code| code.reconnect() == Reconnect::Handshake);
    for code in lost.filter(|code| **code != Code::TicketInvalid) {
        let row = format!("  {}: [{}, \"handshake\"],\n", code.name(), code.number());
        let by_number = format!("{}: \"handshake\"", code.number());
        let by_number = own.contains(&by_number) && !shared.contains(&format!("  {}: [", code.name()));
        assert!(shared.contains(&row) || by_number, "{} starts a new session", code.name());
    }
}
