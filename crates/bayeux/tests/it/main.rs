//! The protocol rules, told as stories with a clock moved by hand.

mod channel;
mod code;
mod connect;
mod deadline;
mod delivery;
mod handshake;
mod json;
mod pattern;
mod property;
mod reply;
mod stage;
mod subscription;
mod table;
mod trap;
