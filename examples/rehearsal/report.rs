//! The report: one HTML file that needs nothing else.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::conclusion::Conclusion;
use crate::page::drawing::{Band, COLOURS, Colour, Scale, draw, top};
use crate::page::html::{END, add, escaped, head, legend};
use crate::plan::Plan;
use crate::series::{self, Lines};
use crate::table::{self, HEADINGS};
use crate::tally::Seen;
use crate::terminal::failure::{Failure, Result};
use crate::verdict::{Judged, Verdict};

struct Plot {
    title: &'static str,
    explanation: &'static str,
    scale: Scale,
    colours: &'static [Colour],
    lines: Lines,
}

const PLOTS: [Plot; 6] = [
    Plot {
        title: "What came, and how it ended, requests/s",
        explanation: "Each request counts at the moment at which it came. Fresh: what was asked for. Copy or fallback: a good answer that says it is not made for this request. Refused: 429 or 503. Failed: another status than the plan expects, or a broken connection.",
        scale: Scale::Linear,
        colours: &BY_KIND,
        lines: series::answers,
    },
    Plot {
        title: "Latency, ms",
        explanation: "From when a request was due, so that what waits behind a slow answer counts. Of the useful answers, and of those who waited in vain; logarithmic.",
        scale: Scale::Log,
        colours: &COLOURS,
        lines: series::latencies,
    },
    Plot {
        title: "Success by request, %",
        explanation: "Of those who came at a moment, how many got what they asked for, copies and fallbacks included.",
        scale: Scale::Linear,
        colours: &COLOURS,
        lines: series::success,
    },
    Plot {
        title: "Fresh answers by request, %",
        explanation: "Without copies and fallbacks: what gives way first falls first.",
        scale: Scale::Linear,
        colours: &COLOURS,
        lines: series::fresh,
    },
    Plot {
        title: "Median latency by request, ms",
        explanation: "Logarithmic.",
        scale: Scale::Log,
        colours: &COLOURS,
        lines: series::medians,
    },
    Plot {
        title: "How late the generator was, ms",
        explanation: "With one request in a hundred. It has to be far below the latencies; what is above the plan's max_lag is no measurement of the service. Logarithmic.",
        scale: Scale::Log,
        colours: &COLOURS,
        lines: series::lag,
    },
];

/// In the order of the lines: green is well, amber is degraded, red is bad.
const BY_KIND: [Colour; 7] = [
    (44, 160, 100),
    (222, 146, 34),
    (43, 138, 204),
    (214, 69, 80),
    (150, 105, 205),
    (190, 80, 160),
    (120, 130, 140),
];

pub(crate) fn write(path: &Path, plan: &Plan, seen: &Seen, of: &Conclusion) -> Result<()> {
    let page = page(plan, seen, of)?;
    fs::write(path, page)
        .map_err(|error| Failure::new(format!("--report {}: {error}", path.display())))
}

fn page(plan: &Plan, seen: &Seen, of: &Conclusion) -> Result<String> {
    let mut page = head("Rehearsal");
    add(&mut page, format_args!("<p><strong>{}</strong></p>", escaped(&of.headline)));
    for paragraph in &of.paragraphs {
        add(&mut page, format_args!("<p>{}</p>", escaped(paragraph)));
    }
    objectives(&mut page, &of.judged);
    page.push_str("<div class=pair>");
    for plot in &PLOTS {
        self::plot(&mut page, plot, plan, seen)?;
    }
    page.push_str("</div>");
    figures(&mut page, plan, seen);
    page.push_str(END);
    Ok(page)
}

fn objectives(page: &mut String, judged: &[Judged]) {
    if judged.is_empty() {
        return;
    }
    page.push_str("<section><h2>Objectives</h2><div class=wide><table>");
    for own in judged {
        let (class, why) = match &own.verdict {
            Verdict::Met => ("met", ""),
            Verdict::Missed => ("missed", ""),
            Verdict::NotMeasured(why) => ("open", why.as_str()),
        };
        add(
            page,
            format_args!(
                "<tr><td class={class}>{}<td>{}<td class=why>{}<td class=figure>{}</tr>",
                own.verdict.name(),
                escaped(&own.objective),
                escaped(why),
                escaped(&own.measured)
            ),
        );
    }
    page.push_str("</table></div></section>");
}

