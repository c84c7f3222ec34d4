//! The payload of every publication: exactly 100 bytes of JSON with a sequence number and the time of sending.
//! It says nothing of channels or wires. Time is nanoseconds since the start of the generator.

use serde::Deserialize;

use super::Fault;

/// Size of every payload in bytes.
pub const PAYLOAD_BYTES: usize = 100;

/// What a payload says.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Payload {
    /// Number of the publication, from 0.
    #[serde(rename = "s")]
    pub sequence: u64,
    /// When it was sent, in nanoseconds on the generator's clock.
    #[serde(rename = "t")]
    pub sent_ns: u64,
}

impl Payload {
    /// Appends the payload, filled up to [`PAYLOAD_BYTES`].
    pub fn write(self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(format!(r#"{{"s":{},"t":{},"x":""#, self.sequence, self.sent_ns).as_bytes());
        // Two numbers of at most 20 digits and 16 bytes of keys leave room for the filling and the end.
        out.resize(start + PAYLOAD_BYTES - 2, b'x');
        out.extend_from_slice(b"\"}");
    }

    /// Reads a payload back.
    ///
    /// # Errors
    /// When the text is not a payload of this form and size.
    pub fn parse(text: &str) -> Result<Payload, Fault> {
        if text.len() != PAYLOAD_BYTES {
            return Err(Fault::new(format!("payload of {} bytes instead of {PAYLOAD_BYTES}", text.len())));
        }
        serde_json::from_str(text).map_err(|error| Fault::new(format!("payload: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_has_the_same_size_and_reads_back() {
        for payload in
            [Payload { sequence: 0, sent_ns: 0 }, Payload { sequence: u64::MAX, sent_ns: u64::MAX }]
        {
            let mut out = Vec::new();
            payload.write(&mut out);
            assert_eq!(out.len(), PAYLOAD_BYTES);
            assert_eq!(Payload::parse(std::str::from_utf8(&out).unwrap()), Ok(payload));
        }
    }

    #[test]
    fn a_payload_cut_short_is_refused() {
        let mut out = Vec::new();
        Payload { sequence: 1, sent_ns: 2 }.write(&mut out);
        out.pop();
        assert!(Payload::parse(std::str::from_utf8(&out).unwrap()).is_err());
    }
}
