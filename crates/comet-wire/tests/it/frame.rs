//! Frames: every rule of the standard that a peer can break, and the memory a peer can take.

use comet_wire::websocket::client::write_frame;
use comet_wire::websocket::{
    Decoded, Decoder, Event, FrameError, FrameLimits, Opcode, close_frame, ping_frame, pong_frame,
    text_frame, write_text_frame_header,
};

const KEY: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

/// An event that does not borrow, for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl From<Event<'_>> for Said {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into_owned()),
            Event::Binary(bytes) => Self::Binary(bytes.into_owned()),
            Event::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Event::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Event::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

/// Feeds the pieces as a connection would: what is not consumed stays and the next piece is added to it.
pub(crate) fn drive(
    decoder: &mut Decoder,
    pieces: &[&[u8]],
    limits: &FrameLimits,
) -> (Vec<Said>, Option<FrameError>) {
    let mut said = Vec::new();
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let held = buffer.len();
            match decoder.decode(&mut buffer, limits) {
                Ok(Decoded::NeedMore { at_least }) => {
                    assert!(
                        at_least > held && at_least <= 131,
                        "{at_least} bytes are asked for, {held} are there"
                    );
                    break;
                }
                Ok(Decoded::Frame { event, consumed }) => {
                    said.extend(event.map(Said::from));
                    assert!(consumed > 0 && consumed <= held);
                    buffer.drain(..consumed);
                }
                Err(error) => return (said, Some(error)),
            }
        }
    }
    (said, None)
}

fn limits() -> FrameLimits {
    FrameLimits::default()
}

fn server(wire: &[u8]) -> (Vec<Said>, Option<FrameError>) {
    drive(&mut Decoder::new(), &[wire], &limits())
}

fn error(wire: &[u8]) -> FrameError {
    match server(wire) {
        (_, Some(error)) => error,
        (said, None) => panic!("{wire:02x?} was read as {said:?}"),
    }
}

/// A masked frame with any first byte.
pub(crate) fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, Opcode::Binary, payload, KEY);
    out[0] = first;
    out
}

fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_frame(&mut out, opcode, payload, KEY);
    out
}

fn text(value: &str) -> Said {
    Said::Text(value.to_owned())
}

