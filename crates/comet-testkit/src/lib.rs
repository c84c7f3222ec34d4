//! What every test of the server needs.
//!
//! Here live a server on a free port that stops with its test, sockets and scripted clients that speak to it
//! byte by byte or in the words of the protocol, a clock moved by hand for stories about sessions, a witness
//! who notices when somebody else's fault costs others anything, and the checkers that judge loss, order and
//! repetition. Scenarios put them together: a proxy that spoils connections by a seeded schedule, subscribers that
//! find their way back, a server that may be killed. Everything blocks with a bounded patience and panics with a sentence; nothing here is for use
//! outside tests.

#![forbid(unsafe_code)]

mod checker;
mod child_server;
mod client;
mod clock;
mod fault_proxy;
mod feed;
mod image;
mod patience;
mod response;
mod scenario;
mod schedule;
mod seed;
mod server;
mod socket;
mod stream;
mod subscriber;
mod websocket;
mod wire;
mod witness;
mod xml_socket;

pub use checker::{Checker, Fault, Note, StreamChecker, Verdict};
pub use child_server::ChildServer;
pub use client::Client;
pub use clock::{ManualClock, Numbered, Rehearsal};
pub use fault_proxy::{FaultProxy, ProxyCounts};
pub use feed::{FeedEvent, FeedReader};
pub use image::ImageReader;
pub use patience::{PATIENCE, eventually};
pub use response::Response;
pub use scenario::{Demands, Host, Report, Scenario};
pub use schedule::{Direction, Ending, Hole, Planned, Schedule, Trouble, Wishes};
pub use seed::{Random, Replay, Seed};
pub use server::{Draining, TestServer};
pub use socket::{Heard, Socket};
pub use stream::{StreamReader, Streamed};
pub use subscriber::{ClientSubscriber, Link, ScriptedSubscriber, Subscriber, Told, Transport};
pub use websocket::{Received, WebSocket};
pub use wire::{
    CallbackWire, FramedXmlSocketWire, HttpWire, LongPollWire, Phrase, StreamWire, WebSocketWire, Wire,
    XmlSocketWire,
};
pub use witness::Witness;
pub use xml_socket::XmlSocket;

/// A scripted client on a WebSocket.
pub type WebSocketClient = Client<WebSocketWire>;
/// A scripted client on long polling.
pub type LongPollClient = Client<LongPollWire>;
/// A scripted client on callback polling.
pub type CallbackClient = Client<CallbackWire>;
/// A scripted client on an XMLSocket over plain TCP. It lives at [`TestServer::flash_address`].
pub type XmlSocketClient = Client<XmlSocketWire>;
/// A scripted client on an XMLSocket in the frames of a WebSocket.
pub type FramedXmlSocketClient = Client<FramedXmlSocketWire>;
/// A client on HTTP streaming.
pub type StreamClient = Client<StreamWire>;
