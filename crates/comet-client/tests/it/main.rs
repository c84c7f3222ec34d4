//! The client against a real server, and against servers that are not as they should be.

mod proxy;
mod refusal;
mod talk;
mod trouble;
mod wait;
