//! Request heads: what is understood, what is refused, and that trickling bytes are looked at once.

use comet_wire::http::{BodyFraming, Head, HeadError, HeadLimits, HeadScanner, Method, Parsed, parse_head};
use proptest::prelude::*;

use crate::split::{cuts, pieces};

fn limits() -> HeadLimits {
    HeadLimits::default()
}

fn parse(text: &str) -> Result<Head<'_>, HeadError> {
    match parse_head(text.as_bytes(), &limits())? {
        Parsed::Complete { head, length } => {
            assert_eq!(length, text.len());
            Ok(head)
        }
        Parsed::Partial => panic!("{text:?} is partial"),
    }
}

fn refusal(text: &str) -> HeadError {
    match parse(text) {
        Ok(head) => panic!("{text:?} was read as {head:?}"),
        Err(error) => error,
    }
}

fn with_fields(fields: &str) -> String {
    format!("POST /cometd HTTP/1.1\r\nHost: here\r\n{fields}\r\n")
}

#[test]
fn a_usual_request_is_understood() {
    let text = "POST /cometd/connect?x=1?2 HTTP/1.1\r\nhOST: here:8000\r\nOrigin: https://there\r\n\
        Content-Type: Application/JSON ; charset=utf-8\r\nCookie: a=1; BAYEUX_BROWSER=xyz\r\nCookie: b=\"2\"\r\n\
        Content-Length: 12\r\nExpect: 100-Continue\r\n\r\n";
    let head = parse(text).unwrap();
    assert_eq!(head.method, Method::Post);
    assert_eq!((head.path(), head.query()), ("/cometd/connect", Some("x=1?2")));
    assert_eq!(head.target, "/cometd/connect?x=1?2");
    assert!(head.version11 && head.keep_alive() && head.expects_continue());
    assert_eq!((head.host(), head.origin()), (Some("here:8000"), Some("https://there")));
    assert_eq!(head.content_type(), Some("Application/JSON"));
    assert_eq!(head.cookie("BAYEUX_BROWSER"), Some("xyz"));
    assert_eq!(head.cookie("b"), Some("\"2\""));
    assert_eq!(head.cookie("BAYEUX"), None);
    assert_eq!(head.cookie("bayeux_browser"), None);
    assert_eq!(head.framing(), BodyFraming::Length(12));
    assert_eq!(head.field("CONTENT-length"), Some(&b"12"[..]));
    assert_eq!(head.fields("cookie").count(), 2);
    assert_eq!(head.all_fields().len(), 7);
    assert_eq!(head.upgrade(), None);
    assert!(!head.body_is_coded());
}

#[test]
fn every_method_has_its_name() {
    let names = [
        ("GET", Method::Get),
        ("POST", Method::Post),
        ("OPTIONS", Method::Options),
        ("HEAD", Method::Head),
        ("PUT", Method::Put),
        ("DELETE", Method::Delete),
        ("PATCH", Method::Other),
        ("get", Method::Other),
    ];
    for (name, method) in names {
        assert_eq!(parse(&format!("{name} / HTTP/1.1\r\nHost: h\r\n\r\n")).unwrap().method, method);
    }
}

#[test]
fn an_ambiguous_length_is_refused() {
    let grid = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 9999999999999999999\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding:\r\n",
    ];
    for fields in grid {
        let error = refusal(&with_fields(fields));
        assert_eq!((error, error.status()), (HeadError::Framing, 400), "{fields:?}");
    }
    for field in
        ["Transfer-Encoding: \u{b}chunked\r\n", "Content-Length : 5\r\n", "Transfer-Encoding : chunked\r\n"]
    {
        assert_eq!(refusal(&with_fields(field)), HeadError::Field, "{field:?}");
    }
    assert_eq!(
        refusal("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"),
        HeadError::Framing
    );
}

#[test]
fn an_unambiguous_length_is_taken() {
    assert_eq!(parse(&with_fields("")).unwrap().framing(), BodyFraming::None);
    assert_eq!(parse(&with_fields("Content-Length: 0\r\n")).unwrap().framing(), BodyFraming::Length(0));
    for field in ["Transfer-Encoding: chunked\r\n", "transfer-encoding:\tChunked \r\n"] {
        assert_eq!(parse(&with_fields(field)).unwrap().framing(), BodyFraming::Chunked);
    }
}

