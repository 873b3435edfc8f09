//! The curves, on one page.

use std::{fs, path::Path};

use crate::{
    measured::Measured,
    page::{
        drawing::{LINES, draw},
        html::{END, add, escaped, head, legend},
    },
    trial::Trials,
    verdict::{Study, Verdict},
};

/// Writes the page.
pub(crate) fn write(
    path: &Path,
    measured: &Measured,
    default: &Trials,
    studies: &[Study],
    recommended: &str,
) -> Result<(), String> {
    let mut page = head("Which settings matter?");
    let (measured, default) = (measured.to_string(), default.mean().to_string());
    add(&mut page, format_args!("<p>{EXPLANATION}</p><p>{}</p>", escaped(&measured)));
    add(&mut page, format_args!("<p>With the defaults: {}.</p>", escaped(&default)));
    let recommended = escaped(recommended);
    add(
        &mut page,
        format_args!("<section><h2>brownout.toml</h2><pre>{recommended}</pre></section>"),
    );
    legend(&mut page, &LINES.map(|(name, ..)| name), &LINES.map(|(_, colour, _)| colour));
    studies.iter().try_for_each(|study| section(&mut page, study))?;
    page.push_str(END);
    fs::write(path, page).map_err(|error| format!("--report {}: {error}", path.display()))
}

fn section(page: &mut String, study: &Study) -> Result<(), String> {
    let Study { knob, trials, verdict } = study;
    let verdict = escaped(&verdict.to_string());
    add(page, format_args!("<section><h2>{}</h2><p>{verdict}</p><div class=pair>", knob.path));
    add(page, format_args!("<figure>{}</figure><div class=wide><table>", draw(study)?));
    for (index, (value, own)) in knob.values.iter().zip(trials).enumerate() {
        let is_default = if index == knob.default { " (default)" } else { "" };
        let is_set = matches!(study.verdict, Verdict::Set { index: set, .. } if set == index);
        let class = if is_set { "met" } else { "figure" };
        let own = escaped(&own.mean().to_string());
        add(page, format_args!("<tr><td class={class}>{value}{is_default}<td>{own}</tr>"));
    }
    page.push_str("</table></div></div></section>");
    Ok(())
}

const EXPLANATION: &str = "Each setting of the limit alone, varied around its default (the upright \
    line), in a model of the database: a quiet time at 70 % of what it does at best, a surge, and a quiet \
    time again, with several seeds. A value is worth setting if it does better than the default in \
    something by more than chance, and worse in nothing, neither here nor with a database that does \
    twice as many at once.";
