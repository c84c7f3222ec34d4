//! WebSocket (RFC 6455): the opening handshake, frames in and frames out.
//!
//! Frames are cut from and written to buffers of the caller; fragments and partly received messages are the
//! only thing kept here. Answering pings, closing and pacing are decided by the engine. [`client`] holds
//! the other side of the same protocol.

pub mod client;
pub mod close;
pub mod encode;
pub mod extension;
pub mod frame;
pub mod handshake;
mod header;
mod mask;
mod message;

pub use close::FrameError;
pub use encode::{close_frame, ping_frame, pong_frame, text_frame, write_text_frame_header};
pub use frame::{Decoded, Decoder, Event, FrameLimits};
pub use handshake::{Accept, UpgradeError, accept, write_accept};
pub use header::Opcode;
pub use mask::apply_mask;
