//! The chat on a real server: what clients of every kind say to it and hear from it.

mod talk;
