//! Z85, as ZeroMQ's RFC 32 gives it and CometD stretches it: bytes as text that needs no escape but in few places.
//!
//! Four bytes are five characters. What is left over at the end, one to three bytes, has one character more than it has
//! bytes. Nothing is known here of the messages that carry it.

const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The value of each character; 85 is none.
const VALUES: [u8; 256] = {
    let mut values = [85; 256];
    let mut at = 0;
    while at < DIGITS.len() {
        values[DIGITS[at] as usize] = at as u8;
        at += 1;
    }
    values
};

/// Writes bytes as text.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(4) * 5);
    for chunk in bytes.chunks(4) {
        let mut group = [0; 4];
        group[..chunk.len()].copy_from_slice(chunk);
        let value = u32::from_be_bytes(group);
        let digits = (0..5_u32).rev().map(|place| value / 85_u32.pow(place) % 85);
        out.extend(digits.take(chunk.len() + 1).map(|digit| char::from(DIGITS[digit as usize])));
    }
    out
}

/// Reads text; `None` when it is none of [`encode`]'s.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 5 * 4 + 4);
    for chunk in text.as_bytes().chunks(5) {
        // One character alone holds no byte.
        let length = chunk.len().checked_sub(1).filter(|length| *length > 0)?;
        let mut value = 0_u64;
        for place in 0..5 {
            let digit = chunk.get(place).map_or(84, |character| VALUES[usize::from(*character)]);
            if digit > 84 {
                return None;
            }
            value = value * 85 + u64::from(digit);
        }
        out.extend_from_slice(&u32::try_from(value).ok()?.to_be_bytes()[..length]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_hello_world() {
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        assert_eq!(encode(&bytes), "HelloWorld");
        assert_eq!(decode("HelloWorld").unwrap(), bytes);
    }

    #[test]
    fn bytes_of_any_length_come_back() {
        for length in 0..64 {
            for first in [0_u8, 1, 0x7f, 0xff] {
                let bytes: Vec<u8> =
                    (0..length).map(|at: u8| first.wrapping_sub(at.wrapping_mul(37))).collect();
                let text = encode(&bytes);
                assert_eq!(text.len(), bytes.len() + bytes.len().div_ceil(4));
                assert_eq!(decode(&text).unwrap(), bytes);
            }
        }
        let ends = [0xff; 7];
        assert_eq!(decode(&encode(&ends)).unwrap(), ends);
    }

    #[test]
    fn text_that_nobody_wrote_is_refused() {
        for text in ["1", "HelloW", "Hell ", "Hell\"", "Hell\u{fc}", "#####", "%nSc1"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode("%nSc0").unwrap(), [0xff; 4], "the largest group there is");
    }
}
