//! The tests of the bus, one binary.
//!
//! Lists and numbers are held against the simplest thing that could be right.

mod changes;
mod home;
mod hub;
mod presence;
mod roster;
mod roster_crowd;
mod roster_model;
