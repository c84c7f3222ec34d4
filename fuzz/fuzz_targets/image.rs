//! Pictures of publications, in Base64.
//!
//! Whatever is accepted becomes one part that holds the picture and nothing else, or none; a reader by boundaries finds its
//! end where it is. The input comes from the fuzzer: bytes before Base64, and text that should be it.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comet_wire::multipart::Boundary;
use comet_wire::multipart::image::{Image, ImageType};
use libfuzzer_sys::fuzz_target;

const LINE: &[u8] = b"\r\n--000000000000000000000000000000ab\r\n";

fuzz_target!(|bytes: &[u8]| {
    let boundary = Boundary::new(0xab);
    let encoded = STANDARD.encode(bytes);
    for kind in ImageType::ALL {
        for text in [&*encoded, &String::from_utf8_lossy(bytes)] {
            let Some(image) = Image::parse(kind.media(), text) else { continue };
            assert_eq!(image.kind(), kind);
            assert_eq!(STANDARD.encode(image.bytes()), text);
            let mut chunk = Vec::new();
            boundary.write_image(&mut chunk, &image);
            let ends = chunk.windows(LINE.len()).filter(|window| *window == LINE).count();
            assert_eq!(ends, usize::from(!chunk.is_empty()));
            let mut first = Vec::new();
            boundary.write_first_image(&mut first, &chunk);
            assert_eq!(first.is_empty(), chunk.is_empty());
            assert!(first.ends_with(&chunk));
        }
    }
});