#[test]
fn the_host_must_stand_once_and_agree_with_the_target() {
    let wrong = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for text in wrong {
        assert_eq!(refusal(text), HeadError::Host, "{text:?}");
    }
    assert_eq!(parse("GET / HTTP/1.0\r\n\r\n").unwrap().host(), None);
    assert_eq!(parse("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").unwrap().host(), Some("[::1]:80"));
    let absolute = parse("GET HTTP://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n").unwrap();
    assert_eq!((absolute.path(), absolute.query()), ("/x", Some("y")));
    let bare = parse("GET http://a?y HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!((bare.path(), bare.query()), ("/", Some("y")));
}

#[test]
fn a_target_without_a_known_form_is_refused() {
    for target in ["x", "*", "//a#b", "/#", "ftp://h/", "h:443", "/\u{e9}", "http:/h/"] {
        assert_eq!(
            refusal(&format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")),
            HeadError::Target,
            "{target:?}"
        );
    }
    assert_eq!(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").unwrap().path(), "*");
    for line in [
        "GET /\u{1} HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET / x HTTP/1.1",
        "G\u{0}T / HTTP/1.1",
    ] {
        let error = refusal(&format!("{line}\r\nHost: h\r\n\r\n"));
        assert_eq!(error.status() / 100, if error == HeadError::Version { 5 } else { 4 }, "{line:?}");
    }
}

#[test]
fn a_line_must_end_in_both_characters() {
    for text in [
        "GET / HTTP/1.1\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n",
        "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        assert_eq!(refusal(text), HeadError::Line, "{text:?}");
    }
    assert!(parse("GET / HTTP/1.1\rHost: h\r\n\r\n").is_err());
    assert!(parse("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n").is_err());
    assert!(parse("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").is_ok());
}

#[test]
fn a_malformed_field_is_refused() {
    for field in [
        "X: a\u{0}b\r\n",
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X : a\r\n",
        ": a\r\n",
        "X\r\n",
        " X: a\r\n",
        "X: \u{7f}\r\n",
    ] {
        assert_eq!(refusal(&with_fields(field)), HeadError::Field, "{field:?}");
    }
    for field in ["Origin: a\r\nOrigin: b\r\n", "Authorization: a\r\nauthorization: b\r\n"] {
        assert_eq!(refusal(&with_fields(field)), HeadError::Repeated, "{field:?}");
    }
    assert_eq!(refusal(&with_fields("Origin: https://\u{e9}\r\n")), HeadError::Field);
}

#[test]
fn an_unknown_version_is_refused_with_505() {
    let error = refusal("GET / HTTP/2.0\r\nHost: h\r\n\r\n");
    assert_eq!((error, error.status()), (HeadError::Version, 505));
}

#[test]
fn a_head_with_too_many_fields_is_refused() {
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert_eq!(parse(&fields(100)).unwrap().all_fields().len(), 100);
    let error = refusal(&fields(101));
    assert_eq!((error, error.status()), (HeadError::TooManyFields, 431));
    let generous = HeadLimits { fields: 10_000, ..limits() };
    assert!(matches!(parse_head(fields(257).as_bytes(), &generous), Err(HeadError::TooManyFields)));
}

#[test]
fn a_head_over_its_limits_is_refused() {
    let bytes = HeadLimits { bytes: 100, ..limits() };
    let text = |length: usize| format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "y".repeat(length - 32));
    assert!(matches!(parse_head(text(100).as_bytes(), &bytes), Ok(Parsed::Complete { length: 100, .. })));
    for long in [text(101), "y".repeat(100), text(1 << 20)] {
        let error = parse_head(long.as_bytes(), &bytes).unwrap_err();
        assert_eq!((error, error.status()), (HeadError::TooLong, 431));
    }
    let target_bytes = HeadLimits { target_bytes: 8, ..limits() };
    let target = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(parse_head(target("/1234567").as_bytes(), &target_bytes).is_ok());
    let error = parse_head(target("/12345678").as_bytes(), &target_bytes).unwrap_err();
    assert_eq!((error, error.status()), (HeadError::TargetTooLong, 414));
}

#[test]
fn a_head_over_its_limit_is_too_long_whatever_stands_beyond() {
    let limits = HeadLimits { bytes: 100, ..limits() };
    let text = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\nbroken", "y".repeat(100));
    assert_eq!(parse_head(text.as_bytes(), &limits).unwrap_err(), HeadError::TooLong);
    let mut scanner = HeadScanner::new();
    let mut dripped = (1..=text.len()).map(|end| scanner.find_end(&text.as_bytes()[..end], &limits));
    assert_eq!(dripped.find(|found| *found != Ok(None)), Some(Err(HeadError::TooLong)));
}

#[test]
fn bytes_that_were_searched_are_not_searched_again() {
    let limits = HeadLimits { bytes: 128 * 1024, ..limits() };
    let mut text = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n", "y".repeat(64 * 1024)).into_bytes();
    let mut scanner = HeadScanner::new();
    assert_eq!(scanner.find_end(&text, &limits), Ok(None));
    // A line feed that would be refused stands where the scanner has been: it must not be seen.
    text[40] = b'\n';
    text.extend_from_slice(b"\r\n");
    assert_eq!(scanner.find_end(&text, &limits), Ok(Some(text.len())));
    assert_eq!(scanner, HeadScanner::new());
    assert_eq!(scanner.find_end(&text, &limits), Err(HeadError::Line));
}

#[test]
fn what_follows_a_head_is_left_alone() {
    let first = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    let text = format!("{first}GET /b HTTP/1.1\nbroken");
    match parse_head(text.as_bytes(), &limits()).unwrap() {
        Parsed::Complete { head, length } => assert_eq!((head.path(), length), ("/a", first.len())),
        Parsed::Partial => panic!("the first head is whole"),
    }
}

#[test]
fn the_connection_field_says_what_follows() {
    assert!(!parse(&with_fields("Connection: foo, Close\r\n")).unwrap().keep_alive());
    assert!(!parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap().keep_alive());
    let upgrade = with_fields("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n");
    assert_eq!(parse(&upgrade).unwrap().upgrade(), Some("websocket"));
    assert_eq!(parse(&with_fields("Upgrade: websocket\r\n")).unwrap().upgrade(), None);
}

#[test]
fn a_coded_body_is_noticed() {
    assert!(parse(&with_fields("Content-Encoding: gzip\r\n")).unwrap().body_is_coded());
    assert!(parse(&with_fields("Content-Encoding: identity, br\r\n")).unwrap().body_is_coded());
    assert!(!parse(&with_fields("Content-Encoding: identity\r\n")).unwrap().body_is_coded());
}

#[test]
fn the_most_exact_media_range_decides() {
    let accepts = |accept: &str, mime: &str| parse(&with_fields(accept)).unwrap().accepts(mime);
    assert!(accepts("", "text/html"));
    assert!(accepts("Accept: */*\r\n", "text/html"));
    assert!(accepts("Accept: text/*;q=0.1\r\n", "text/html"));
    assert!(accepts("Accept: a/b\r\nAccept: Text/HTML\r\n", "text/html"));
    assert!(!accepts("Accept: application/json\r\n", "text/html"));
    assert!(!accepts("Accept: text/html;q=0, */*\r\n", "text/html"));
    assert!(!accepts("Accept: */*, text/*; q=0.0\r\n", "text/html"));
    let asks = |accept: &str| parse(&with_fields(accept)).unwrap().asks_for("text/event-stream");
    assert!(asks("Accept: text/event-stream\r\n"));
    assert!(!asks("Accept: */*\r\n"));
    assert!(!asks(""));
    assert!(!asks("Accept: text/event-stream;q=0\r\n"));
}

proptest! {
    #[test]
    fn a_head_reads_the_same_however_it_is_cut(
        path in "/[a-z]{0,8}", value in "[ -~]{0,30}", ending in "(\r\n|\n|\r|X)", cuts in cuts()
    ) {
        let text = format!("GET {path} HTTP/1.1\r\nHost: h\r\nX: {value}\r\n{ending}");
        let whole = format!("{:?}", parse_head(text.as_bytes(), &limits()));
        let mut scanner = HeadScanner::new();
        let mut arrived = Vec::new();
        let mut result = String::new();
        for piece in pieces(text.as_bytes(), &cuts) {
            arrived.extend_from_slice(piece);
            result = format!("{:?}", scanner.parse(&arrived, &limits()));
            if !result.starts_with("Ok(Partial") {
                break;
            }
        }
        prop_assert_eq!(result, whole);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut request = b"GET / HTTP/1.1\r\nHost: h\r\n".to_vec();
        let _ = parse_head(&bytes, &limits());
        request.extend_from_slice(&bytes);
        request.extend_from_slice(b"\r\n\r\n");
        if let Ok(Parsed::Complete { head, length }) = parse_head(&request, &limits()) {
            prop_assert!(length <= request.len());
            let _ = (head.accepts("a/b"), head.cookie("x"), head.content_type(), head.upgrade());
        }
    }
}