#[test]
fn a_whole_message_is_handed_out_where_it_stands() {
    let mut wire = masked(Opcode::Text, "h\u{e9}llo".as_bytes());
    let range = wire.as_ptr_range();
    let mut decoder = Decoder::new();
    match decoder.decode(&mut wire, &limits()).unwrap() {
        Decoded::Frame { event: Some(Event::Text(std::borrow::Cow::Borrowed(text))), consumed } => {
            assert_eq!((text, consumed), ("h\u{e9}llo", 12));
            assert!(range.contains(&text.as_ptr()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(decoder.held_bytes(), 0);
}

#[test]
fn an_idle_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 24);
    assert_eq!(Decoder::default().held_bytes(), 0);
}

#[test]
fn the_examples_of_the_standard_are_read() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(server(&hello), (vec![text("Hello")], None));
    let mut client = Decoder::for_client();
    let frames = [&[0x01, 0x03][..], b"Hel", &[0x80, 0x02], b"lo", &[0x81, 0x05], b"Hello"];
    assert_eq!(drive(&mut client, &frames, &limits()), (vec![text("Hello"), text("Hello")], None));
    let ping = [0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(server(&ping), (vec![Said::Ping(b"Hello".to_vec())], None));
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let wire = [
        raw(0x01, b"a"),
        masked(Opcode::Ping, b"p"),
        raw(0x00, b""),
        masked(Opcode::Pong, b""),
        raw(0x80, b"b"),
    ];
    let expected = vec![Said::Ping(b"p".to_vec()), Said::Pong(Vec::new()), text("ab")];
    assert_eq!(server(&wire.concat()), (expected, None));
}

#[test]
fn a_message_may_be_empty() {
    assert_eq!(server(&masked(Opcode::Text, b"")), (vec![text("")], None));
    assert_eq!(server(&[raw(0x02, b""), raw(0x80, b"")].concat()), (vec![Said::Binary(Vec::new())], None));
}

#[test]
fn lengths_must_be_short_and_possible() {
    for length in [1_u64 << 63, u64::MAX, 0, 125, 126, 0xffff] {
        let wire = [&[0x82, 0xff][..], &length.to_be_bytes(), &KEY].concat();
        assert_eq!((error(&wire), error(&wire).close_code()), (FrameError::Length, 1002), "{length}");
    }
    for length in [0_u16, 125] {
        let wire = [&[0x82, 0xfe][..], &length.to_be_bytes(), &KEY].concat();
        assert_eq!(error(&wire), FrameError::Length, "{length}");
    }
    for length in [(1_u64 << 63) - 1, 64 * 1024 + 1] {
        let wire = [&[0x82, 0xff][..], &length.to_be_bytes(), &KEY].concat();
        assert_eq!((error(&wire), error(&wire).close_code()), (FrameError::TooLarge, 1009), "{length}");
    }
}

#[test]
fn an_announced_length_takes_no_memory() {
    let generous = FrameLimits { message_bytes: 100 << 20, ..limits() };
    let wire = [&[0x82, 0xff][..], &(60_u64 << 20).to_be_bytes(), &KEY].concat();
    let mut decoder = Decoder::new();
    assert_eq!(drive(&mut decoder, &[&wire], &generous), (Vec::new(), None));
    assert!(decoder.is_inside_message() && decoder.held_bytes() < 256, "{}", decoder.held_bytes());
    drive(&mut decoder, &[&[0; 1000]], &generous);
    assert!((1000..4096).contains(&decoder.held_bytes()), "{}", decoder.held_bytes());
}

#[test]
fn a_message_over_the_limit_is_refused_at_the_header_that_passes_it() {
    let small = FrameLimits { message_bytes: 10, ..limits() };
    let read = |wire: &[u8]| drive(&mut Decoder::new(), &[wire], &small);
    assert_eq!(read(&masked(Opcode::Text, b"0123456789")), (vec![text("0123456789")], None));
    assert_eq!(read(&masked(Opcode::Text, b"0123456789a")[..6]).1, Some(FrameError::TooLarge));
    let fragments = [raw(0x01, b"012345"), raw(0x80, b"6789a")[..6].to_vec()].concat();
    assert_eq!(read(&fragments).1, Some(FrameError::TooLarge));
}

#[test]
fn fragments_are_counted_even_when_empty() {
    let read = |count: usize, payload: &[u8]| {
        let mut wire = raw(0x02, payload);
        wire.extend(raw(0x00, payload).repeat(count - 2));
        wire.extend(raw(0x80, payload));
        server(&wire)
    };
    assert_eq!(read(1024, b"").1, None);
    assert_eq!(read(1024, b"x"), (vec![Said::Binary(vec![b'x'; 1024])], None));
    for payload in [&b""[..], b"x"] {
        let (said, error) = read(1025, payload);
        assert_eq!((said, error.map(FrameError::close_code)), (Vec::new(), Some(1008)));
    }
    let pairs = FrameLimits { fragments: 2, ..limits() };
    let wire = [raw(0x02, b""), raw(0, b""), raw(0, b"")].concat();
    assert_eq!(drive(&mut Decoder::new(), &[&wire], &pairs).1, Some(FrameError::TooManyFragments));
}

#[test]
fn what_the_standard_forbids_is_a_protocol_error() {
    let close = |payload: &[u8]| masked(Opcode::Close, payload);
    let long_ping = [&[0x89, 0xfe, 0, 126][..], &KEY, &[0; 126]].concat();
    let cases = [
        (raw(0xc1, b""), FrameError::ReservedBit),
        (raw(0xa1, b""), FrameError::ReservedBit),
        (raw(0x91, b""), FrameError::ReservedBit),
        (raw(0x83, b""), FrameError::Opcode),
        (raw(0x87, b""), FrameError::Opcode),
        (raw(0x8b, b""), FrameError::Opcode),
        (raw(0x8f, b""), FrameError::Opcode),
        (vec![0x81, 0x00], FrameError::Mask),
        (vec![0x89, 0x01, b'a'], FrameError::Mask),
        (raw(0x09, b""), FrameError::Control),
        (raw(0x08, b""), FrameError::Control),
        (long_ping, FrameError::Control),
        (raw(0x80, b"a"), FrameError::Continuation),
        (raw(0x00, b"a"), FrameError::Continuation),
        ([raw(0x01, b"a"), raw(0x81, b"b")].concat(), FrameError::Continuation),
        ([raw(0x01, b"a"), raw(0x80, b"b"), raw(0x80, b"c")].concat(), FrameError::Continuation),
        (close(b"x"), FrameError::Close),
    ];
    for (wire, expected) in cases {
        assert_eq!((error(&wire), expected.close_code()), (expected, 1002), "{wire:02x?}");
    }
    let (_, unmasked) = drive(&mut Decoder::for_client(), &[&masked(Opcode::Text, b"a")], &limits());
    assert_eq!(unmasked, Some(FrameError::Mask));
}

#[test]
fn nonsense_is_refused_at_its_first_byte() {
    assert_eq!(error(&[0xf1]), FrameError::ReservedBit);
    assert_eq!(error(&[0x83]), FrameError::Opcode);
    assert_eq!(error(&[0x09]), FrameError::Control);
    assert_eq!(error(&[0x89, 0xfe]), FrameError::Control);
    assert_eq!(error(&[0x81, 0x05]), FrameError::Mask);
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4408,
        4999_u16,
    ] {
        let wire = masked(Opcode::Close, &[&code.to_be_bytes()[..], b"why"].concat());
        assert_eq!(server(&wire), (vec![Said::Close(Some(code), "why".into())], None));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535_u16] {
        assert_eq!(error(&masked(Opcode::Close, &code.to_be_bytes())), FrameError::Close, "{code}");
    }
    assert_eq!(server(&masked(Opcode::Close, b"")), (vec![Said::Close(None, String::new())], None));
    assert_eq!(error(&masked(Opcode::Close, b"\x03\xe8\xff")), FrameError::Utf8);
}

#[test]
fn nothing_is_heard_after_a_close() {
    let mut decoder = Decoder::new();
    let wire = [masked(Opcode::Close, b""), masked(Opcode::Text, b"late"), vec![0xff; 300]].concat();
    assert_eq!(
        drive(&mut decoder, &[&wire, b"more"], &limits()),
        (vec![Said::Close(None, String::new())], None)
    );
    assert!(decoder.is_ended());
}

#[test]
fn nothing_is_heard_after_an_error() {
    let mut decoder = Decoder::new();
    assert_eq!(drive(&mut decoder, &[&raw(0x01, b"a"), &[0xff]], &limits()).1, Some(FrameError::ReservedBit));
    assert!(decoder.is_ended() && decoder.held_bytes() == 0);
    assert_eq!(drive(&mut decoder, &[&masked(Opcode::Text, b"a")], &limits()), (Vec::new(), None));
}

#[test]
fn text_that_is_not_utf8_is_refused_at_the_first_byte_that_shows_it() {
    // Valid text, then a character above U+10FFFF: its second byte already tells.
    let payload = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited";
    let fatal = 13;
    let wire = masked(Opcode::Text, payload);
    for frames in [wire.clone(), [raw(0x01, &payload[..5]), raw(0x80, &payload[5..])].concat()] {
        let header = frames.len() - payload.len();
        let before: Vec<&[u8]> = frames[..header + fatal - 1].chunks(1).collect();
        let mut decoder = Decoder::new();
        assert_eq!(drive(&mut decoder, &before, &limits()), (Vec::new(), None));
        let mut next = [frames[header + fatal - 1]];
        assert_eq!(decoder.decode(&mut next, &limits()), Err(FrameError::Utf8));
    }
    assert_eq!(error(&wire).close_code(), 1007);
}

#[test]
fn a_character_may_be_cut_but_not_left_open() {
    let euro = "\u{20ac}".as_bytes();
    let fragments = [raw(0x01, &euro[..1]), raw(0x00, &euro[1..2]), raw(0x80, &euro[2..])];
    assert_eq!(server(&fragments.concat()), (vec![text("\u{20ac}")], None));
    assert_eq!(error(&masked(Opcode::Text, &euro[..2])), FrameError::Utf8);
    assert_eq!(error(&[raw(0x01, &euro[..1]), raw(0x80, b"")].concat()), FrameError::Utf8);
    assert_eq!(error(&masked(Opcode::Text, b"\xed\xa0\x80")), FrameError::Utf8);
    assert_eq!(server(&masked(Opcode::Binary, b"\xff")), (vec![Said::Binary(vec![0xff])], None));
}

#[test]
fn server_frames_have_the_shortest_header() {
    for (length, header) in [
        (0, &[0x81, 0][..]),
        (125, &[0x81, 125]),
        (126, &[0x81, 126, 0, 126]),
        (65535, &[0x81, 126, 0xff, 0xff]),
        (65536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let mut out = Vec::new();
        write_text_frame_header(length, &mut out);
        assert_eq!(out, header);
    }
    assert_eq!(text_frame(&[b"a", b"", b"bc"]), b"\x81\x03abc");
}

#[test]
fn control_frames_never_exceed_their_limit() {
    assert_eq!(ping_frame(&[1; 200]).len(), 127);
    assert_eq!(pong_frame(b"ab"), b"\x8a\x02ab");
    let reason = "\u{20ac}".repeat(50);
    let frame = close_frame(1001, &reason);
    let mut client = Decoder::for_client();
    let (said, error) = drive(&mut client, &[&frame], &limits());
    assert_eq!((said, error), (vec![Said::Close(Some(1001), "\u{20ac}".repeat(41))], None));
}
