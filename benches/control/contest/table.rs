//! Scores and goals as text.

use std::fmt::Write;

use super::{
    goals::Goal,
    score::{Score, Scores},
};

/// A table for each look, and the worst of all.
pub(crate) fn scores(all: &[Scores]) -> String {
    let mut text = String::new();
    for scores in all {
        let _ = writeln!(text, "{}", scores.title());
        for row in &scores.rows {
            text += &line(row.name, &row.score, scores);
        }
        text += &line("ideal", &scores.ideal, scores);
    }
    let _ = writeln!(text, "worst of all, % of the ideal");
    for (name, work, weighted) in worst(all) {
        let _ = writeln!(text, "  {name:<36} work {work:>6.1}  weighted {weighted:>6.1}");
    }
    text
}

pub(crate) fn goals(goals: &[Goal]) -> String {
    let mut text = String::from("goals\n");
    for Goal { what, measured, met } in goals {
        let met = if *met { "met   " } else { "missed" };
        let _ = writeln!(text, "  {met}  {what}: {measured}");
    }
    text
}

/// The worst useful work and weighted success of each contestant.
pub(crate) fn worst(all: &[Scores]) -> Vec<(&'static str, f64, f64)> {
    let rows = all.first().map_or(0, |scores| scores.rows.len());
    let least = |row: usize, of: fn(&Score) -> f64| {
        all.iter().map(|scores| of(&scores.rows[row].score)).fold(f64::INFINITY, f64::min)
    };
    let of = |row: usize| {
        let name = all[0].rows[row].name;
        (name, least(row, |score| score.work), least(row, |score| score.weighted))
    };
    (0..rows).map(of).collect()
}

fn line(name: &str, score: &Score, scores: &Scores) -> String {
    let Score { work, weighted, success, free, refused, p99, fairness, reached } = score;
    let [critical, normal, sheddable] = success;
    let reached = if scores.look.timed { format!("  reached {reached:>4.1} s") } else { "".into() };
    format!(
        "  {name:<36} work {work:>5.1}  weighted {weighted:>5.1}  critical {critical:>5.1}  \
         normal {normal:>5.1}  sheddable {sheddable:>5.1}  free {free:>5.1}  \
         refused {refused:>5.2}  p99 ×{p99:>5.1}  fair {fairness:>4.2}{reached}\n"
    )
}
