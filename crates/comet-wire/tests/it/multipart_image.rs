//! Pictures in multipart streams: what becomes a part, and how a reader finds it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use comet_wire::http::response::LAST_CHUNK;
use comet_wire::multipart::Boundary;
use comet_wire::multipart::image::{Image, ImageType};

use crate::http_streaming::unchunked;

const B: &str = "000000000000000000000000000000ab";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const GIF: &[u8] = b"GIF89a";

fn image(media: &str, bytes: &[u8]) -> Image {
    Image::parse(media, &STANDARD.encode(bytes)).expect("a picture")
}

fn written(boundary: &Boundary, image: &Image) -> Vec<u8> {
    let mut chunk = Vec::new();
    boundary.write_image(&mut chunk, image);
    chunk
}

#[test]
fn only_the_four_types_are_pictures_and_only_with_their_beginning() {
    let webp = b"RIFF\x04\0\0\0WEBP";
    let good: [(&str, &[u8], ImageType); 5] = [
        ("image/png", PNG, ImageType::Png),
        ("image/jpeg", b"\xff\xd8\xff\xe0", ImageType::Jpeg),
        ("image/gif", b"GIF87a", ImageType::Gif),
        ("image/gif", GIF, ImageType::Gif),
        ("image/webp", webp, ImageType::Webp),
    ];
    for (media, bytes, kind) in good {
        let image = image(media, bytes);
        assert_eq!((image.kind(), image.bytes()), (kind, bytes));
    }
    let bad: [(&str, &[u8]); 10] = [
        ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("text/html", b"<script>"),
        ("image/png\r\nX: 1", PNG),
        ("IMAGE/PNG", PNG),
        ("", PNG),
        ("image/png", b"<html>"),
        ("image/png", GIF),
        ("image/jpeg", PNG),
        ("image/webp", b"RIFF\x04\0\0\0WAVE"),
        ("image/gif", b""),
    ];
    for (media, bytes) in bad {
        assert_eq!(Image::parse(media, &STANDARD.encode(bytes)), None, "{media}");
    }
    for text in ["", "=", "iVBORw0KGgo", "iVBORw0KGgo=\n", "data:image/png;base64,iVBORw0KGgo="] {
        assert_eq!(Image::parse("image/png", text), None, "{text}");
    }
}

#[test]
fn the_fields_of_the_next_part_leave_with_each_picture() {
    let boundary = Boundary::new(0xab);
    let mut out = Vec::new();
    boundary.write_beginning(&mut out);
    boundary.write_first_image(&mut out, &written(&boundary, &image("image/png", PNG)));
    out.extend(written(&boundary, &image("image/png", &[PNG, b"2"].concat())));
    out.extend(written(&boundary, &image("image/gif", GIF)));
    out.extend_from_slice(LAST_CHUNK);
    let fields = |media| format!("--{B}\r\nContent-Type: image/{media}\r\n\r\n").into_bytes();
    let wanted = [
        &*fields("png"),
        PNG,
        b"\r\n",
        &fields("png"),
        PNG,
        b"2\r\n",
        &fields("png"),
        GIF,
        b"\r\n",
        &fields("gif"),
    ];
    assert_eq!(unchunked(&out), wanted.concat());
}

#[test]
fn a_picture_that_holds_the_boundary_is_none() {
    let boundary = Boundary::new(0xab);
    for lines in ["\r\n", "\n", ""] {
        let page = format!("{lines}--{B}\r\nContent-Type: text/html\r\n\r\n<script>");
        let forged = image("image/gif", &[GIF, page.as_bytes()].concat());
        assert_eq!(written(&boundary, &forged), b"", "{lines:?}");
    }
    let near = image("image/gif", &[GIF, b"\r\n--", &B.as_bytes()[1..]].concat());
    assert!(!written(&boundary, &near).is_empty());
    // What was not written is not begun either.
    let mut out = Vec::new();
    boundary.write_first_image(&mut out, b"");
    assert_eq!(out, b"");
}
