//! Pictures in multipart streams, for image elements that show each one in the place of the one before.
//!
//! Chromium shows a picture when the fields of the part behind it are there, so these leave with the picture, before anybody
//! knows what the next one will be: they have its type and cannot have the length of the other. Nothing but a picture of the
//! four known types becomes a part; which publications hold one is the engine's business.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use super::Boundary;
use crate::http::response::write_chunk_size;

const FIELD: &[u8] = b"Content-Type: ";
const FIELDS_END: &[u8] = b"\r\n\r\n";
/// Ends a chunk.
const CHUNK_END: &[u8] = b"\r\n";

/// What a picture may be. Nothing of it runs or loads anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageType {
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/gif`
    Gif,
    /// `image/webp`
    Webp,
}

impl ImageType {
    /// All of them.
    pub const ALL: [ImageType; 4] = [ImageType::Png, ImageType::Jpeg, ImageType::Gif, ImageType::Webp];

    /// The media type.
    pub fn media(self) -> &'static str {
        match self {
            ImageType::Png => "image/png",
            ImageType::Jpeg => "image/jpeg",
            ImageType::Gif => "image/gif",
            ImageType::Webp => "image/webp",
        }
    }

    /// Whether bytes begin as those of such a picture do.
    fn begins(self, bytes: &[u8]) -> bool {
        match self {
            ImageType::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            ImageType::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
            ImageType::Gif => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
            ImageType::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        }
    }
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    kind: ImageType,
    bytes: Vec<u8>,
}

impl Image {
    /// Reads a picture in Base64, with padding, of a media type; `None` when the type is none of [`ImageType`], or the bytes
    /// are none or do not begin as that type does.
    pub fn parse(media: &str, text: &str) -> Option<Image> {
        let kind = ImageType::ALL.into_iter().find(|kind| kind.media() == media)?;
        let bytes = STANDARD.decode(text).ok()?;
        kind.begins(&bytes).then_some(Image { kind, bytes })
    }

    /// What it is.
    pub fn kind(&self) -> ImageType {
        self.kind
    }

    /// It itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Boundary {
    /// Appends a picture, the boundary behind it and the fields of the next part, as one chunk. Nothing is appended for a
    /// picture that holds the boundary: behind it could stand what is no picture.
    pub fn write_image(&self, out: &mut Vec<u8>, image: &Image) {
        if memmem::find(&image.bytes, self.mark()).is_some() {
            return;
        }
        let media = image.kind.media().as_bytes();
        let parts: [&[u8]; 6] = [&image.bytes, &self.line, b"\r\n", FIELD, media, FIELDS_END];
        let length = parts.iter().map(|part| part.len()).sum();
        out.reserve(length + 20);
        write_chunk_size(out, length);
        parts.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(CHUNK_END);
    }

    /// Appends the first picture of a stream, as [`Boundary::write_image`] has written it: its own fields stand before it, as
    /// a chunk.
    pub fn write_first_image(&self, out: &mut Vec<u8>, chunk: &[u8]) {
        let Some(line) = memmem::rfind(chunk, &self.line) else { return };
        let fields = &chunk[line + self.line.len() + CHUNK_END.len()..chunk.len() - CHUNK_END.len()];
        write_chunk_size(out, fields.len());
        out.extend_from_slice(fields);
        out.extend_from_slice(CHUNK_END);
        out.extend_from_slice(chunk);
    }

    /// The two hyphens and the boundary.
    fn mark(&self) -> &[u8] {
        &self.line[CHUNK_END.len()..]
    }
}
