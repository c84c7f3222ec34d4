//! The program as its users meet it: the real binary, its output, its exit status.

mod config;
mod internal;
mod process;
mod publish;
mod serve;
mod subscribe;
mod usage;
