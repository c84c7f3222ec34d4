//! Writes what the load generator says: HTTP requests and Bayeux messages, as short as the protocol allows.
//! When each is due is decided in `script`. Everything is appended to the caller's vector.

use super::CHANNEL;
use super::websocket::KEY;

/// Appends a WebSocket upgrade for `path`.
pub fn write_upgrade(path: &str, out: &mut Vec<u8>) {
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
}

/// Appends a GET for `path` on a connection that stays open.
pub fn write_get(path: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes());
}

/// Appends a POST of JSON to `path` on a connection that stays open.
pub fn write_post(path: &str, body: &[u8], out: &mut Vec<u8>) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}

/// Appends a batch with one handshake for the transport of this Bayeux name.
pub fn write_handshake(connection_type: &str, out: &mut Vec<u8>) {
    let message = format!(
        r#"[{{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["{connection_type}"]}}]"#
    );
    out.extend_from_slice(message.as_bytes());
}

/// Appends a batch with one connect.
pub fn write_connect(connection_type: &str, client_id: &str, out: &mut Vec<u8>) {
    let message = format!(
        r#"[{{"channel":"/meta/connect","id":"2","clientId":"{client_id}","connectionType":"{connection_type}"}}]"#
    );
    out.extend_from_slice(message.as_bytes());
}

/// Appends a batch with the handshake of a client that counts what it receives.
pub fn write_counting_handshake(connection_type: &str, out: &mut Vec<u8>) {
    let message = format!(
        r#"[{{"channel":"/meta/handshake","id":"1","version":"1.0","supportedConnectionTypes":["{connection_type}"],"ext":{{"received":true}}}}]"#
    );
    out.extend_from_slice(message.as_bytes());
}

/// Appends a batch with one connect that says how many events have come.
pub fn write_counting_connect(connection_type: &str, client_id: &str, received: u64, out: &mut Vec<u8>) {
    let message = format!(
        r#"[{{"channel":"/meta/connect","id":"2","clientId":"{client_id}","connectionType":"{connection_type}","ext":{{"received":{received}}}}}]"#
    );
    out.extend_from_slice(message.as_bytes());
}

/// Appends a batch with one subscription to [`CHANNEL`] that asks for everything after `position`, which is JSON.
pub fn write_subscribe_since(client_id: &str, position: &str, out: &mut Vec<u8>) {
    let message = format!(
        r#"[{{"channel":"/meta/subscribe","id":"3","clientId":"{client_id}","subscription":"{CHANNEL}","ext":{{"since":{position}}}}}]"#
    );
    out.extend_from_slice(message.as_bytes());
}

/// Appends a batch with one subscription to [`CHANNEL`].
pub fn write_subscribe(client_id: &str, out: &mut Vec<u8>) {
    let message = format!(
        r#"[{{"channel":"/meta/subscribe","id":"3","clientId":"{client_id}","subscription":"{CHANNEL}"}}]"#
    );
    out.extend_from_slice(message.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::batch;
    use super::*;

    #[test]
    fn every_message_is_a_batch_of_one() {
        let mut texts: [Vec<u8>; 6] = Default::default();
        write_handshake("websocket", &mut texts[0]);
        write_connect("websocket", "abc", &mut texts[1]);
        write_subscribe("abc", &mut texts[2]);
        write_counting_handshake("websocket", &mut texts[3]);
        write_counting_connect("websocket", "abc", 7, &mut texts[4]);
        write_subscribe_since("abc", r#"{"epoch":"a","offset":1}"#, &mut texts[5]);
        let channels = ["/meta/handshake", "/meta/connect", "/meta/subscribe"];
        for (text, channel) in texts.iter().zip(channels.iter().cycle()) {
            let messages = batch::parse(text).unwrap();
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].channel, *channel);
        }
    }

    #[test]
    fn a_post_announces_exactly_its_body() {
        let mut out = Vec::new();
        write_post("/api/publish", b"{\"a\":1}", &mut out);
        assert!(out.ends_with(b"Content-Length: 7\r\n\r\n{\"a\":1}"));
    }
}
