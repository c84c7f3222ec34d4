//! Many messages as one JSON array.
//!
//! Each message arrives as the finished bytes of one JSON object, encoded once for all subscribers; here
//! they are joined, and their length is known before they are. Every transport that frames its batches as
//! one array uses this file.

/// The bytes [`write_json_array`] will append for these bodies.
pub fn json_array_length<'a>(bodies: impl Iterator<Item = &'a [u8]>) -> usize {
    let (count, bytes) = bodies.fold((0_usize, 0), |(count, bytes), body| (count + 1, bytes + body.len()));
    bytes + count.saturating_sub(1) + 2
}

/// Appends the bodies as a JSON array to `out`. Each body must be one JSON value.
pub fn write_json_array<'a>(out: &mut Vec<u8>, bodies: impl Iterator<Item = &'a [u8]>) {
    out.push(b'[');
    for (index, body) in bodies.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(body);
    }
    out.push(b']');
}
