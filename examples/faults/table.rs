//! The figures of all faults side by side, for a terminal and for a page.

use std::fmt::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};

use crate::trial::findings::{Figure, Findings, Verdict};

/// The runs against one server, as tables for a terminal.
pub(crate) fn render(title: &str, runs: &[Findings]) -> String {
    let tables = runs.chunks(COLUMNS).map(|runs| table(title, runs));
    tables.collect::<Vec<_>>().join("\n")
}

/// The same in Markdown.
pub(crate) fn markdown(title: &str, runs: &[Findings]) -> String {
    let tables = runs.chunks(COLUMNS).map(table_in_markdown);
    format!("## {title}\n\n{}", tables.collect::<Vec<_>>().join("\n"))
}

fn table(title: &str, runs: &[Findings]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let heading = |text: &str| Cell::new(text).add_attribute(Attribute::Bold);
    let mut row = vec![heading(title)];
    row.extend(runs.iter().map(|run| heading(run.fault.name())));
    table.add_row(row);
    for (label, figures) in rows(runs) {
        let cells =
            figures.into_iter().map(|figure| Cell::new(figure).set_alignment(CellAlignment::Right));
        table.add_row([Cell::new(label)].into_iter().chain(cells));
    }
    table.to_string()
}

fn table_in_markdown(runs: &[Findings]) -> String {
    let names: Vec<_> = runs.iter().map(|run| run.fault.name()).collect();
    let mut page = format!("| | {} |\n|---|", names.join(" | "));
    page += &"---:|".repeat(runs.len());
    page.push('\n');
    for (label, figures) in rows(runs) {
        let _ = writeln!(page, "| {label} | {} |", figures.join(" | "));
    }
    page
}

/// Every label with a figure for each run.
fn rows(runs: &[Findings]) -> Vec<(&'static str, Vec<String>)> {
    let columns: Vec<_> = runs.iter().map(Findings::figures).collect();
    let labels = columns.first().into_iter().flatten().map(|figure| figure.what);
    let row = |n: usize| columns.iter().map(|figures| cell(&figures[n])).collect();
    labels.enumerate().map(|(n, label)| (label, row(n))).collect()
}

fn cell(figure: &Figure) -> String {
    let verdict = match figure.verdict {
        Verdict::Met => " ✓",
        Verdict::Missed => " missed",
        Verdict::Broken => " BROKEN",
        Verdict::Plain => "",
    };
    format!("{}{verdict}", figure.shown)
}

/// Faults side by side that can be read.
const COLUMNS: usize = 8;
