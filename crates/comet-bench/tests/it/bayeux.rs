//! Sessions against a scripted Bayeux server: stage by stage on real sockets, over both wires.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use comet_bench::generator::{Fleet, Load};
use comet_bench::script::{Speech, Stage, Wire};

const SUBSCRIBERS: usize = 3;

/// Answers each request with success, a parked connect not at all, and says on which channel each one came.
fn serve(wire: Wire) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, channels) = channel();
    std::thread::spawn(move || {
        let _publisher = listener.accept().unwrap();
        let threads: Vec<_> = (0..SUBSCRIBERS)
            .map(|number| {
                let (stream, _) = listener.accept().unwrap();
                let sender = sender.clone();
                std::thread::spawn(move || talk(stream, wire, number, &sender))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    (address, channels)
}

fn talk(mut stream: TcpStream, wire: Wire, number: usize, sender: &Sender<String>) {
    let mut buffer = [0; 4096];
    if wire == Wire::WebSocket {
        assert!(stream.read(&mut buffer).unwrap() > 0);
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        stream.write_all(switch).unwrap();
    }
    let mut connects = 0;
    // The generator ends its connections with a reset.
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let text = match wire {
            Wire::WebSocket => unmask(&buffer[..count]),
            _ => String::from_utf8(buffer[..count].to_vec()).unwrap(),
        };
        let channel = text.split_once(r#"[{"channel":""#).unwrap().1.split_once('"').unwrap().0.to_owned();
        connects += usize::from(channel == "/meta/connect");
        let known = text.contains(&format!(r#""clientId":"c{number}""#));
        assert_eq!(known, channel != "/meta/handshake", "{text}");
        if connects < 2 {
            let reply = format!(r#"[{{"channel":"{channel}","successful":true,"clientId":"c{number}"}}]"#);
            let head = match wire {
                Wire::WebSocket => vec![0x81, reply.len() as u8],
                _ => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", reply.len()).into_bytes(),
            };
            stream.write_all(&[&head, reply.as_bytes()].concat()).unwrap();
        }
        sender.send(channel).unwrap();
    }
}

fn unmask(frame: &[u8]) -> String {
    let start = if frame[1] & 0x7f == 126 { 4 } else { 2 };
    let (mask, payload) = frame[start..].split_at(4);
    payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| char::from(byte ^ mask)).collect()
}

fn sessions_stop_and_go_on(wire: Wire) {
    let (address, channels) = serve(wire);
    let mut fleet = Fleet::open(Load { address, door: address, speech: Speech::Bayeux, wire }).unwrap();
    fleet.grow(SUBSCRIBERS, Stage::Handshaken, Duration::from_secs(5)).unwrap();
    fleet.idle(Duration::from_millis(50)).unwrap();
    let handshakes: Vec<String> = channels.try_iter().collect();
    assert_eq!(handshakes, vec!["/meta/handshake"; SUBSCRIBERS]);
    fleet.grow(SUBSCRIBERS, Stage::Listening, Duration::from_secs(5)).unwrap();
    let rest: Vec<String> = channels.iter().take(3 * SUBSCRIBERS).collect();
    let count = |channel: &str| rest.iter().filter(|found| *found == channel).count();
    assert_eq!((count("/meta/connect"), count("/meta/subscribe")), (2 * SUBSCRIBERS, SUBSCRIBERS));
}

#[test]
fn websocket_sessions_stop_at_a_stage_and_go_on_from_there() {
    sessions_stop_and_go_on(Wire::WebSocket);
}

#[test]
fn polling_sessions_stop_at_a_stage_and_go_on_from_there() {
    sessions_stop_and_go_on(Wire::LongPolling);
}
