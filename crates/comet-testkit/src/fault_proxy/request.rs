//! Where HTTP requests begin and end, for those that are said twice.
//!
//! A copy of the request on its way is kept until it is whole. A connection on which something else is
//! spoken, or whose requests are too long to keep, is followed no further.

/// Bytes of a request that are kept.
const MOST_BYTES: usize = 1 << 20;

/// Follows the requests of one connection.
#[derive(Default)]
pub(super) struct Requests {
    kept: Vec<u8>,
    /// How long the request in `kept` is, once its head is whole.
    length: Option<usize>,
    lost: bool,
}

impl Requests {
    /// Takes what a client sent, and returns the POST requests that it completes.
    pub(super) fn on_bytes(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut whole = Vec::new();
        if self.lost {
            return whole;
        }
        self.kept.extend_from_slice(bytes);
        while !self.lost {
            if self.length.is_none() && !self.read_head() {
                break;
            }
            let Some(length) = self.length.filter(|length| *length <= self.kept.len()) else { break };
            let rest = self.kept.split_off(length);
            let request = std::mem::replace(&mut self.kept, rest);
            self.length = None;
            if request.starts_with(b"POST ") {
                whole.push(request);
            }
        }
        self.lost |= self.kept.len() > MOST_BYTES;
        if self.lost {
            self.kept = Vec::new();
        }
        whole
    }

    /// Looks for the end of the head; whether it is there and understood.
    fn read_head(&mut self) -> bool {
        let Some(end) = self.kept.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
        let head = String::from_utf8_lossy(&self.kept[..end]).to_ascii_lowercase();
        let field = |name: &str| {
            head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        let body = field("content-length").map_or(Some(0), |length| length.parse::<usize>().ok());
        match body.filter(|body| *body <= MOST_BYTES) {
            Some(body) if field("transfer-encoding").is_none() && field("upgrade").is_none() => {
                self.length = Some(end + 4 + body);
            }
            _ => self.lost = true,
        }
        !self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &[u8] = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";

    #[test]
    fn whole_posts_are_found_however_they_are_split() {
        let stream = [POST, b"GET / HTTP/1.1\r\n\r\n", POST].concat();
        for portion in 1..stream.len() {
            let mut requests = Requests::default();
            let found: Vec<_> = stream.chunks(portion).flat_map(|bytes| requests.on_bytes(bytes)).collect();
            assert_eq!(found, [POST, POST], "in portions of {portion}");
        }
    }

    #[test]
    fn what_is_no_plain_request_is_followed_no_further() {
        for head in [
            "GET / HTTP/1.1\r\nUpgrade: websocket",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999",
        ] {
            let mut requests = Requests::default();
            assert!(requests.on_bytes(format!("{head}\r\n\r\n").as_bytes()).is_empty());
            assert!(requests.on_bytes(POST).is_empty(), "{head}");
        }
    }
}
