//! The Bayeux protocol: the words and the rules.
//!
//! Here live channels and patterns, messages and their JSON form, replies, advice, the one table of codes, and the
//! session of a client as a state machine. There is no socket, no clock and no random source: bytes, the time and
//! client ids come in as arguments, and what has to happen goes out as values that the caller carries out.
//!
//! ```
//! use std::rc::Rc;
//!
//! use bayeux::{Delivery, Settings, Session, Unidentified, json};
//!
//! #[derive(Clone)]
//! struct Event(Rc<[u8]>);
//! impl Delivery for Event {
//!     fn size_bytes(&self) -> usize {
//!         self.0.len()
//!     }
//! }
//!
//! let settings = Settings::default();
//! let text = br#"[{"channel":"/meta/handshake","id":"1"}]"#;
//! let mut batch = json::decode_batch(text, &json::BatchLimits::default())?;
//! let request = Unidentified.on_message(batch.remove(0), &settings).expect("a handshake was sent");
//! let (session, reply): (Session<Event>, _) = request.accept("a new secret".into(), &settings, 0);
//!
//! let mut out = Vec::new();
//! reply.write(&mut out);
//! assert!(String::from_utf8_lossy(&out).contains(r#""clientId":"a new secret""#));
//! assert_eq!(session.deadline(), 10_000);
//! # Ok::<(), bayeux::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod event;
pub mod json;
pub mod meta;
pub mod session;
pub mod since;

mod advice;
mod binary;
mod channel;
mod code;
mod connection_type;
mod date;
mod deliver;
mod error;
mod message;
mod name;
mod pattern;
mod reply;
mod timesync;

pub use advice::{Advice, Reconnect};
pub use binary::{BINARY_EXT, Binary};
pub use channel::Channel;
pub use code::Code;
pub use connection_type::ConnectionType;
pub use deliver::{Deliver, DeliverRequest, MAX_PAUSE_MS, Slow};
pub use error::Error;
pub use message::{Message, RequestAdvice, Subscription};
pub use name::{Kind, MAX_NAME_BYTES, MAX_SEGMENTS, NameError};
pub use pattern::Pattern;
pub use reply::{Reply, ReplyExt};
pub use session::{
    Answer, BatchContext, Carrier, Connect, Delivery, Due, HandshakeRequest, Pushed, Session, Settings, Step,
    Ticket, Turn, Unidentified,
};
pub use since::{Position, Since, SinceRequest};
pub use timesync::TimeSync;

/// Milliseconds of the caller's monotonic clock, or a span of them.
pub type Millis = u64;
