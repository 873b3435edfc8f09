//! Which limit makes the most of a database? Every algorithm of the crate through the
//! same storms, in virtual time, against the best fixed limit there is.
//!
//! `cargo bench --features simulate --bench control [-- WORD]` prints a table for each
//! scenario whose name holds WORD, and whether each goal is met. With `--write DIR` it
//! also writes `DIR/control.md` and plots; `docs/control` is where the documentation has
//! them. `benches/peers` is the same contest with other crates in it.

mod contest;

fn main() {
    contest::hold(&contest::ours());
}
