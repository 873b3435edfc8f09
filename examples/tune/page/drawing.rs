//! How the figures go with the values of one setting.

use plotters::prelude::*;

use crate::{trial::Outcome, verdict::Study};

pub(crate) type Colour = (u8, u8, u8);

/// A line: its name, its colour, and what it is of, in per cent.
pub(crate) type Line = (&'static str, Colour, fn(&Outcome) -> f64);

pub(crate) const LINES: [Line; 3] = [
    ("useful work in the surge", (43, 138, 204), |own| own.work),
    ("critical answers in the surge", (44, 160, 100), |own| own.critical),
    ("refused in vain", (214, 69, 80), |own| own.in_vain),
];

/// An SVG drawing.
pub(crate) fn draw(study: &Study) -> Result<String, String> {
    let mut svg = String::new();
    chart(&mut svg, study).map_err(|error| format!("the report cannot be drawn: {error}"))?;
    Ok(svg.replace("#010203", "currentColor"))
}

fn chart(svg: &mut String, study: &Study) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, (520, 260)).into_drawing_area();
    let values = &study.knob.values;
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(-0.3..values.len() as f64 - 0.7, 0.0..105.0)?;
    let label = |at: &f64| match at.fract() == 0.0 && *at >= 0.0 {
        true => values.get(*at as usize).cloned().unwrap_or_default(),
        false => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(INK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.mix(0.5))
        .label_style(("sans-serif", 15).into_font().color(&INK))
        .x_labels(values.len())
        .x_label_formatter(&label)
        .y_label_formatter(&|percent| format!("{percent:.0} %"))
        .draw()?;
    for (_, (r, g, b), of) in LINES {
        let colour = RGBColor(r, g, b);
        let points = study.trials.iter().enumerate();
        let points =
            points.map(|(at, own)| (at as f64, 100.0 * of(&own.mean()))).collect::<Vec<_>>();
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
        chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    let at = study.knob.default as f64;
    chart.draw_series(LineSeries::new([(at, 0.0), (at, 105.0)], INK.mix(0.4)))?;
    area.present()?;
    Ok(())
}

/// Stands for the page's text colour, which a drawing cannot know.
const INK: RGBColor = RGBColor(1, 2, 3);