fn plot(page: &mut String, plot: &Plot, plan: &Plan, seen: &Seen) -> Result<()> {
    let lines = (plot.lines)(plan, seen);
    let drawn = lines.iter().zip(plot.colours.iter().cycle());
    // A line that is nothing all the time says nothing, also in the legend.
    let is_any = |(_, value): &(f64, f64)| *value > 0.0;
    let drawn = drawn.filter(|(line, _)| line.points.iter().any(is_any));
    let (lines, colours): (Vec<_>, Vec<Colour>) =
        drawn.map(|(line, colour)| (line.clone(), *colour)).unzip();
    add(page, format_args!("<section><h2>{}</h2><p>{}</p>", plot.title, plot.explanation));
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    legend(page, &names, &colours);
    let end = seen.end().max(Duration::from_millis(1));
    let svg = draw(&lines, &bands(seen), end, plot.scale, top(plot.scale, lines.iter()), &colours)?;
    add(page, format_args!("<figure>{svg}</figure></section>"));
    Ok(())
}

/// The phases, the more shaded the more comes.
fn bands(seen: &Seen) -> Vec<Band> {
    let most = seen.stretches.iter().map(|stretch| stretch.rate).fold(0.0, f64::max);
    let begun = seen.stretches.iter().filter(|stretch| stretch.start < seen.end());
    begun
        .map(|stretch| {
            let shade = DARKEST * stretch.rate / most.max(f64::EPSILON);
            Band::new(stretch.start..stretch.end.min(seen.end()))
                .named(stretch.name.as_str(), shade)
        })
        .collect()
}

const DARKEST: f64 = 0.15;

fn figures(page: &mut String, plan: &Plan, seen: &Seen) {
    page.push_str("<section><h2>Figures</h2><div class=wide><table><tr>");
    for (column, heading) in HEADINGS.iter().enumerate() {
        let class = if column == 0 { "" } else { " class=figure" };
        add(page, format_args!("<th{class}>{heading}"));
    }
    for row in table::rows(plan, seen) {
        page.push_str("<tr>");
        let tag = if row.is_phase { "th" } else { "td" };
        for (column, cell) in row.cells.iter().enumerate() {
            let class = if column == 0 { "" } else { " class=figure" };
            add(page, format_args!("<{tag}{class}>{}", escaped(cell)));
        }
    }
    let statuses = escaped(&table::statuses(seen));
    add(page, format_args!("</table></div><p>Statuses: {statuses}.</p></section>"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Kind, exchange};
    use crate::schedule::stretches;

    fn drawn(exchanges: Vec<crate::answer::Exchange>) -> String {
        let plan = Plan::parse(include_str!("short.toml")).unwrap();
        let seen = Seen::new(stretches(&plan), exchanges, None);
        let judged = Judged {
            objective: "all: success < 5 %".to_owned(),
            measured: "7 %".to_owned(),
            verdict: Verdict::NotMeasured("a <b>reason</b>".to_owned()),
        };
        let of = Conclusion {
            headline: "one <line>".to_owned(),
            paragraphs: vec!["more".to_owned()],
            judged: vec![judged],
            verdict: Verdict::Met,
        };
        page(&plan, &seen, &of).unwrap()
    }

    #[test]
    fn the_report_is_whole_and_its_text_is_text() {
        let page = drawn((0..3_000).map(|at| exchange(0, at, 5, Kind::Fresh)).collect());
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert_eq!(page.matches("<svg").count(), PLOTS.len());
        assert!(page.contains("a &lt;b&gt;reason&lt;/b&gt;") && page.contains("one &lt;line&gt;"));
        for elsewhere in ["src=", "href=", "<script", "url("] {
            assert!(!page.contains(elsewhere), "it needs {elsewhere}");
        }
    }

    #[test]
    fn a_report_of_nothing_can_be_drawn() {
        assert_eq!(drawn(Vec::new()).matches("<svg").count(), PLOTS.len());
    }
}
