//! The postmortem, replayed.
fn main() {}
