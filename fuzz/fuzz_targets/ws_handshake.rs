//! The opening handshake, both sides.
//!
//! A good request gets fields from the fuzzer, and an answer is read that the fuzzer has made. What is
//! accepted must be what the standard allows; nothing the fuzzer says may reach the answer.
#![no_main]

use comet_wire::http::{BodyFraming, HeadLimits, Method, Parsed, parse_head};
use comet_wire::websocket::client::Handshake;
use comet_wire::websocket::{accept, extension, write_accept};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let handshake = Handshake::new([1; 16]);
    let _ = handshake.read_answer(bytes);
    let _ = handshake.read_answer(&[b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n", bytes].concat());

    let mut request = Vec::new();
    handshake.write_request(&mut request, "h", "/", &[]).expect("a request of constants");
    request.truncate(request.len() - 2);
    request.extend_from_slice(b"Sec-WebSocket-Extensions: ");
    request.extend_from_slice(bytes);
    request.extend_from_slice(b"\r\n\r\n");
    let Ok(Parsed::Complete { head, .. }) = parse_head(&request, &HeadLimits::default()) else { return };
    let _ = extension::offers(&head);
    if let Ok(accepted) = accept(&head, None) {
        assert!(
            head.method == Method::Get
                && matches!(head.framing(), BodyFraming::None | BodyFraming::Length(0))
        );
        let mut answer = Vec::new();
        write_accept(&mut answer, &accepted, &[]).expect("an answer of constants");
        assert!(handshake.read_answer(&answer).is_ok());
    }
});
