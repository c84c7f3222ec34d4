//! The protocol rules, told as stories with a clock moved by hand.

#![allow(clippy::unwrap_used, reason = "a test ends where its story goes wrong")]

mod ack;
mod activity;
mod binary;
mod channel;
mod code;
mod connect;
mod counting;
mod deadline;
mod deliver;
mod delivery;
mod event;
mod exactly_once;
mod handshake;
mod json;
mod local;
mod mailbox;
mod pattern;
mod polling;
mod property;
mod publication;
mod rendering;
mod reply;
mod reply_ext;
mod since;
mod stage;
mod stream;
mod subscription;
mod table;
mod timesync;
mod trap;
