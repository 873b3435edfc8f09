//! The report: one HTML file that needs nothing else, neither script nor net.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::goals::Goal;
use crate::plots::{COLOURS, Scale, draw};
use crate::record::Record;
use crate::run::Run;
use crate::series::{self, Line};
use crate::table::Section;

/// A kind of plot: every run gets one, on the same axes.
struct Plot {
    title: &'static str,
    explanation: &'static str,
    scale: Scale,
    lines: fn(&Record) -> Vec<Line>,
}

const PLOTS: [Plot; 7] = [
    Plot {
        title: "Success by route, %",
        explanation: "Of the customers who came at a moment, how many got what they asked for.",
        scale: Scale::Linear,
        lines: series::success,
    },
    Plot {
        title: "Offered, requests/s",
        explanation: "First attempts as they arrive; retries come on top.",
        scale: Scale::Linear,
        lines: series::offered,
    },
    Plot {
        title: "Answered, requests/s",
        explanation: "Requests that got what they asked for, when they got it.",
        scale: Scale::Linear,
        lines: series::answered,
    },
    Plot {
        title: "Latency of successes, ms",
        explanation: "From the intended arrival to the answer, retries included; logarithmic.",
        scale: Scale::Log,
        lines: series::latency,
    },
    Plot {
        title: "Concurrency, requests",
        explanation: "Unprotected: the pool's connections and its queue. Protected: the guard's limit and queue. Logarithmic.",
        scale: Scale::Log,
        lines: series::concurrency,
    },
    Plot {
        title: "Circuit breaker",
        explanation: "Unprotected there is none, so nothing ever opens.",
        scale: Scale::Circuit,
        lines: series::circuit,
    },
    Plot {
        title: "Refusals by reason, attempts/s",
        explanation: "Unprotected the shop refuses nothing: it lets everyone wait.",
        scale: Scale::Linear,
        lines: series::refusals,
    },
];

/// Writes the report.
pub(crate) fn write(
    path: &Path,
    introduction: &str,
    runs: &[Run],
    sections: &[Section],
    goals: &[Goal],
) -> Result<()> {
    let mut page = format!("{HEAD}<p>{EXPLANATION}</p><p>{}</p>", escaped(introduction));
    goal_table(&mut page, goals);
    for plot in &PLOTS {
        plots(&mut page, plot, runs)?;
    }
    figure_table(&mut page, sections, runs);
    database_pages(&mut page, runs);
    page.push_str("</main></html>\n");
    fs::write(path, page)
        .map_err(|error| Failure::new(format!("--report {}: {error}", path.display())))
}

fn plots(page: &mut String, plot: &Plot, runs: &[Run]) -> Result<()> {
    let lines: Vec<Vec<Line>> = runs.iter().map(|run| (plot.lines)(&run.record)).collect();
    let names: Vec<&str> = lines
        .iter()
        .max_by_key(|lines| lines.len())
        .into_iter()
        .flatten()
        .map(|line| line.name.as_str())
        .collect();
    add(page, format_args!("<section><h2>{}</h2><p>{}</p>", plot.title, plot.explanation));
    if names.len() > 1 {
        legend(page, &names);
    }
    page.push_str("<div class=pair>");
    let top = top(plot.scale, &lines);
    for (run, lines) in runs.iter().zip(&lines) {
        let svg = draw(lines, &run.record.timeline, plot.scale, top)?;
        add(page, format_args!("<figure><figcaption>{}</figcaption>{svg}</figure>", run.name));
    }
    page.push_str("</div></section>");
    Ok(())
}

/// The height that all runs share.
fn top(scale: Scale, lines: &[Vec<Line>]) -> f64 {
    let points = lines.iter().flatten().flat_map(|line| &line.points);
    let highest = points.map(|(_, value)| scale.height(*value)).fold(0.0, f64::max);
    match scale {
        Scale::Linear => (highest * 1.05).max(5.0),
        Scale::Log => highest.ceil().max(1.0),
        Scale::Circuit => 3.0,
    }
}

