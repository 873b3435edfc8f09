//! Lines over time as an SVG drawing that sits in a page.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::failure::{Failure, Result};
use crate::series::Line;
use crate::timeline::{Phase, Timeline};

const SIZE: (u32, u32) = (520, 260);
/// Stands for the page's text colour, which a drawing cannot know.
const INK: RGBColor = RGBColor(1, 2, 3);

/// Colours that stand out on white and on near-black.
pub(crate) const COLOURS: [(u8, u8, u8); 6] = [
    (214, 69, 80),
    (43, 138, 204),
    (222, 146, 34),
    (44, 160, 100),
    (150, 105, 205),
    (120, 130, 140),
];

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Powers of ten; what is below one lies on the axis.
    Log,
    /// The four states of a circuit breaker.
    Circuit,
}

impl Scale {
    /// The height of a value.
    pub(crate) fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear | Self::Circuit => value,
            Self::Log => value.max(1.0).log10(),
        }
    }

    fn label(self, height: f64) -> String {
        match self {
            Self::Linear => format!("{height:.0}"),
            Self::Log if height.fract().abs() > 1e-6 => String::new(),
            Self::Log => format!("{:.0}", 10_f64.powf(height)),
            Self::Circuit => match height {
                0.0 => "closed".to_owned(),
                1.0 => "partial".to_owned(),
                2.0 => "half-open".to_owned(),
                3.0 => "open".to_owned(),
                _ => String::new(),
            },
        }
    }

    fn marks(self, top: f64) -> usize {
        match self {
            Self::Linear => 6,
            Self::Log | Self::Circuit => top.ceil() as usize + 1,
        }
    }
}

/// Draws `lines` with the phases shaded; `top` is the height of the axis.
pub(crate) fn draw(lines: &[Line], timeline: &Timeline, scale: Scale, top: f64) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    chart(&area, lines, timeline, scale, top)
        .and_then(|()| area.present())
        .map_err(|error| Failure::new(format!("the report cannot be drawn: {error}")))?;
    drop(area);
    Ok(svg.replace("#010203", "currentColor"))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> =
    std::result::Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn chart<'a>(
    area: &Area<'a>,
    lines: &[Line],
    timeline: &Timeline,
    scale: Scale,
    top: f64,
) -> Drawn<'a> {
    let end = timeline.end().as_secs_f64();
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(28)
        .y_label_area_size(68)
        .build_cartesian_2d(0.0..end, 0.0..top)?;
    let (from, until) = timeline.span(Phase::Surge);
    let corners = [(from.as_secs_f64(), 0.0), (until.as_secs_f64(), top)];
    let surge = Rectangle::new(corners, RGBColor(214, 69, 80).mix(0.13).filled());
    chart.draw_series([surge])?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(INK.mix(0.15))
        .light_line_style(TRANSPARENT)
        .axis_style(INK.mix(0.5))
        .label_style(("sans-serif", 15).into_font().color(&INK))
        .x_labels(8)
        .y_labels(scale.marks(top))
        .x_label_formatter(&|seconds| format!("{seconds:.0} s"))
        .y_label_formatter(&|height| scale.label(*height))
        .draw()?;
    for (line, (r, g, b)) in lines.iter().zip(COLOURS.into_iter().cycle()) {
        let points = line.points.iter().filter(|(at, _)| *at <= end);
        let heights = points.map(|(at, value)| (*at, scale.height(*value).min(top)));
        chart.draw_series(LineSeries::new(heights, RGBColor(r, g, b).stroke_width(2)))?;
    }
    Ok(())
}
