//! The contest of `benches/control` with other crates in it, all in virtual time.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml [-- WORD] [--write DIR]`.
//! The peers stand where the pool is touched, like the crate's own limits, and shed what
//! they refuse; two of them also stand around the whole application, where their
//! documentation puts them, to show what that costs the requests that need no database.

mod clock;
mod congestion;
#[path = "../../control/contest/mod.rs"]
mod contest;
mod driven;
mod peers;
mod query;

fn main() {
    let ours = contest::ours();
    contest::hold(&[ours, peers::peers()].concat());
}

#[cfg(test)]
mod tests;
