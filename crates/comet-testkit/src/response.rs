//! HTTP answers as a test reads them.
//!
//! Only what this server may send is understood: a head, and a body by its length, in chunks or not at all.
//! Bytes come from a socket; anything that is no answer is a failed test.

use serde_json::Value;

/// One answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The fields in their order, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

impl Response {
    /// Reads the answer at the start of `bytes`; `None` when it is not all there. Also says how long it is.
    pub(crate) fn read(bytes: &[u8], to_head: bool) -> Option<(Response, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).expect("the head of an answer is text");
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|digits| digits.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("this is no answer: {line:?}"));
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("this is no field: {line:?}"));
            (name.to_ascii_lowercase(), value.to_owned())
        };
        let mut response = Response { status, fields: lines.map(field).collect(), body: Vec::new() };
        let start = end + 4;
        if to_head || status < 200 || status == 204 || status == 304 {
            return Some((response, start));
        }
        if response.field("transfer-encoding") == Some("chunked") {
            let length = response.read_chunks(&bytes[start..])?;
            return Some((response, start + length));
        }
        let length: usize =
            response.field("content-length").map_or(0, |length| length.parse().expect("a length"));
        response.body = bytes.get(start..start + length)?.to_vec();
        Some((response, start + length))
    }

    fn read_chunks(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let line = bytes[at..].windows(2).position(|two| two == b"\r\n")?;
            let size = std::str::from_utf8(&bytes[at..at + line])
                .ok()
                .and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.expect("a chunk begins with its size");
            at += line + 2;
            self.body.extend_from_slice(bytes.get(at..at + size)?);
            at += size + 2;
            if bytes.len() < at {
                return None;
            }
            if size == 0 {
                return Some(at);
            }
        }
    }

    /// The first field of this name, given in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("this is no JSON: {:?}", self.text()))
    }

    /// The messages of a Bayeux answer.
    pub fn messages(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text());
        match self.json() {
            Value::Array(messages) => messages,
            other => panic!("this is no batch: {other}"),
        }
    }

    /// The name of the code in a plain refusal.
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code in {:?}", self.text()))
            .to_owned()
    }

    /// Whether the server closes the connection behind this answer.
    pub fn closes(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}
