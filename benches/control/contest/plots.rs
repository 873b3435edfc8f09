//! Useful work and limits over time, as drawings.

use std::{fs, path::Path};

use brownout::simulate::Report;
use plotters::{coord::Shift, prelude::*};

use super::{
    Contestant, Role,
    runs::{Results, SEEDS},
    score::Scores,
    trials::Trial,
};

/// A drawing that was written.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) title: String,
    /// Its name in the folder.
    pub(crate) file: String,
}

struct Line<'a> {
    name: String,
    colour: RGBColor,
    report: &'a Report,
}

/// Draws the trials that are to be drawn: ours, the best other, the ideal and nothing.
pub(crate) fn write(
    folder: &Path,
    trials: &[Trial],
    contestants: &[Contestant],
    results: &Results,
    scores: &[Scores],
) -> Vec<Plot> {
    let drawn = trials.iter().enumerate().filter(|(_, trial)| trial.drawn);
    drawn
        .map(|(number, trial)| {
            let title = trial.scenario.name.clone();
            let file = format!("{}.svg", file_name(&title));
            let scores = scores.iter().find(|scores| scores.scenario == title);
            let best = scores.and_then(best_other);
            let lines = lines(number, best, contestants, results);
            draw(&folder.join(&file), &title, &lines).expect("the plot can be drawn");
            Plot { title, file }
        })
        .collect()
}

/// The number of the one, neither ours nor nothing, whose customers did best.
fn best_other(scores: &Scores) -> Option<usize> {
    let others = scores.rows.iter().enumerate();
    let others = others.filter(|(_, row)| row.role == Role::Other);
    let best =
        others.max_by(|(_, one), (_, other)| one.score.weighted.total_cmp(&other.score.weighted));
    best.map(|(number, _)| number)
}

fn lines<'a>(
    trial: usize,
    best: Option<usize>,
    contestants: &[Contestant],
    results: &'a Results,
) -> Vec<Line<'a>> {
    let seed = SEEDS.start;
    let of = |role| contestants.iter().position(|contestant| contestant.role == role);
    let ideal = Line { name: "ideal".into(), colour: GREY, report: results.ideal(trial, 0, seed) };
    let shown = [(of(Role::Nothing), RED), (best, BLUE), (of(Role::Ours), GREEN)];
    let shown = shown.into_iter().filter_map(|(number, colour)| {
        let number = number?;
        let name = contestants[number].name.into();
        Some(Line { name, colour, report: results.run(trial, number, seed) })
    });
    [ideal].into_iter().chain(shown).collect()
}

fn draw(path: &Path, title: &str, lines: &[Line<'_>]) -> Result<(), Box<dyn std::error::Error>> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (760, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically(270);
    let work = |report: &Report| smoothed(&report.work, report.capacity);
    chart(&above, &format!("{title}: useful work, % of capacity"), 120.0, lines, work)?;
    let limit = |report: &Report| report.limits.iter().map(|limit| *limit as f64).collect();
    // No protection is a limit beyond all bounds.
    let limits = lines.iter().flat_map(|line| &line.report.limits);
    let top = limits.filter(|limit| **limit < 10_000).max().copied().unwrap_or(1);
    chart(&below, "limit, queries at once", 1.1 * top as f64, lines, limit)?;
    area.present()?;
    drop((above, below, area));
    fs::write(path, svg)?;
    Ok(())
}

fn chart<'a>(
    area: &DrawingArea<SVGBackend<'a>, Shift>,
    title: &str,
    top: f64,
    lines: &[Line<'_>],
    values: impl Fn(&Report) -> Vec<f64>,
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>> {
    let end = lines.first().map_or(0, |line| line.report.limits.len()) as f64 / 10.0;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..ROOM * end, 0.0..top)?;
    let mut mesh = chart.configure_mesh();
    mesh.label_style(("sans-serif", 14));
    mesh.disable_x_mesh().light_line_style(TRANSPARENT).y_labels(6).x_labels(10);
    mesh.x_label_formatter(&|seconds| format!("{seconds:.0} s"));
    mesh.y_label_formatter(&|value| format!("{value:.0}")).draw()?;
    for Line { name, colour, report } in lines {
        let style = colour.stroke_width(2);
        let points = values(report).into_iter().enumerate();
        let points = points.filter(|(_, value)| *value <= top);
        let points = points.map(|(tenth, value)| (tenth as f64 / 10.0, value));
        let series = chart.draw_series(LineSeries::new(points, style))?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    let mut legend = chart.configure_series_labels();
    legend.position(SeriesLabelPosition::MiddleRight).draw()
}

/// In per cent of the capacity, over a second.
fn smoothed(work: &[f64], capacity: f64) -> Vec<f64> {
    let mean = |part: &[f64]| 100.0 * part.iter().sum::<f64>() / (capacity * part.len() as f64);
    (0..work.len()).map(|last| mean(&work[last.saturating_sub(9)..=last])).collect()
}

fn file_name(title: &str) -> String {
    let plain = title.replace('×', "x").replace('÷', "by").to_lowercase();
    let words = plain.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// How much wider than the lines a drawing is, for their names.
const ROOM: f64 = 1.25;

const GREY: RGBColor = RGBColor(150, 150, 150);
const RED: RGBColor = RGBColor(214, 69, 80);
const BLUE: RGBColor = RGBColor(43, 138, 204);
const GREEN: RGBColor = RGBColor(44, 160, 100);
