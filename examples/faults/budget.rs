//! What brownout was put through and what that cost, in numbers: load and faults in one table.

use std::fs;
use std::path::Path;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};

use crate::load::account::Account;
use crate::trial::failure::{Failure, Result};
use crate::trial::findings::Findings;
use crate::trial::record::Answer;

/// The account of a fault that was done to a server.
pub(crate) fn of(server: &str, run: &Findings) -> Account {
    let ledger = run.ledger;
    let unexplained = (ledger.acknowledged + ledger.learned).abs_diff(ledger.rows);
    let attempts = || run.record.exchanges.iter().flat_map(|exchange| &exchange.answers);
    let count = |wanted| attempts().filter(|answer| **answer == wanted).count() as u64;
    let broken = run.broken();
    let counted = ["checkouts lost / doubled, of acknowledged", "permits leaked", "panics"];
    let others = broken.into_iter().filter(|figure| !counted.contains(&figure.what));
    Account {
        trial: format!("{server}: {}", run.fault.name()),
        requests: attempts().count() as u64,
        seconds: run.record.end.as_secs_f64(),
        faults: 1,
        left: count(Answer::Timeout),
        lost: count(Answer::NoConnection),
        leaked: run.leaked() as u64,
        checkouts: ledger.acknowledged as u64,
        wrong_checkouts: ledger.lost as u64 + ledger.doubled.max(unexplained as u64),
        panics: run.panics as u64,
        notes: Vec::new(),
        broken: others.map(|figure| format!("{}: {}", figure.what, figure.shown)).collect(),
        ..Account::default()
    }
}

/// The table for a terminal, with what else was seen below it.
pub(crate) fn render(accounts: &[Account]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let bold = |text: &str| Cell::new(text).add_attribute(Attribute::Bold);
    table.set_header(HEADINGS.map(bold));
    let right = |text| Cell::new(text).set_alignment(CellAlignment::Right);
    for own in with_sum(accounts) {
        let [trial, figures @ ..] = row(&own);
        table.add_row([Cell::new(trial)].into_iter().chain(figures.map(right)));
    }
    let notes: String = notes(accounts).map(|(trial, note)| format!("{trial}: {note}\n")).collect();
    format!("{table}\n\n{notes}")
}

/// Writes it as a page of the documentation.
pub(crate) fn write(path: &Path, command: &str, accounts: &[Account]) -> Result<()> {
    fs::write(path, page(command, accounts))
        .map_err(|error| Failure::new(format!("--markdown {}: {error}", path.display())))
}

fn page(command: &str, accounts: &[Account]) -> String {
    let headings = HEADINGS.join(" | ");
    let mut page = format!("{HEAD}\n| {headings} |\n|---|{}\n", "---:|".repeat(HEADINGS.len() - 1));
    for own in with_sum(accounts) {
        page += &format!("| {} |\n", row(&own).join(" | "));
    }
    page += "\n## What else was seen\n\n";
    for (trial, note) in notes(accounts) {
        page += &format!("- *{trial}*: {note}.\n");
    }
    page.replace("COMMAND", command)
}

fn with_sum(accounts: &[Account]) -> impl Iterator<Item = Account> {
    accounts.iter().cloned().chain([Account::sum(accounts)])
}

fn row(own: &Account) -> [String; 10] {
    [
        own.trial.clone(),
        grouped(own.requests),
        format!("{:.0}", own.seconds),
        grouped(own.faults),
        grouped(own.bad_inputs),
        grouped(own.left),
        grouped(own.lost),
        grouped(own.leaked),
        format!("{} of {}", own.wrong_checkouts, grouped(own.checkouts)),
        grouped(own.panics),
    ]
}

fn notes(accounts: &[Account]) -> impl Iterator<Item = (&str, &str)> {
    accounts.iter().flat_map(|own| own.notes.iter().map(|note| (&*own.trial, &**note)))
}

/// With a space at each thousand.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

const HEADINGS: [&str; 10] = [
    "trial",
    "requests",
    "seconds",
    "faults",
    "bad inputs",
    "left after 2 s",
    "lost",
    "permits leaked",
    "checkouts wrong",
    "panics",
];

const HEAD: &str = "# What it was put through

What stands here was printed by `COMMAND`, which fails where a request is lost, a permit
leaks, a checkout is lost or doubled, or anything panics. All of it runs on one machine over loopback:
a small shop behind brownout with its defaults, its customers, and throw-away servers.

- *requests* are those of clients that wait for their answers, as they count them. *Lost* is one
  that was neither answered nor refused: its connection broke, or nothing came for a minute.
- *faults* is what was done to a server or an instance, and each client that hangs up or dawdles.
- *left after 2 s*: where a server is harmed, customers wait no longer than that, and leave.
- *permits leaked* are places that are taken or waited for when nobody asks for anything any more; of the
  slow connections also while all of them are still open.
- *checkouts wrong* are those that were acknowledged and are not there, were applied twice, or
  that nobody ordered, of those that were acknowledged.
";

#[cfg(test)]
mod tests {
    use super::*;

    fn account(trial: &str) -> Account {
        let notes = vec!["it went well".to_owned()];
        Account { trial: trial.to_owned(), requests: 1_234_567, notes, ..Account::default() }
    }

    #[test]
    fn numbers_are_read_in_thousands() {
        let shown = [0, 12, 999, 1_000, 45_678, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1 000", "45 678", "1 234 567"]);
    }

    #[test]
    fn the_last_row_is_the_sum_and_each_has_all_figures() {
        let page = page("faults --budget", &[account("a"), account("b")]);
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 5);
        assert!(rows.iter().all(|row| row.matches('|').count() == 11), "{rows:?}");
        assert!(rows[4].starts_with("| all | 2 469 134 |"), "{}", rows[4]);
        assert!(page.contains("by `faults --budget`") && page.contains("- *b*: it went well.\n"));
    }
}
