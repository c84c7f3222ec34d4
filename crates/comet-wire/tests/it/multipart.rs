//! Multipart streams: what a reader by lengths and a reader by boundaries both take for the same parts.

use comet_wire::http::response::LAST_CHUNK;
use comet_wire::multipart::Boundary;

use crate::http_streaming::unchunked;

const B: &str = "000000000000000000000000000000ab";

fn bodies<'a>(bodies: &'a [&'a str]) -> impl Iterator<Item = &'a [u8]> + Clone {
    bodies.iter().map(|body| body.as_bytes())
}

/// The bodies of a whole stream as a strict reader of MIME has them: fields, lengths and boundaries have to agree.
fn parts(stream: &str) -> Vec<String> {
    let mut rest = stream.strip_prefix(&format!("--{B}\r\n")).expect("it begins with the boundary");
    let mut parts = Vec::new();
    loop {
        let (fields, body) = rest.split_once("\r\n\r\n").expect("a part has fields");
        let length = fields.strip_prefix("Content-Type: application/json\r\nContent-Length: ").unwrap();
        let (body, behind) = body.split_at(length.parse().unwrap());
        parts.push(body.to_owned());
        rest = behind.strip_prefix(&format!("\r\n--{B}")).expect("a boundary ends the part");
        if let Some(end) = rest.strip_prefix("--\r\n") {
            assert_eq!(end, "", "nothing stands behind the last part");
            return parts;
        }
        rest = rest.strip_prefix("\r\n").unwrap();
    }
}

#[test]
fn a_part_is_one_chunk_and_brings_the_boundary_behind_it() {
    let boundary = Boundary::new(0xab);
    assert_eq!(boundary.media(), format!("multipart/x-mixed-replace; boundary={B}"));
    let mut out = Vec::new();
    boundary.write_part(&mut out, bodies(&["1", "2"]));
    let part = format!("Content-Type: application/json\r\nContent-Length: 5\r\n\r\n[1,2]\r\n--{B}\r\n");
    assert_eq!(String::from_utf8(out).unwrap(), format!("{:x}\r\n{part}\r\n", part.len()));
    let mut beginning = Vec::new();
    boundary.write_beginning(&mut beginning);
    assert_eq!(String::from_utf8(beginning).unwrap(), format!("24\r\n--{B}\r\n\r\n"));
}

#[test]
fn parts_and_heartbeats_of_any_length_are_read_back() {
    let boundary = Boundary::new(0xab);
    let mut out = Vec::new();
    let mut wanted = Vec::new();
    boundary.write_beginning(&mut out);
    for length in [0, 1, 8, 9, 98, 99, 998, 70_000] {
        let text = format!("\"{}\"", "x".repeat(length));
        boundary.write_part(&mut out, bodies(&[&text]));
        out.extend_from_slice(boundary.heartbeat());
        wanted.extend([format!("[{text}]"), "[]".into()]);
    }
    boundary.write_last_part(&mut out, bodies(&["{}"]));
    wanted.push("[{}]".into());
    out.extend_from_slice(LAST_CHUNK);
    assert!(parts(&String::from_utf8(unchunked(&out)).unwrap()) == wanted);
}

#[test]
fn no_message_can_forge_a_part() {
    let boundary = Boundary::new(0xab);
    // Line ends stand in JSON only between tokens, where they are white space.
    let forged = format!("{{\"a\":\r\n--{B}\r\n1}}").replace(&format!("--{B}"), " ");
    let quoted = format!("\"\\r\\n--{B}--\\r\\n\"");
    let mut out = Vec::new();
    boundary.write_beginning(&mut out);
    boundary.write_part(&mut out, bodies(&[&forged, &quoted]));
    boundary.write_last_part(&mut out, bodies(&[]));
    out.extend_from_slice(LAST_CHUNK);
    let stream = String::from_utf8(unchunked(&out)).unwrap();
    let read = parts(&stream);
    assert_eq!(read.len(), 2);
    assert!(!read[0].contains(['\r', '\n']));
    let value: serde_json::Value = serde_json::from_str(&read[0]).unwrap();
    assert_eq!(value[0]["a"], 1);
    assert_eq!(value[1], format!("\r\n--{B}--\r\n"));
}
