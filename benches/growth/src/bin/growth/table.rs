//! Tables in markdown.

use super::{memory::Item, scenes::Scene};

pub(crate) const HEAD: &str = "# How the cost grows

Written by `cargo run --release --manifest-path benches/growth/Cargo.toml --bin growth -- --write
docs/growth.md`; nothing here is written by hand. Instructions are counted by callgrind, with a
clock that is read by a call into the kernel's page: their number is much the same on any machine
of this kind, and their time is not.

";

const SIZES: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];

/// One line of the first table.
pub(crate) fn row(scene: &Scene, measured: &[(usize, u64)]) -> String {
    let cell = |size: &usize| {
        let own = measured.iter().find(|(n, _)| n == size);
        own.map_or(String::from("–"), |(_, instructions)| instructions.to_string())
    };
    let cells: Vec<_> = SIZES.iter().map(cell).collect();
    let row = format!("| {} | {} | {} |\n", scene.what, cells.join(" | "), growth_of(measured));
    eprint!("{row}");
    row
}

/// By what the last two tenfolds add: where it is linear, the last adds ten times what the one
/// before did, and where it is logarithmic, as much.
fn growth_of(measured: &[(usize, u64)]) -> String {
    let numbers = measured.iter().map(|(n, instructions)| (*n as f64, *instructions as f64));
    let numbers: Vec<_> = numbers.collect();
    let ([(_, first), ..], [.., (some, few), (most, many)]) = (&numbers[..], &numbers[..]) else {
        return "–".into();
    };
    let before = numbers.len().checked_sub(3).map_or(*few, |at| numbers[at].1);
    let (last, previous) = (many - few, (few - before).max(0.02 * few));
    match () {
        // A part of what was counted is what the clock did meanwhile.
        () if *many < 1.35 * first => "flat".into(),
        () if last < 0.15 * few => "flat, once there are some".into(),
        () if last > 3.0 * previous => format!("linear, {:.0} for each", last / (most - some)),
        () => "logarithmic".into(),
    }
}

pub(crate) fn growth(rows: &[String]) -> String {
    let sizes = SIZES.map(|size| size.to_string()).join(" | ");
    let head = format!("| instructions per call with so many | {sizes} | growth |\n");
    let line = format!("|---|{}---|\n", "---:|".repeat(SIZES.len()));
    [&head, &line, rows.concat().as_str(), NOTES].concat()
}

pub(crate) fn memory(items: &[Item]) -> String {
    let rows = items.iter().map(|(what, bytes)| format!("| {what} | {bytes:.0} |\n"));
    let rows: String = rows.collect();
    format!("\n| memory of one | bytes |\n|---|---:|\n{rows}")
}

const NOTES: &str = "
Of routes 1000 are kept apart, of statements 100 and of SQL texts the last 1000: what comes after
costs what it costs to find that out. A signal comes ten times a second for each database,
whatever the load; with many databases those signals are most of what is counted here, since
callgrind takes fifty times as long as the processor, and the clock does not wait. Who needs
several databases passes the gates of each. By default 200 requests may wait.
";
