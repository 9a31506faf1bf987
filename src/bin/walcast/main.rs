//! The program `walcast`.
fn main() {}
