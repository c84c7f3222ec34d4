//! The tests of the bus, one binary.
//!
//! Lists and numbers are held against the simplest thing that could be right.

mod home;
mod hub;
