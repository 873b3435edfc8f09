//! Counts what a call costs: instructions, what it takes of the heap, locked operations and
//! looks at the clock. The counts are the same each time, also on a busy machine.
//!
//! `cargo run --release --manifest-path benches/cost/Cargo.toml -- [WORD …]` shows those whose
//! name contains a word. `--check` compares with `baseline.txt`, `--bless` writes it. `--write
//! FILE` measures times besides, and writes a page with all of it. Needs valgrind and objdump.

mod baseline;
mod callgrind;
mod clock;
mod count;
mod heap;
mod locked;
mod machine;
mod measured;
mod page;
mod row;
mod table;
mod timed;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--run", name] => measured::run(name),
        ["--check"] => count::all(&[]).and_then(|counts| baseline::check(&counts)),
        ["--bless"] => count::all(&[]).and_then(|counts| baseline::bless(&counts)),
        ["--write", file] => write(file),
        ref words => count::all(words).map(|counts| print!("{}", table::of(&counts))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn write(file: &str) -> Result<(), String> {
    // One after the other, since the counting keeps all cores busy.
    let counts = count::all(&[])?;
    let page = page::page(&counts, &timed::measure()?)?;
    print!("{page}");
    std::fs::write(file, page).map_err(|why| format!("{file}: {why}"))
}
