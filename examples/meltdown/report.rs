//! The report: one HTML file that needs nothing else, neither script nor net.

use std::fs;
use std::path::Path;

use crate::goals::Goal;
use crate::page::drawing::{Band, COLOURS, Line, Scale, draw, top};
use crate::page::html::{END, add, escaped, head, legend};
use crate::record::Record;
use crate::run::Run;
use crate::series;
use crate::table::Section;
use crate::terminal::failure::{Failure, Result};
use crate::timeline::Phase;

/// A kind of plot: every run gets one, on the same axes.
struct Plot {
    title: &'static str,
    explanation: &'static str,
    scale: Scale,
    lines: fn(&Record) -> Vec<Line>,
}

const PLOTS: [Plot; 9] = [
    Plot {
        title: "What becomes of a request, %",
        explanation: "Fresh: made for this request. Shared: made for another one at the same time. Copy: made before, since there was nothing better.",
        scale: Scale::Linear,
        lines: series::fates,
    },
    Plot {
        title: "Useful answers by route, %",
        explanation: "Of the customers who came at a moment, how many got what they asked for, copies included.",
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
        explanation: "Requests that got what they asked for, when they got it, copies included.",
        scale: Scale::Linear,
        lines: series::answered,
    },
    Plot {
        title: "Latency of useful answers, ms",
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
        title: "Product pages with all their parts, %",
        explanation: "What others bought is one query more, which a page does without when the service is degraded.",
        scale: Scale::Linear,
        lines: series::whole,
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
    let mut page = format!(
        "{}<p>{EXPLANATION}</p><p>{}</p>",
        head("Meltdown: the postmortem, replayed"),
        escaped(introduction)
    );
    goal_table(&mut page, goals);
    for plot in &PLOTS {
        plots(&mut page, plot, runs)?;
    }
    figure_table(&mut page, sections, runs);
    texts(&mut page, runs);
    page.push_str(END);
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
        legend(page, &names, &COLOURS);
    }
    page.push_str("<div class=pair>");
    let top = top(plot.scale, lines.iter().flatten());
    for (run, lines) in runs.iter().zip(&lines) {
        let (from, until) = run.record.timeline.span(Phase::Surge);
        let surge = Band::new(from..until);
        let svg = draw(lines, &[surge], run.record.timeline.end(), plot.scale, top, &COLOURS)?;
        add(page, format_args!("<figure><figcaption>{}</figcaption>{svg}</figure>", run.name));
    }
    page.push_str("</div></section>");
    Ok(())
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

/// What the database handle of each guarded run says, and the draft of its postmortem.
fn texts(page: &mut String, runs: &[Run]) {
    for run in runs.iter().filter(|run| run.guarded) {
        text(page, run.name, "What the database handle says", REPORT_CALL, &run.database_page);
        text(page, run.name, "The draft of a postmortem", INCIDENT_CALL, &run.postmortems);
    }
}

fn text(page: &mut String, run: &str, title: &str, explanation: &str, text: &str) {
    let text = escaped(text);
    add(
        page,
        format_args!(
            "<section><h2>{title} ({run})</h2><p>{explanation}</p>\
             <div class=wide><pre>{text}</pre></div></section>"
        ),
    );
}

const EXPLANATION: &str = "A campaign sends a shop several times what its database sustains (shaded). \
    Customers wait two seconds, then try again, at most twice. Unprotected, every request queues for \
    the same few connections until its customer has left, so the database works hard for nobody; \
    pages that need no database stay well, as they never wait for it. Protected, a page that is refused \
    comes from a copy if anybody has asked for it before; one search in ten is for something new. The same customers come at the \
    same moments in each run, and both columns share their axes.";

const REPORT_CALL: &str =
    "<code>database.report()</code> when all was over, from the quiet hours before the run on.";

const INCIDENT_CALL: &str =
    "<code>incident.to_markdown()</code> for each of <code>admission.incidents()</code>.";
