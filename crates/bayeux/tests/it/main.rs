//! The protocol rules, told as stories with a clock moved by hand.

#![allow(clippy::unwrap_used, reason = "a test ends where its story goes wrong")]

mod channel;
mod code;
mod connect;
mod deadline;
mod delivery;
mod event;
mod handshake;
mod json;
mod pattern;
mod property;
mod reply;
mod stage;
mod subscription;
mod table;
mod trap;
