//! Pictures that publications hold.
//!
//! A publication with a picture has it in its data as `{"image":<Base64>,"type":<media type>}`, beside whatever else. It is
//! read here; what may be a picture and how it stands in a stream is `comet-wire`'s, and who sees it is decided in
//! `shard/image.rs`.

use std::borrow::Cow;

use comet_bus::Publication;
use comet_wire::multipart::Boundary;
use comet_wire::multipart::image::Image;
use serde::Deserialize;

#[derive(Deserialize)]
struct Picture<'a> {
    #[serde(borrow)]
    image: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    media: Cow<'a, str>,
}

/// Appends the picture of a publication, ready to be sent; nothing when it holds none.
pub(crate) fn write_publication(out: &mut Vec<u8>, boundary: &Boundary, publication: &Publication) {
    let event = std::str::from_utf8(&publication.event).unwrap_or_default();
    let picture = serde_json::from_str::<Picture<'_>>(bayeux::event::data_of(event)).ok();
    if let Some(image) = picture.and_then(|picture| Image::parse(&picture.media, &picture.image)) {
        boundary.write_image(out, &image);
    }
}
