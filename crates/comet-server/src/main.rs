//! The program `comet`.
fn main() {}
