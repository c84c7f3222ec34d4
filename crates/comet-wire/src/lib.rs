//! Bytes to frames and back, for every transport: request heads and bodies, answers of polls, WebSocket
//! frames.
//!
//! Everything here is a pure function over byte slices: no socket, no clock, no channel and no session is
//! named, and the caller owns every buffer. Bytes come from the engine's reads and go back to it as values
//! or as bytes to send; every input a peer can repeat is bounded, and bad input is an error value, never a
//! panic.

#![forbid(unsafe_code)]

pub mod callback;
pub mod cors;
pub mod event_stream;
pub mod feed;
pub mod form;
pub mod http;
pub mod http_streaming;
pub mod json_array;
pub mod long_poll;
pub mod multipart;
pub mod part;
mod percent;
pub mod persistent_frame;
pub mod poll;
pub mod stream;
pub mod websocket;
pub mod xml_socket;
