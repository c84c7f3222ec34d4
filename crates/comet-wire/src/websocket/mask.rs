//! The mask over the payload of client frames.
//!
//! Masking twice with the same key is the identity, so one function serves both directions. It works on the
//! bytes where they are, eight at a time; where the key comes from is the business of `frame` and `client`.

/// Applies the mask `key` to `payload` in place, where `offset` bytes of the same frame came before it.
pub fn apply_mask(payload: &mut [u8], key: [u8; 4], offset: usize) {
    let key: [u8; 4] = std::array::from_fn(|at| key[(at + offset % 4) % 4]);
    let half = u64::from(u32::from_ne_bytes(key));
    let wide = half << 32 | half;
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let bytes: [u8; 8] = (&*word).try_into().expect("a chunk of eight bytes");
        word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
    }
    for (at, byte) in words.into_remainder().iter_mut().enumerate() {
        *byte ^= key[at % 4];
    }
}
