//! What the parsers and encoders of `comet-wire` promise, told from outside.
//!
//! The modules follow the files of the crate; names of hostile inputs follow the published weaknesses they
//! come from. No test opens a socket: bytes go in and values come out.

#![expect(clippy::unwrap_used, reason = "a test ends at the first value that is not as it must be")]

mod answer;
mod body;
mod callback;
mod event_stream;
mod feed;
mod form;
mod frame;
mod frame_law;
mod handshake;
mod head;
mod http_streaming;
mod multipart;
mod multipart_image;
mod path;
mod persistent_frame;
mod poll;
mod split;
mod xml_socket;
