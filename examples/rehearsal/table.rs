//! The figures, once for terminal and report alike.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, Table};

use crate::answer::Kind;
use crate::plan::Plan;
use crate::plan::amount::shown;
use crate::schedule::Stretch;
use crate::tally::{Figures, Seen};

/// What a column has for each row.
pub(crate) const HEADINGS: [&str; 12] = [
    "",
    "asked",
    "/s",
    "success",
    "fresh",
    "copy",
    "refused",
    "failed",
    "timed out",
    "p50",
    "p99",
    "max",
];

/// One line of figures; a phase, or one request in it.
#[derive(Debug)]
pub(crate) struct Row {
    /// Whether the rows after it are parts of it.
    pub(crate) is_phase: bool,
    pub(crate) cells: Vec<String>,
}

/// Each phase, and in it each request of the mix.
pub(crate) fn rows(plan: &Plan, seen: &Seen) -> Vec<Row> {
    let begun = seen.stretches.iter().filter(|stretch| stretch.start < seen.end());
    begun.flat_map(|stretch| phase(plan, seen, stretch)).collect()
}

fn phase(plan: &Plan, seen: &Seen, stretch: &Stretch) -> Vec<Row> {
    let length = (seen.end().min(stretch.end) - stretch.start).as_secs_f64();
    let figures = Figures::of(seen.within(stretch));
    let mut rows = vec![Row { is_phase: true, cells: cells(&stretch.name, &figures, length) }];
    for (number, request) in plan.requests.iter().enumerate() {
        let own = seen.within(stretch).filter(|exchange| exchange.request == number);
        let cells = cells(&request.name, &Figures::of(own), length);
        rows.push(Row { is_phase: false, cells });
    }
    rows
}

fn cells(name: &str, figures: &Figures, length: f64) -> Vec<String> {
    let share = |kind: Kind| match figures.count(kind) {
        0 => String::new(),
        count => per_cent(Some(100.0 * count as f64 / figures.asked as f64)),
    };
    let latency = |quantile| time(figures.latency(quantile));
    vec![
        name.to_owned(),
        figures.asked.to_string(),
        format!("{:.0}", figures.asked as f64 / length),
        per_cent(figures.share(Kind::is_useful)),
        share(Kind::Fresh),
        share(Kind::Copy),
        share(Kind::Refused),
        share(Kind::Failed),
        share(Kind::TimedOut),
        latency(0.5),
        latency(0.99),
        latency(1.0),
    ]
}

/// Never rounded to all or to nothing where it is not.
pub(crate) fn per_cent(share: Option<f64>) -> String {
    match share {
        None => "–".to_owned(),
        Some(share) if share > 0.0 && share < 0.1 => "< 0.1 %".to_owned(),
        Some(share) if share < 100.0 && share > 99.9 => "> 99.9 %".to_owned(),
        Some(share) => format!("{share:.1} %"),
    }
}

fn time(time: Option<Duration>) -> String {
    time.map_or("–".to_owned(), shown)
}

/// For a terminal.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header(HEADINGS);
    for row in rows {
        table.add_row(row.cells.iter().enumerate().map(|(column, text)| {
            let own = !row.is_phase && column == 0;
            let cell = Cell::new(if own { format!("  {text}") } else { text.clone() });
            let cell = if row.is_phase { cell.add_attribute(Attribute::Bold) } else { cell };
            if column == 0 { cell } else { cell.set_alignment(CellAlignment::Right) }
        }));
    }
    table.to_string()
}

/// How often each status came, in one sentence.
pub(crate) fn statuses(seen: &Seen) -> String {
    let counts = seen.statuses().into_iter().map(|(status, count)| match status {
        Some(status) => format!("{status}: {count}"),
        None => format!("no answer: {count}"),
    });
    counts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_not_rounded_to_what_it_is_not() {
        let shown = [0.0, 0.01, 50.0, 99.94, 100.0].map(|share| per_cent(Some(share)));
        assert_eq!(shown, ["0.0 %", "< 0.1 %", "50.0 %", "> 99.9 %", "100.0 %"]);
        assert_eq!(per_cent(None), "–");
    }
}
