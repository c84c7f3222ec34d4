//! A stream of pictures as an image element reads it: whatever stands between two boundaries is one.
//!
//! Parts are told only when the fields of the next one are there, as Chromium shows them, and more than the one field that
//! belongs there is not let pass. What a picture shows is not known here.

use std::net::SocketAddr;
use std::time::Instant;

use crate::{Heard, PATIENCE, Response, Socket};

/// A stream of pictures that is being read.
pub struct ImageReader {
    socket: Socket,
    head: Response,
    /// With the two hyphens before it.
    boundary: String,
    stream: Vec<u8>,
    ended: bool,
}

impl ImageReader {
    /// Asks for a stream, with these fields, each with its line end; its head has come.
    ///
    /// # Errors
    /// The answer of a server that refuses.
    ///
    /// # Panics
    /// When nothing comes within [`PATIENCE`], or no answer.
    pub fn open(address: SocketAddr, target: &str, fields: &str) -> Result<ImageReader, Response> {
        ImageReader::open_on(Socket::connect(address), target, fields)
    }

    /// The same on a connection that is there.
    ///
    /// # Errors
    /// The answer of a server that refuses.
    ///
    /// # Panics
    /// When nothing comes within [`PATIENCE`], or no answer.
    pub fn open_on(mut socket: Socket, target: &str, fields: &str) -> Result<ImageReader, Response> {
        let host = socket.host().to_owned();
        socket.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: image/*\r\n{fields}\r\n"));
        loop {
            if let Some((head, length)) = Response::read(socket.unread(), true) {
                if head.field("transfer-encoding") != Some("chunked") {
                    return Err(socket.response());
                }
                let media = head.field("content-type").expect("a type");
                let boundary =
                    media.strip_prefix("multipart/x-mixed-replace; boundary=").expect("a boundary");
                let boundary = format!("--{boundary}");
                socket.unread().drain(..length);
                return Ok(ImageReader { socket, head, boundary, stream: Vec::new(), ended: false });
            }
            assert!(matches!(socket.hear(PATIENCE), Heard::Bytes(_)), "an answer comes");
        }
    }

    /// The head of the answer.
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// What stands between the parts, with the two hyphens before it.
    pub fn boundary(&self) -> &str {
        &self.boundary
    }

    /// Whether the answer has come to its end, and was not cut.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The type that the next part says it has, and what is in it; `None` at the end.
    ///
    /// # Panics
    /// When nothing comes within [`PATIENCE`], or what is no part.
    pub fn part(&mut self) -> Option<(String, Vec<u8>)> {
        let end = Instant::now() + PATIENCE;
        let line = format!("\r\n{}\r\n", self.boundary).into_bytes();
        loop {
            let find = |from: usize, what: &[u8]| {
                self.stream[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
            };
            if let Some(fields) = find(0, b"\r\n\r\n")
                && let Some(behind) = find(fields + 4, &line)
                // An image element of Chromium shows a part when the fields of the next one are there.
                && find(behind + line.len(), b"\r\n\r\n").is_some()
            {
                let begins = std::str::from_utf8(&self.stream[..fields]).expect("fields are text");
                let media =
                    begins.strip_prefix(&format!("{}\r\nContent-Type: ", self.boundary)).expect("one field");
                let part = (media.to_owned(), self.stream[fields + 4..behind].to_vec());
                self.stream.drain(..behind + 2);
                return Some(part);
            }
            if self.ended || !self.hear(end) {
                return None;
            }
        }
    }

    /// Takes in what comes next; false when no more does.
    fn hear(&mut self, end: Instant) -> bool {
        loop {
            let unread = self.socket.unread();
            if let Some(line) = unread.windows(2).position(|two| two == b"\r\n") {
                let size = std::str::from_utf8(&unread[..line]).expect("a chunk begins with its size");
                let size = usize::from_str_radix(size, 16).expect("a chunk begins with its size");
                if unread.len() >= line + 4 + size {
                    self.stream.extend(unread.drain(..line + 4 + size).skip(line + 2).take(size));
                    self.ended |= size == 0;
                    return true;
                }
            }
            match self.socket.hear(end.saturating_duration_since(Instant::now())) {
                Heard::Bytes(_) => {}
                Heard::End => return false,
                Heard::Nothing => panic!("nothing came"),
            }
        }
    }
}
