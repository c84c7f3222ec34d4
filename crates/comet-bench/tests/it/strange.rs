//! Servers that do not do what they should: the generator says so instead of printing a figure.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use comet_bench::generator::{Fleet, Load};
use comet_bench::script::{Speech, Stage, Wire};

const SWITCH: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A server for one publisher and one subscriber: switches the subscriber, takes one publication of the publisher,
/// and sends the subscriber what `deliver` makes of its payload.
fn serve(deliver: impl FnOnce(&str) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut publisher, _) = listener.accept().unwrap();
        let (mut subscriber, _) = listener.accept().unwrap();
        read(&mut subscriber);
        subscriber.write_all(SWITCH).unwrap();
        let request = read(&mut publisher);
        publisher.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        let (_, payload) = request.split_once("\r\n\r\n").unwrap();
        subscriber.write_all(&deliver(payload)).unwrap();
        // Held until the generator has seen enough.
        let _ = subscriber.read(&mut [0; 16]);
    });
    address
}

fn read(stream: &mut TcpStream) -> String {
    let mut buffer = [0; 4096];
    let count = stream.read(&mut buffer).unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

fn frame(payload: &str) -> Vec<u8> {
    let text = format!(r#"[{{"channel":"/bench/fan","data":{payload}}}]"#);
    let mut frame = vec![0x81, 126, (text.len() >> 8) as u8, text.len() as u8];
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// What comes of one publication to one subscriber.
fn publish_to(address: SocketAddr) -> Result<u64, String> {
    let load = Load { address, door: address, speech: Speech::Bare, wire: Wire::WebSocket };
    let mut fleet = Fleet::open(load).unwrap();
    fleet.grow(1, Stage::Listening, Duration::from_secs(5)).unwrap();
    let published = fleet.publish(1, Duration::from_secs(1));
    let settled = published.and_then(|()| fleet.idle(Duration::from_millis(200)));
    settled.map(|()| fleet.ledger().take_summary().deliveries).map_err(|error| format!("{error:#}"))
}

#[test]
fn an_honest_server_is_counted() {
    assert_eq!(publish_to(serve(frame)), Ok(1));
}

#[test]
fn a_lost_copy_is_missed() {
    let error = publish_to(serve(|_| Vec::new())).unwrap_err();
    assert!(error.contains("1 deliveries and 0 answers missing"), "{error}");
}

#[test]
fn a_copy_sent_twice_is_noticed() {
    let error = publish_to(serve(|payload| [frame(payload), frame(payload)].concat())).unwrap_err();
    assert!(error.contains("received 0 instead of 1"), "{error}");
}

#[test]
fn another_sequence_number_is_noticed() {
    let error = publish_to(serve(|payload| frame(&payload.replacen(r#""s":0"#, r#""s":5"#, 1)))).unwrap_err();
    assert!(error.contains("received 5 instead of 0"), "{error}");
}

#[test]
fn a_broken_connection_is_noticed() {
    let error = publish_to(serve(|_| vec![0x88, 2, 0x03, 0xe9])).unwrap_err();
    assert!(error.contains("1001"), "{error}");
}

#[test]
fn a_server_that_lets_nobody_in_runs_into_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let load = Load { address, door: address, speech: Speech::Bayeux, wire: Wire::LongPolling };
    let mut fleet = Fleet::open(load).unwrap();
    let error = fleet.grow(2, Stage::Listening, Duration::from_millis(100)).unwrap_err();
    assert!(error.to_string().contains("0 of 2 subscribers ready"), "{error}");
}