fn legend(page: &mut String, names: &[&str]) {
    page.push_str("<p class=legend>");
    for (name, (r, g, b)) in names.iter().zip(COLOURS.into_iter().cycle()) {
        add(
            page,
            format_args!(
                "<span><i style='background:rgb({r},{g},{b})'></i>{}</span> ",
                escaped(name)
            ),
        );
    }
    page.push_str("</p>");
}

fn goal_table(page: &mut String, goals: &[Goal]) {
    page.push_str("<section><h2>Goals</h2><div class=wide><table>");
    for goal in goals {
        let (class, verdict) = if goal.met { ("met", "met") } else { ("missed", "missed") };
        add(
            page,
            format_args!(
                "<tr><td class={class}>{verdict}<td>{}<td>{}<td class=figure>{}</tr>",
                goal.run, goal.wanted, goal.measured
            ),
        );
    }
    page.push_str("</table></div></section>");
}

fn figure_table(page: &mut String, sections: &[Section], runs: &[Run]) {
    page.push_str("<section><h2>Figures</h2><div class=wide><table>");
    for section in sections {
        add(page, format_args!("<tr><th>{}", section.title));
        for run in runs {
            add(page, format_args!("<th class=figure>{}", run.name));
        }
        for (label, figures) in &section.rows {
            add(page, format_args!("<tr><td>{}", escaped(label)));
            for figure in figures {
                add(page, format_args!("<td class=figure>{}", escaped(figure)));
            }
        }
    }
    page.push_str("</table></div></section>");
}

/// What the database handle of each guarded run says.
fn database_pages(page: &mut String, runs: &[Run]) {
    for run in runs.iter().filter(|run| run.guarded) {
        add(
            page,
            format_args!(
                "<section><h2>What the database handle says ({})</h2><p>{REPORT_CALL}</p>\
                 <div class=wide><pre>{}</pre></div></section>",
                run.name,
                escaped(&run.database_page)
            ),
        );
    }
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes any text");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const EXPLANATION: &str = "A campaign sends a shop several times what its database sustains (shaded). \
    Customers wait two seconds, then try again, at most twice. Unprotected, every request queues for \
    the same few connections until its customer has left, so the database works hard for nobody; \
    pages that need no database stay well, as they never wait for it. The same customers come at the \
    same moments in each run, and both columns share their axes.";

const REPORT_CALL: &str =
    "<code>database.report()</code> when all was over, from the quiet hours before the run on.";

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width,initial-scale=1'><title>Meltdown: the postmortem, replayed</title><style>\
:root{color-scheme:light dark;--ink:#1d2429;--paper:#fbfaf8;--card:#fff;--line:#dcd9d3;--good:#1d7a48;--bad:#c03744}\
@media(prefers-color-scheme:dark){:root{--ink:#dfe3e6;--paper:#14181b;--card:#1b2024;--line:#343b41;--good:#5cc48d;--bad:#f0808a}}\
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:1120px;margin:auto;padding:1rem}h1{line-height:1.2}h2{margin:0;font-size:1.1rem}p{max-width:75ch;margin:.4rem 0}\
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1rem 0}\
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:.5rem 1rem}\
figure{margin:0}figcaption{font-weight:600}svg{width:100%;height:auto;display:block}.legend span{margin-right:1rem;white-space:nowrap}\
.legend i{display:inline-block;width:.9em;height:.9em;border-radius:2px;margin-right:.4em;vertical-align:-.1em}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem;text-align:left;border-bottom:1px solid var(--line)}\
th{padding-top:1rem}.figure{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.met{color:var(--good);font-weight:600}\
.missed{color:var(--bad);font-weight:600}pre{margin:.4rem 0;font-size:.85rem}</style><main><h1>Meltdown: the postmortem, replayed</h1>";
